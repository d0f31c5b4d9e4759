/** Reads back the shapes of YAML that plimsoll writes, and nothing else: anything unexpected throws. */

/** The document as plain values; integers come out as numbers. */
export function readYaml(text: string): unknown {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('no newline at the end')
  const value = readBlock(
    lines.map((line) => line.replace(/[^ ].*/, '').length),
    lines,
    { at: 0 },
  )
  return value
}

interface Cursor {
  at: number
}

/** A mapping or a list whose lines start at the indentation of the line under the cursor. */
function readBlock(indents: number[], lines: string[], cursor: Cursor): unknown {
  const indent = indents[cursor.at] ?? 0
  if (lines[cursor.at]?.slice(indent).startsWith('- ')) {
    const items: unknown[] = []
    while (indents[cursor.at] === indent && lines[cursor.at]?.slice(indent).startsWith('- ')) {
      const rest = lines[cursor.at]?.slice(indent + 2) ?? ''
      if (/^[a-zA-Z]+:( |$)/.test(rest)) {
        // The dash counts as indentation of the mapping that starts beside it.
        lines[cursor.at] = `${' '.repeat(indent + 2)}${rest}`
        indents[cursor.at] = indent + 2
        items.push(readBlock(indents, lines, cursor))
      } else {
        items.push(readScalar(rest))
        cursor.at++
      }
    }
    return items
  }
  const mapping: Record<string, unknown> = {}
  while (indents[cursor.at] === indent) {
    const [, key, inline] =
      /^([a-zA-Z]+):(?: (.+))?$/.exec(lines[cursor.at]?.slice(indent) ?? '') ?? []
    if (key === undefined) break
    if (key in mapping) throw new Error(`${key} twice`)
    cursor.at++
    mapping[key] = inline === undefined ? readBlock(indents, lines, cursor) : readScalar(inline)
  }
  return mapping
}

function readScalar(text: string): unknown {
  if (/^-?\d+$/.test(text)) return Number(text)
  if (/^[A-Za-z][A-Za-z0-9_./-]*$/.test(text)) return text
  if (/^"[\u0020-\u007e]*"$/.test(text)) {
    return JSON.parse(
      text.replaceAll(/\\U([0-9a-f]{8})/g, (_, digits: string) =>
        String.fromCodePoint(Number.parseInt(digits, 16)),
      ),
    ) as unknown
  }
  throw new Error(`not a scalar that plimsoll writes: ${text}`)
}
