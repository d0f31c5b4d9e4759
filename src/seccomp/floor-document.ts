/**
 * A measured floor as a document: what one version of a runtime called between loading the filter and the exec of the
 * program, in which of how many rounds. Written by `plimsoll calibrate`, shipped in `profiles/floors`, read by whoever
 * builds a profile. Pure; JSON with its keys in one order, so that the same floor is the same bytes.
 */
import { isSyscallName } from '../kernel/syscalls.js'
import { NEVER_IN_FLOOR } from './call-groups.js'
import { RUNTIMES, type Runtime } from './floor-tables.js'

/** How a program gets into a container: as its own, or injected. */
export const OPERATIONS = ['start', 'exec'] as const
export type Operation = (typeof OPERATIONS)[number]

/** What is measured apart; with no_new_privs runtimes may load the filter later, and call less under it. */
export interface Measure {
  readonly operation: Operation
  readonly noNewPrivileges: boolean
}

/** All measures, in the order of the document. */
export const MEASURES: readonly Measure[] = OPERATIONS.flatMap((operation) =>
  [false, true].map((noNewPrivileges) => ({ operation, noNewPrivileges })),
)

/** `start`, `start, no_new_privs`, `exec`, ...: for people, and as a key. */
export function measureKey({ operation, noNewPrivileges }: Measure): string {
  return noNewPrivileges ? `${operation}, no_new_privs` : operation
}

export interface MeasuredFloor extends Measure {
  /** Rounds that count; at least 1. */
  readonly rounds: number
  /** In how many of them each name was seen; sorted by name. */
  readonly names: Readonly<Record<string, number>>
}

export interface FloorDocument {
  readonly format: 1
  readonly runtime: Runtime
  /** As upstream numbers it, e.g. `1.1.5`; safe in a file name. */
  readonly version: string
  /** With what the distribution added, and what else `--version` says of the build. */
  readonly release: string
  readonly facts: Readonly<Record<string, string>>
  readonly architecture: 'x86_64'
  /** When, as ISO 8601 in UTC with milliseconds, and with what it was measured. */
  readonly measuredAt: string
  readonly kernel: string
  readonly bpftrace: string
  readonly plimsoll: string
  /** The last so many rounds brought nothing new. */
  readonly quietRounds: number
  /** Calls that it made, can do without, and that no floor has; sorted. */
  readonly tried: readonly string[]
  /** One per measure, in the order of `MEASURES`. */
  readonly floors: readonly MeasuredFloor[]
}

/** Far above what a calibration writes. */
export const FLOOR_BYTES = 256 * 1024
const MAX_COUNT = 1_000_000
const TEXT = /^[\x20-\x7e]{1,200}$/
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const VERSION = /^\d{1,4}(?:\.\d{1,4}){1,3}$/
const LABEL = /^[a-z0-9_:?]{1,40}$/

/** Its file's name: one per runtime, version and architecture. */
export function floorFileName({
  runtime,
  version,
  architecture,
}: Pick<FloorDocument, 'runtime' | 'version' | 'architecture'>): string {
  return `${runtime}-${version}-${architecture}.json`
}

/** The document's text. */
export function serializeFloor(document: FloorDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

/** The document in `text`; throws a `SyntaxError` that says what is wrong with one that no calibration has written. */
export function parseFloor(text: string): FloorDocument {
  const found = JSON.parse(text) as unknown
  const document = fieldsOf(found, 'the document', FIELDS)
  check(document['format'] === 1, 'its format is not 1')
  check(RUNTIMES.includes(document['runtime'] as Runtime), 'its runtime is not known')
  check(document['architecture'] === 'x86_64', 'its architecture is not known')
  for (const key of ['release', 'kernel', 'bpftrace', 'plimsoll'] as const) {
    check(isText(document[key], TEXT), `its ${key} is no short text`)
  }
  check(isText(document['version'], VERSION), 'its version is no number')
  check(isText(document['measuredAt'], MOMENT), 'its measuredAt is no time')
  check(isCount(document['quietRounds'], MAX_COUNT), 'its quietRounds is no count')
  const facts = Object.entries(objectOf(document['facts'], 'facts'))
  check(
    facts.length <= 16 && facts.every((pair) => pair.every((t) => isText(t, TEXT))),
    'its facts are no short texts',
  )
  const tried = document['tried']
  check(
    Array.isArray(tried) && tried.length <= 1024 && tried.every((name) => isText(name, LABEL)),
    'what it tried is no list of calls',
  )
  const floors = document['floors']
  check(Array.isArray(floors) && floors.length === MEASURES.length, 'its floors are not all there')
  for (const [index, measure] of MEASURES.entries()) {
    checkFloor((floors as readonly unknown[])[index], measure)
  }
  return found as FloorDocument
}

const FIELDS: readonly (keyof FloorDocument)[] = [
  'format',
  'runtime',
  'version',
  'release',
  'facts',
  'architecture',
  'measuredAt',
  'kernel',
  'bpftrace',
  'plimsoll',
  'quietRounds',
  'tried',
  'floors',
]

function checkFloor(found: unknown, measure: Measure): void {
  const what = `the floor of ${measureKey(measure)}`
  const floor = fieldsOf(found, what, ['operation', 'noNewPrivileges', 'rounds', 'names'])
  check(
    floor['operation'] === measure.operation &&
      floor['noNewPrivileges'] === measure.noNewPrivileges,
    `${what} is not where it should be`,
  )
  const { rounds } = floor
  check(isCount(rounds, MAX_COUNT) && rounds > 0, `${what} has no rounds`)
  const names = Object.entries(objectOf(floor['names'], what))
  check(names.length > 0, `${what} is empty`)
  for (const [name, seen] of names) {
    check(isSyscallName(name), `${what} names ${name.slice(0, 40)}, which is no system call`)
    check(!NEVER_IN_FLOOR.has(name), `${what} names ${name}, which no floor may have`)
    check(isCount(seen, rounds) && seen > 0, `${what}: ${name} was seen in an odd number of rounds`)
  }
}

function check(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new SyntaxError(problem)
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  check(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    `${what}: not an object`,
  )
  return value as Readonly<Record<string, unknown>>
}

/** The object, which has to have exactly these fields. */
function fieldsOf(
  value: unknown,
  what: string,
  fields: readonly string[],
): Readonly<Record<string, unknown>> {
  const object = objectOf(value, what)
  for (const field of fields) check(Object.hasOwn(object, field), `${what} has no ${field}`)
  for (const field of Object.keys(object)) {
    check(fields.includes(field), `${what} has an unknown field ${field.slice(0, 40)}`)
  }
  return object
}

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value)
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most
}
