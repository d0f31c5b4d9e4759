/** Columns of text for people. Cells must be free of control characters already (see `displayOf`). */

/** Lines of left-aligned columns two spaces apart; cells that look like numbers are aligned right. Ends with a newline. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const isNumber = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[\d,.]*$/.test(row[column] ?? '')),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return `${all.map(line).join('\n')}\n`
}
