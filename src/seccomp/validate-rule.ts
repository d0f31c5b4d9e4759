/**
 * Checks one rule of a seccomp document by itself: its fields, names, action and argument tests. What rules do to each
 * other is the business of `validate-conflicts`.
 */
import { isSyscallName } from '../kernel/syscalls.js'
import { actionOf, errnoOf, type Effect } from './validate-action.js'
import { fieldOf, isObject, shown, type JsonObject, type Report } from './problem.js'

/** A rule as far as it could be read. */
export interface CheckedRule {
  readonly path: string
  /** Only usable ones, with their index in the document. */
  readonly names: readonly (readonly [index: number, name: string])[]
  readonly effect: Effect | undefined
  /** The argument tests in one canonical text; empty for an unconditional rule. */
  readonly condition: string
}

/** Fields of other dialects, and what becomes of the rule where they are not read. */
const FOREIGN: Readonly<Record<string, string>> = {
  includes: 'runc, crun and containerd ignore this condition, so the rule applies always',
  excludes: 'runc, crun and containerd ignore this condition, so the rule applies always',
  minKernel: 'only Docker reads this condition; elsewhere the rule applies always',
  errno: 'only podman reads errno names; elsewhere the call fails with EPERM (use errnoRet)',
  name: 'the old spelling of names is not part of the OCI format',
}

const KNOWN = new Set(['names', 'action', 'errnoRet', 'args', 'comment'])

const OPERATORS: ReadonlySet<unknown> = new Set(
  ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`),
)
const SAFE_OPERATORS: ReadonlySet<unknown> = new Set(['SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ'])

const MAX_VALUE = 2n ** 64n - 1n
/** A system call has six arguments. */
const ARGUMENTS = 6

/** Reads and checks the rule at `path`; undefined where it is no object. `tablesKnowAll`: see `checkNames`. */
export function checkRule(
  rule: unknown,
  path: string,
  tablesKnowAll: boolean,
  report: Report,
): CheckedRule | undefined {
  if (!isObject(rule)) {
    report('error', path, 'is no object')
    return undefined
  }
  for (const key of Object.keys(rule)) {
    const meaning = Object.hasOwn(FOREIGN, key) ? FOREIGN[key] : undefined
    if (fieldOf(rule, key) === undefined || isEmptyObject(rule[key])) continue
    if (meaning !== undefined) report('error', `${path}.${key}`, meaning)
    else if (!KNOWN.has(key)) report('warning', path, `runtimes ignore the field ${shown(key)}`)
  }
  const action = actionOf(rule, 'action', path, report)
  const errno = errnoOf(rule, 'errnoRet', action, path, report)
  return {
    path,
    names: checkNames(rule, path, tablesKnowAll, report),
    effect: action === undefined ? undefined : { action, errno },
    condition: checkArgs(rule, `${path}.args`, report),
  }
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0
}

/** An unknown name is an error, unless the document lists an architecture that plimsoll has no table of. */
function checkNames(
  rule: JsonObject,
  path: string,
  tablesKnowAll: boolean,
  report: Report,
): (readonly [number, string])[] {
  const names = fieldOf(rule, 'names')
  if (!Array.isArray(names) || names.length === 0) {
    report('error', `${path}.names`, 'has to be a list of at least one system call name')
    return []
  }
  const usable: (readonly [number, string])[] = []
  const seen = new Set<string>()
  for (const [at, name] of (names as readonly unknown[]).entries()) {
    const here = `${path}.names[${at}]`
    if (typeof name !== 'string') {
      report('error', here, `${shown(name)} is no system call name`)
      continue
    }
    if (!isSyscallName(name)) {
      report(
        tablesKnowAll ? 'error' : 'warning',
        here,
        `no system call is known as ${shown(name)}; runtimes drop unknown names without a word`,
      )
    }
    if (seen.has(name)) report('error', here, `${shown(name)} is in this rule twice`)
    else usable.push([at, name])
    seen.add(name)
  }
  return usable
}

function checkArgs(rule: JsonObject, path: string, report: Report): string {
  const args = fieldOf(rule, 'args')
  if (args === undefined) return ''
  if (!Array.isArray(args)) {
    report('error', path, 'has to be a list')
    return ''
  }
  const seen = new Set<unknown>()
  const texts: string[] = []
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
  }
  return texts.toSorted().join(' and ')
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
