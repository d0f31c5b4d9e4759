/**
 * What one seccomp document lets through that another does not, name by name. Works on documents of any origin, good or bad:
 * what is malformed is left out, which `problemsOf` reports. Pure.
 *
 * Integers may be numbers, bigints or strings of digits, as a reader makes them that loses nothing.
 */
import { answerLabel } from '../kernel/denial-answer.js'
import { fieldOf, isObject, type JsonObject, shown } from './problem.js'
import { EPERM } from './profile.js'

/** A document, and why each of its names is there, where that is known. */
export interface ProfileSide {
  readonly document: unknown
  readonly origins?: Readonly<Record<string, readonly string[]>>
}

/**
 * `added`: refused before, let through now; `removed`: the reverse; `wider` and `narrower`: let through with more or fewer
 * values of its arguments; `other-values`: with some more and some fewer; `answer`: only what a call gets differs.
 */
export type NameChangeKind = 'added' | 'removed' | 'wider' | 'narrower' | 'other-values' | 'answer'

export interface NameChange {
  readonly name: string
  readonly change: NameChangeKind
  /** What the call got, and gets: `allowed`, `allowed if arg0 & 0x3f = 0x2`, `EPERM`. */
  readonly before: string
  readonly after: string
  /** Of the side that lets it through, the later one where both do; empty if nobody says. */
  readonly origins: readonly string[]
}

export interface ProfileDiff {
  /** By name. */
  readonly names: readonly NameChange[]
  /** What happens to every call without a rule; undefined if it stays the same. */
  readonly default: { readonly before: string; readonly after: string } | undefined
  readonly architectures: { readonly added: readonly string[]; readonly removed: readonly string[] }
  /** The later one lets something through that the earlier one does not. */
  readonly isWider: boolean
}

/** What becomes of a call: it is passed, or not, but under these conditions where it is the other way round. */
interface Access {
  readonly whole: boolean
  readonly conditions: ReadonlySet<string>
  /** What happens where no condition holds. */
  readonly answer: string
}

/** Actions with which a call is made. */
const PASSED: ReadonlySet<string> = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'])

const WIDENING: ReadonlySet<NameChangeKind> = new Set(['added', 'wider', 'other-values'])

/** The differences from `before` to `after`. Linear in both, up to sorting. */
export function profileDiff(before: ProfileSide, after: ProfileSide): ProfileDiff {
  const left = readDocument(before.document)
  const right = readDocument(after.document)
  const names = [...new Set([...left.names.keys(), ...right.names.keys()])].toSorted()
  const changes = names.flatMap((name) => {
    const was = left.names.get(name) ?? left.fallback
    const is = right.names.get(name) ?? right.fallback
    const change = changeOf(was, is)
    if (change === undefined) return []
    const side = change === 'removed' ? before : after
    return { name, change, before: textOf(was), after: textOf(is), origins: originsIn(side, name) }
  })
  const added = [...right.architectures].filter((name) => !left.architectures.has(name))
  const removed = [...left.architectures].filter((name) => !right.architectures.has(name))
  const opens = !left.fallback.whole && right.fallback.whole
  return {
    names: changes,
    default:
      left.fallback.answer === right.fallback.answer
        ? undefined
        : { before: left.fallback.answer, after: right.fallback.answer },
    architectures: { added, removed },
    isWider: opens || added.length > 0 || changes.some(({ change }) => WIDENING.has(change)),
  }
}

function originsIn({ origins }: ProfileSide, name: string): readonly string[] {
  return origins !== undefined && Object.hasOwn(origins, name) ? (origins[name] ?? []) : []
}

function changeOf(was: Access, is: Access): NameChangeKind | undefined {
  const passed = isPassed(was)
  if (passed !== isPassed(is)) return passed ? 'removed' : 'added'
  if (was.whole !== is.whole) return is.whole ? 'wider' : 'narrower'
  const more = [...is.conditions].some((condition) => !was.conditions.has(condition))
  const fewer = [...was.conditions].some((condition) => !is.conditions.has(condition))
  if (more && fewer) return 'other-values'
  if (more || fewer) return more === is.whole ? 'narrower' : 'wider'
  return was.answer === is.answer ? undefined : 'answer'
}

function isPassed({ whole, conditions }: Access): boolean {
  return whole || conditions.size > 0
}

function textOf({ whole, conditions, answer }: Access): string {
  if (conditions.size === 0) return answer
  const listed = [...conditions].toSorted().join(' or ')
  return whole ? `${answer} unless ${listed}` : `allowed if ${listed}, else ${answer}`
}

interface ReadDocument {
  readonly names: ReadonlyMap<string, Access>
  readonly fallback: Access
  readonly architectures: ReadonlySet<string>
}

function readDocument(document: unknown): ReadDocument {
  const object = isObject(document) ? document : {}
  const fallback = accessOf(answerOf(object, 'defaultAction', 'defaultErrnoRet'))
  const names = new Map<string, Access>()
  for (const rule of listOf(object, 'syscalls')) {
    if (!isObject(rule)) continue
    const answer = answerOf(rule, 'action', 'errnoRet')
    const condition = conditionOf(rule)
    for (const name of listOf(rule, 'names')) {
      if (typeof name !== 'string') continue
      names.set(name, joined(names.get(name), answer, condition, fallback))
    }
  }
  const architectures = listOf(object, 'architectures').filter((name) => typeof name === 'string')
  return { names, fallback, architectures: new Set(architectures) }
}

/** A rule without conditions decides alone; of those with conditions every one that decides otherwise adds to it. */
function joined(
  known: Access | undefined,
  answer: Answer,
  condition: string | undefined,
  fallback: Access,
): Access {
  if (condition === undefined) return accessOf(answer)
  const base = known ?? fallback
  if (base.whole === answer.passes) return base
  return { ...base, conditions: new Set([...base.conditions, condition]) }
}

interface Answer {
  readonly text: string
  readonly passes: boolean
}

function accessOf({ text, passes }: Answer): Access {
  return { whole: passes, conditions: new Set(), answer: text }
}

const WORDS: Readonly<Record<string, string>> = {
  SCMP_ACT_ALLOW: 'allowed',
  SCMP_ACT_LOG: 'logged',
  SCMP_ACT_KILL_PROCESS: 'killed',
}

function answerOf(object: JsonObject, actionKey: string, errnoKey: string): Answer {
  const action = fieldOf(object, actionKey)
  if (typeof action !== 'string') return { text: 'unknown', passes: false }
  if (action === 'SCMP_ACT_ERRNO') {
    const errno = fieldOf(object, errnoKey) ?? EPERM
    const text = typeof errno === 'number' ? answerLabel(errno) : `errno ${shown(errno)}`
    return { text, passes: false }
  }
  const word = Object.hasOwn(WORDS, action) ? WORDS[action] : undefined
  return { text: word ?? shown(action), passes: PASSED.has(action) }
}

/** The tests of a rule in words, the same for the same tests; undefined for a rule without any. */
function conditionOf(rule: JsonObject): string | undefined {
  const tests = listOf(rule, 'args').map((test) => (isObject(test) ? testText(test) : shown(test)))
  return tests.length === 0 ? undefined : tests.toSorted().join(' and ')
}

const COMPARISONS: Readonly<Record<string, string>> = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '=',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
}

function testText(test: JsonObject): string {
  const argument = `arg${shown(fieldOf(test, 'index') ?? 0)}`
  const op = fieldOf(test, 'op')
  const value = hexOf(fieldOf(test, 'value') ?? 0)
  if (op === 'SCMP_CMP_MASKED_EQ') {
    return `${argument} & ${value} = ${hexOf(fieldOf(test, 'valueTwo') ?? 0)}`
  }
  const sign =
    typeof op === 'string' && Object.hasOwn(COMPARISONS, op) ? COMPARISONS[op] : shown(op)
  return `${argument} ${sign} ${value}`
}

function hexOf(value: unknown): string {
  const isInteger =
    typeof value === 'bigint' ||
    Number.isSafeInteger(value) ||
    (typeof value === 'string' && /^\d{1,20}$/.test(value))
  return isInteger ? `0x${BigInt(value as bigint | number | string).toString(16)}` : shown(value)
}

function listOf(object: JsonObject, key: string): readonly unknown[] {
  const found = fieldOf(object, key)
  return Array.isArray(found) ? (found as readonly unknown[]) : []
}
