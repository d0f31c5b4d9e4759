/**
 * Checks the rules of a seccomp document against each other and against the default. Runtimes settle such conflicts
 * silently and not as the reader expects, or refuse to start the container.
 */
import { ENOSYS } from './profile.js'
import type { Report } from './problem.js'
import { isPassed, isSameEffect, type Effect } from './validate-action.js'
import { overlap, type Condition } from './validate-args.js'
import type { CheckedRule } from './validate-rule.js'

interface Use {
  readonly condition: Condition
  readonly effect: Effect
}

/** Reports what rules do to each other. `fallback` is the document's default, undefined where it could not be read. */
export function checkConflicts(
  rules: readonly CheckedRule[],
  fallback: Effect | undefined,
  report: Report,
): void {
  const usesOf = new Map<string, Use[]>()
  for (const { path, names, effect, condition } of rules) {
    if (effect === undefined) continue
    if (
      fallback !== undefined &&
      isSameEffect(effect, fallback) &&
      !isForOldDocker(names, effect)
    ) {
      report('error', path, 'does what the default does; runtimes drop such a rule')
    }
    for (const [at, name] of names) {
      const uses = usesOf.get(name) ?? []
      usesOf.set(name, uses)
      const problem = conflictOf({ condition, effect }, uses)
      if (problem !== undefined) report('error', `${path}.names[${at}]`, `${name} ${problem}`)
      uses.push({ condition, effect })
    }
  }
  checkClone3(usesOf, fallback, report)
}

/** The one rule that may repeat the default: docker 20.10 does not read `defaultErrnoRet` (see `refusals`). */
function isForOldDocker(names: CheckedRule['names'], effect: Effect): boolean {
  const isClone3 = names.every(([, name]) => name === 'clone3')
  return isClone3 && effect.action === 'SCMP_ACT_ERRNO' && effect.errno === ENOSYS
}

function conflictOf(use: Use, earlier: readonly Use[]): string | undefined {
  for (const other of earlier) {
    if (other.condition.text === use.condition.text) {
      return isSameEffect(other.effect, use.effect)
        ? 'has the same rule twice'
        : 'has two actions for one condition; the container does not start'
    }
    if (other.condition.text === '' || use.condition.text === '') {
      return 'has a rule with and one without conditions; the one without always wins'
    }
    if (!isSameEffect(other.effect, use.effect) && overlap(other.condition, use.condition)) {
      return 'has two actions for calls that meet both conditions; which one wins is not defined'
    }
  }
  return undefined
}

/**
 * glibc starts threads by clone3 and falls back to clone on ENOSYS alone; and a filter on the flags of clone is void
 * while clone3, whose flags lie behind a pointer, is let through where clone would not be.
 */
function checkClone3(
  usesOf: ReadonlyMap<string, readonly Use[]>,
  fallback: Effect | undefined,
  report: Report,
): void {
  const otherwise = fallback ? [fallback] : []
  const effects = usesOf.get('clone3')?.map((use) => use.effect) ?? otherwise
  const clone = usesOf.get('clone') ?? []
  const isConditional = clone.some((use) => use.condition.text !== '')
  const outcomes = [...clone.map((use) => use.effect), ...otherwise]
  if (isConditional && !outcomes.every(isPassed) && effects.some(isPassed)) {
    report(
      'error',
      'syscalls',
      'clone has conditions, but clone3 goes round them; refuse it with ENOSYS',
    )
  }
  if (effects.some(({ action, errno }) => action === 'SCMP_ACT_ERRNO' && errno !== ENOSYS)) {
    report(
      'warning',
      'syscalls',
      'clone3 is refused with another errno than ENOSYS (38): threads fail',
    )
  }
}
