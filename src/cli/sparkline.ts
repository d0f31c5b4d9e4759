/** A curve as one line of text. */

const BARS = '▁▂▃▄▅▆▇█'

/**
 * `counts` as a line of at most `width` characters: neighbours are added up where there are more. The highest bar is the
 * largest count; a count of zero has the lowest bar and no other count does.
 */
export function sparkline(counts: readonly number[], width: number): string {
  const columns = Math.min(width, counts.length)
  const sums = Array.from({ length: columns }, (_, column) =>
    counts
      .slice(
        Math.floor((column * counts.length) / columns),
        Math.floor(((column + 1) * counts.length) / columns),
      )
      .reduce((sum, count) => sum + count, 0),
  )
  const largest = Math.max(1, ...sums)
  return sums
    .map((sum) => BARS[sum === 0 ? 0 : Math.max(1, Math.ceil((sum / largest) * 7))] ?? '')
    .join('')
}
