/**
 * Checks one rule of a seccomp document by itself: its fields, names, action and argument tests. What rules do to each
 * other is the business of `validate-conflicts`.
 */
import { isSyscallName } from '../kernel/syscalls.js'
import { actionOf, errnoOf, type Effect } from './validate-action.js'
import { checkArgs, type Condition } from './validate-args.js'
import { fieldOf, isObject, shown, type JsonObject, type Report } from './problem.js'

/** A rule as far as it could be read. */
export interface CheckedRule {
  readonly path: string
  /** Only usable ones, with their index in the document. */
  readonly names: readonly (readonly [index: number, name: string])[]
  readonly effect: Effect | undefined
  readonly condition: Condition
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
