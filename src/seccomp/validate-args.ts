/** Checks the argument tests of one rule of a seccomp document, and says when two rules meet on the same call. */
import { fieldOf, isObject, shown, type JsonObject, type Report } from './problem.js'

/** One test as `argument & mask === value`. */
interface Equality {
  readonly mask: bigint
  readonly value: bigint
}

/** When a rule applies. */
export interface Condition {
  /** The tests in one canonical text; empty for a rule without. */
  readonly text: string
  /** The tests by argument; undefined where they are not all equalities of different arguments. */
  readonly equalities: ReadonlyMap<number, Equality> | undefined
}

const ALWAYS: Condition = { text: '', equalities: new Map() }

const OPERATORS: ReadonlySet<unknown> = new Set(
  ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`),
)
const SAFE_OPERATORS: ReadonlySet<unknown> = new Set(['SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ'])

const MAX_VALUE = 2n ** 64n - 1n
/** A system call has six arguments. */
const ARGUMENTS = 6

/** Reads and checks the argument tests of the rule at `path`. */
export function checkArgs(rule: JsonObject, path: string, report: Report): Condition {
  const args = fieldOf(rule, 'args')
  if (args === undefined) return ALWAYS
  if (!Array.isArray(args)) {
    report('error', path, 'has to be a list')
    return ALWAYS
  }
  const seen = new Set<unknown>()
  const texts: string[] = []
  const equalities = new Map<number, Equality>()
  for (const [at, test] of (args as readonly unknown[]).entries()) {
    const here = `${path}[${at}]`
    if (!isObject(test)) {
      report('error', here, 'is no object')
      continue
    }
    const index = fieldOf(test, 'index')
    if (!Number.isInteger(index) || Number(index) < 0 || Number(index) >= ARGUMENTS) {
      report('error', `${here}.index`, `${shown(index)} is no argument's number (0 to 5)`)
    } else if (seen.has(index)) {
      report('error', `${here}.index`, 'runtimes take two tests on one argument as alternatives')
    }
    seen.add(index)
    const op = fieldOf(test, 'op')
    if (!OPERATORS.has(op)) report('error', `${here}.op`, `${shown(op)} is no comparison`)
    else if (!SAFE_OPERATORS.has(op)) {
      report('warning', `${here}.op`, 'libseccomp can miscompile several such rules of one call')
    }
    const value = checkValue(fieldOf(test, 'value'), `${here}.value`, report)
    const valueTwo = checkValue(fieldOf(test, 'valueTwo'), `${here}.valueTwo`, report)
    if (op === 'SCMP_CMP_MASKED_EQ' && (valueTwo & ~value) !== 0n) {
      report('warning', `${here}.valueTwo`, 'has bits outside of the mask, so the test never holds')
    }
    texts.push(`${shown(index)} ${shown(op)} ${value} ${valueTwo}`)
    if (op === 'SCMP_CMP_EQ') equalities.set(Number(index), { mask: MAX_VALUE, value })
    if (op === 'SCMP_CMP_MASKED_EQ') {
      equalities.set(Number(index), { mask: value, value: valueTwo & value })
    }
  }
  return {
    text: texts.toSorted().join(' and '),
    equalities: equalities.size === texts.length ? equalities : undefined,
  }
}

/** Whether some call meets both; false where that cannot be told. */
export function overlap(a: Condition, b: Condition): boolean {
  if (a.equalities === undefined || b.equalities === undefined) return false
  for (const [index, one] of a.equalities) {
    const other = b.equalities.get(index)
    if (other !== undefined && ((one.value ^ other.value) & one.mask & other.mask) !== 0n) {
      return false
    }
  }
  return true
}

/** Absent is 0, as in Go. A number above 2^53 has lost its low digits in parsing and can only be warned of. */
function checkValue(value: unknown, path: string, report: Report): bigint {
  if (value === undefined) return 0n
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2 ** 64) {
    if (!Number.isSafeInteger(value)) {
      report('warning', path, 'is above 2^53 and was rounded when the document was read')
    }
    return BigInt(value)
  }
  if (typeof value === 'bigint' && value >= 0n && value <= MAX_VALUE) return value
  report('error', path, `${shown(value)} is not a whole number from 0 to 2^64-1`)
  return 0n
}
