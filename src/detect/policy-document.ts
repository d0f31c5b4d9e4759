/**
 * YAML with the places of its values, read so that nothing is taken otherwise than it looks: one document, no key twice, no
 * tags, no tabs, bounded depth and bounded repetition by anchors. Knows nothing of policies. Pure.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node,
  type YAMLMap,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import { quoted } from '../errors.js'
import {
  type FieldPath,
  fieldText,
  type PolicyProblem,
  PROBLEM_LIMIT,
  shown,
} from './policy-problem.js'

/** A policy needs four. */
const MAX_DEPTH = 16
/** Times that one anchor may be used, those in what it repeats multiplied. */
const MAX_ALIASES = 1000
/** Of the parser's messages, which may hold text of the file. */
const MESSAGE_CHARACTERS = 200

export interface Place {
  readonly line: number
  readonly column: number
}

export interface SourceDocument {
  /** As plain objects, lists and scalars; undefined for an empty file. */
  readonly value: unknown
  /** Where the value at the path is, or as much of the path as there is; with `key` the key of that name in it. */
  readonly placeOf: (path: FieldPath, key?: string) => Place
}

/** The document, or what is wrong with the text. Never throws. */
export function readDocument(
  text: string,
): { readonly document: SourceDocument } | { readonly problems: readonly PolicyProblem[] } {
  const lines = new LineCounter()
  let parsed: Document.Parsed
  try {
    parsed = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      lineCounter: lines,
      prettyErrors: false,
      // At `silent` further documents behind the first pass unnoticed.
      logLevel: 'error',
      // Checked below: this check takes the square of a mapping's length.
      uniqueKeys: false,
    })
  } catch (thrown) {
    const isTooDeep = thrown instanceof RangeError
    return { problems: [whole(isTooDeep ? TOO_DEEP : 'is no YAML that can be read')] }
  }
  const found = [...parsed.errors, ...parsed.warnings]
  // The parser's stack ends before a file of nothing but brackets does.
  if (found.some(({ message }) => message.includes('call stack'))) {
    return { problems: [whole(TOO_DEEP)] }
  }
  const problems = found
    .slice(0, PROBLEM_LIMIT)
    .map((error) => problemAt(lines, error.pos[0], '', sentence(error)))
  if (problems.length === 0) new Check(lines, problems).node(parsed.contents, [])
  if (problems.length > 0) return { problems }
  try {
    const value: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES })
    const placeOf = (path: FieldPath, key?: string): Place => placeIn(parsed, lines, path, key)
    return { document: { value: value ?? undefined, placeOf } }
  } catch {
    return { problems: [whole('repeats too much by anchors and aliases')] }
  }
}

const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`

function whole(problem: string): PolicyProblem {
  return { severity: 'error', line: 0, column: 0, field: '', problem, expected: '' }
}

function problemAt(
  lines: LineCounter,
  offset: number,
  field: string,
  problem: string,
  expected = '',
): PolicyProblem {
  return { severity: 'error', ...place(lines, offset), field, problem, expected }
}

function place(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** The parser's words, as one line that goes on after a colon. */
function sentence({ code, message }: YAMLParseError | YAMLWarning): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins, of which there may be one only'
  const line = message.split('\n', 1)[0] ?? ''
  return quoted(line.slice(0, MESSAGE_CHARACTERS)).replace(/\.$/, '')
}

/** Walks the nodes as they are written; what an alias stands for is walked where it is anchored. */
class Check {
  readonly #lines: LineCounter
  readonly #problems: PolicyProblem[]
  readonly #anchors = new Set<string>()

  constructor(lines: LineCounter, problems: PolicyProblem[]) {
    this.#lines = lines
    this.#problems = problems
  }

  node(node: unknown, path: FieldPath): void {
    if (!isNode(node) || this.#problems.length >= PROBLEM_LIMIT) return
    if (path.length > MAX_DEPTH) return this.#report(startOf(node), [], TOO_DEEP)
    if (isAlias(node)) {
      if (this.#anchors.has(node.source)) return
      const problem = `has the alias ${shown(node.source)} without an anchor`
      return this.#report(startOf(node), path, problem, 'quotes around a text that begins with *')
    }
    if (isSeq(node)) for (const [at, item] of node.items.entries()) this.node(item, [...path, at])
    if (isMap(node)) this.#map(node, path)
    // Only now: what contains itself has no end.
    if (typeof node.anchor === 'string') this.#anchors.add(node.anchor)
  }

  #map(map: YAMLMap, path: FieldPath): void {
    const seen = new Map<string, number>()
    for (const { key, value } of map.items) {
      const offset = isNode(key) ? startOf(key) : startOf(map)
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#report(offset, path, 'has a key that is no text')
        continue
      }
      const first = seen.get(key.value)
      if (first === undefined) seen.set(key.value, offset)
      else {
        const { line } = place(this.#lines, first)
        this.#report(offset, [...path, key.value], `is there already, in line ${line}`)
      }
      this.node(value, [...path, key.value])
    }
  }

  #report(offset: number, path: FieldPath, problem: string, expected = ''): void {
    this.#problems.push(problemAt(this.#lines, offset, fieldText(path), problem, expected))
  }
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0
}

function placeIn(
  parsed: Document.Parsed,
  lines: LineCounter,
  path: FieldPath,
  key: string | undefined,
): Place {
  let node: Node | undefined = resolved(parsed, parsed.contents)
  let offset = node === undefined ? 0 : startOf(node)
  for (const step of path) {
    const next = isMap(node) || isSeq(node) ? node.get(step, true) : undefined
    if (!isNode(next)) {
      if (isMap(node) && typeof step === 'string') offset = keyOffset(node, step) ?? offset
      break
    }
    offset = startOf(next)
    node = resolved(parsed, next)
  }
  if (key !== undefined && isMap(node)) offset = keyOffset(node, key) ?? offset
  return place(lines, offset)
}

function keyOffset(node: Node, key: string): number | undefined {
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key: found }) => isScalar(found) && found.value === key)
  return isScalar(pair?.key) ? startOf(pair.key) : undefined
}

function resolved(parsed: Document.Parsed, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(parsed)
  return isNode(node) ? node : undefined
}
