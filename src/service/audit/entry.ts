/**
 * An entry of the operator log and the line that it is in the file. Pure. The line is canonical: the fields of `FIELDS` in that
 * order, no blanks, numbers as decimal integers, texts as `JSON.stringify` has them; they hold no control characters, so that
 * nothing in them is spelt \uXXXX by JSON.
 *
 *   {"sequence":2,"atMs":1700000000000,"actor":"cli:ann", ... ,"previous":"HASH OF LINE 1","hash":"HASH OF LINE 2"}
 *
 * `hash` is the SHA-256 of the bytes of the line without `,"hash":"..."` and without its newline, which is what
 * `jq -cj 'del(.hash)' | sha256sum` says of it, or `sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum`.
 */
import { createHash } from 'node:crypto'
import { quoted } from '../../errors.js'
import { memberAt, parseJson } from '../../workload/json-fields.js'

export const PHASES = ['begun', 'done', 'refused', 'failed'] as const
export type Phase = (typeof PHASES)[number]

/** What is said in an entry; `details` is JSON. */
export interface EntryFacts {
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly reason: string
  readonly phase: Phase
  readonly details: string
}

export interface OperatorEntry extends EntryFacts {
  /** From 1, without holes. */
  readonly sequence: number
  /** Hash of the line before. */
  readonly previous: string
  readonly hash: string
}

/** What comes before the next line. */
export interface ChainEnd {
  /** 0 where there is no line. */
  readonly sequence: number
  readonly hash: string
}

/** Before the first line. */
export const NO_LINES: ChainEnd = { sequence: 0, hash: '0'.repeat(64) }

/** Of a line with its newline. */
export const LINE_BYTES = 16 * 1024

/** Bytes of each text; twice their sum, since quotes and backslashes take two, and the rest stay below `LINE_BYTES`. */
const TEXT_BYTES = { actor: 512, action: 64, target: 1024, reason: 1024, details: 5120 } as const
/** Characters of one text within the details. */
const DETAIL_CHARACTERS = 2048

const HASH = /^[0-9a-f]{64}$/

/** The line of the next entry, with its newline, and the entry. */
export function nextLine(
  end: ChainEnd,
  facts: EntryFacts,
): { readonly line: string; readonly entry: OperatorEntry } {
  const said = {
    sequence: end.sequence + 1,
    atMs: facts.atMs,
    actor: bounded(facts.actor, TEXT_BYTES.actor),
    action: bounded(facts.action, TEXT_BYTES.action),
    target: bounded(facts.target, TEXT_BYTES.target),
    reason: bounded(facts.reason, TEXT_BYTES.reason),
    phase: facts.phase,
    details: facts.details,
    previous: end.hash,
  }
  const body = bodyOf(said)
  const hash = hashOf(body)
  return { line: `${withHash(body, hash)}\n`, entry: { ...said, hash } }
}

/** The entry of a line without its newline, or why it is none: as the end of a sentence. The chain is not looked at. */
export function parseLine(bytes: Buffer): OperatorEntry | string {
  if (bytes.length >= LINE_BYTES) return `it is longer than ${LINE_BYTES} bytes`
  const json = parseJson(bytes.toString('utf8'))
  if (typeof json !== 'object' || json === null) return 'it is no JSON object'
  if (!isEntry(json)) return 'it lacks fields of an entry'
  const body = bodyOf(json)
  // Whatever else is in the line, or is written otherwise, makes it another line.
  if (!bytes.equals(Buffer.from(withHash(body, json.hash), 'utf8'))) {
    return 'it is not written as entries are'
  }
  return hashOf(body) === json.hash ? json : 'its hash is not that of what it says'
}

/** `details` for an entry: JSON of the values, one line, printable, bounded; texts in it are cut. */
export function detailsOf(values: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(values, (_, value: unknown) =>
    typeof value === 'string' ? boundedCharacters(value) : value,
  )
  const bytes = Buffer.byteLength(text, 'utf8')
  return bytes <= TEXT_BYTES.details ? text : JSON.stringify({ omittedBytes: bytes })
}

function bodyOf(entry: Omit<OperatorEntry, 'hash'>): string {
  const { sequence, atMs, actor, action, target, reason, phase, details, previous } = entry
  return JSON.stringify({
    sequence,
    atMs,
    actor,
    action,
    target,
    reason,
    phase,
    details,
    previous,
  })
}

function withHash(body: string, hash: string): string {
  return `${body.slice(0, -1)},"hash":"${hash}"}`
}

function hashOf(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('hex')
}

function isEntry(json: object): json is OperatorEntry {
  const isText = (name: string): boolean => typeof memberAt(json, name) === 'string'
  const isNumber = (name: string): boolean => Number.isSafeInteger(memberAt(json, name))
  return (
    ['actor', 'action', 'target', 'reason', 'details', 'previous'].every(isText) &&
    ['sequence', 'atMs'].every(isNumber) &&
    PHASES.some((phase) => phase === memberAt(json, 'phase')) &&
    HASH.test(String(memberAt(json, 'hash')))
  )
}

/** Printable and well-formed; no character is cut in two. */
function bounded(text: string, limit: number): string {
  const bytes = Buffer.from(quoted(text), 'utf8')
  if (bytes.length <= limit) return bytes.toString('utf8')
  return `${bytes.toString('utf8', 0, limit - 3).replace(/\ufffd+$/, '')}...`
}

function boundedCharacters(text: string): string {
  // By way of bytes: half a character is none.
  const printable = quoted(Buffer.from(text.slice(0, DETAIL_CHARACTERS), 'utf8').toString('utf8'))
  return text.length > DETAIL_CHARACTERS ? `${printable}...` : printable
}
