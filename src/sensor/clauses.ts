/**
 * Takes a bpftrace program apart into its top-level clauses (`probe, probe /predicate/ { body }`), so that several probe
 * files can be put together. Knows strings, comments and braces; knows nothing else of the language.
 */

/** One clause: what it is attached to (with its predicate) and the text between its outer braces. */
export interface Clause {
  /** Text before the body, trimmed: `BEGIN`, `interval:s:1`, `tracepoint:... /predicate/`. */
  readonly head: string
  readonly body: string
}

/** The clauses of `program` in order; comments between clauses are dropped. Throws a `SyntaxError` on unbalanced braces. */
export function clausesOf(program: string): readonly Clause[] {
  const clauses: Clause[] = []
  let head = ''
  let depth = 0
  let bodyStart = 0
  for (let at = 0; at < program.length;) {
    const next = skipped(program, at)
    if (next > at) {
      if (depth === 0 && program[at] === '"') head += program.slice(at, next)
      at = next
      continue
    }
    const char = program[at]
    if (char === '{' && depth++ === 0) {
      bodyStart = at + 1
    } else if (char === '}') {
      if (depth === 0) throw new SyntaxError('a closing brace without an opening one')
      if (--depth === 0) {
        clauses.push({ head: head.trim(), body: program.slice(bodyStart, at).trim() })
        head = ''
      }
    } else if (depth === 0) head += char
    at++
  }
  if (depth > 0) throw new SyntaxError('an opening brace without a closing one')
  if (head.trim() !== '') throw new SyntaxError('text after the last clause')
  return clauses
}

/** Index after the comment, string or interpreter line that starts at `at`; `at` itself where none starts. */
function skipped(program: string, at: number): number {
  if (at === 0 && program.startsWith('#!')) return endOf(program, '\n', 2)
  if (program.startsWith('//', at)) return endOf(program, '\n', at)
  if (program.startsWith('/*', at)) return endOf(program, '*/', at + 2)
  if (program[at] !== '"') return at
  let end = at + 1
  while (end < program.length && program[end] !== '"') end += program[end] === '\\' ? 2 : 1
  return end + 1
}

function endOf(program: string, mark: string, from: number): number {
  const found = program.indexOf(mark, from)
  return found < 0 ? program.length : found + mark.length
}
