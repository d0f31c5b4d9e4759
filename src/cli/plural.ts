/** `1 run`, `2 runs`; `2 anomalies` where an s does not do. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}
