/**
 * Says what is wrong with a seccomp document, plimsoll's own or anybody's. An error means that some runtime refuses the
 * document, or reads it otherwise than it is written. Every statement about runtimes here was measured with runc 1.1 and
 * 1.3, crun 1.8 to 1.28, docker and podman.
 */
import { MAX_BYTES, MAX_RULES, OCI_ARCHITECTURES } from './profile.js'
import {
  fieldOf,
  isObject,
  shown,
  type JsonObject,
  type ProfileProblem,
  type Report,
} from './problem.js'
import { actionOf, errnoOf, isPassed, type Effect } from './validate-action.js'
import { checkConflicts } from './validate-conflicts.js'
import { checkRule, type CheckedRule } from './validate-rule.js'

/** Architectures whose every system call is in plimsoll's tables. */
const WITH_TABLE: ReadonlySet<unknown> = new Set([
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_AARCH64',
])

/** Top-level fields of other dialects or with different support, and what becomes of them. */
const FOREIGN: Readonly<Record<string, string>> = {
  archMap: 'runc, crun and containerd ignore it and cover the native architecture only',
  defaultErrno:
    'only podman reads errno names; elsewhere calls fail with EPERM (use defaultErrnoRet)',
  flags: 'runc 1.1 refuses to start with any flag; with others the default SPEC_ALLOW is lost',
  listenerPath: 'a listener is supported by runc and crun in different ways',
  listenerMetadata: 'a listener is supported by runc and crun in different ways',
}

const KNOWN = new Set(['defaultAction', 'defaultErrnoRet', 'architectures', 'syscalls', 'comment'])

/**
 * Everything wrong with `document`, in the order of the document, at most one list per reading; empty for a good one.
 * Never throws: any value may be given, such as what `JSON.parse` made of a foreign file. Linear in its size.
 */
export function problemsOf(document: unknown): readonly ProfileProblem[] {
  const problems: ProfileProblem[] = []
  const report: Report = (severity, path, problem) => problems.push({ path, problem, severity })
  if (!isObject(document)) {
    report('error', '', 'is no JSON object')
  } else if (Object.keys(document).length === 0) {
    report('error', '', 'is empty, which turns seccomp off')
  } else if (sizeOf(document) >= MAX_BYTES) {
    report('error', '', `is not below ${MAX_BYTES} bytes`)
  } else {
    checkDocument(document, report)
  }
  return problems
}

function checkDocument(document: JsonObject, report: Report): void {
  for (const key of Object.keys(document)) {
    if (fieldOf(document, key) === undefined) continue
    if (Object.hasOwn(FOREIGN, key)) report('error', key, FOREIGN[key] ?? '')
    else if (!KNOWN.has(key) && !key.startsWith('x-')) {
      report('warning', '', `runtimes ignore the field ${shown(key)}`)
    }
  }
  const fallback = checkDefault(document, report)
  const listed = checkArchitectures(fieldOf(document, 'architectures'), report)
  const tablesKnowAll = listed && fieldOf(document, 'archMap') === undefined
  const rules = checkRules(fieldOf(document, 'syscalls'), tablesKnowAll, report)
  checkConflicts(rules, fallback, report)
  const allows = rules.some(
    (rule) => rule.effect?.action === 'SCMP_ACT_ALLOW' && rule.names.length > 0,
  )
  if (!allows && (fallback === undefined || !isPassed(fallback)))
    report('error', 'syscalls', 'nothing is allowed, so nothing can run')
}

function checkDefault(document: JsonObject, report: Report): Effect | undefined {
  const action = actionOf(document, 'defaultAction', '', report)
  const errno = errnoOf(document, 'defaultErrnoRet', action, '', report)
  if (action === undefined) return undefined
  if (action === 'SCMP_ACT_ERRNO' && fieldOf(document, 'defaultErrnoRet') === undefined) {
    report(
      'warning',
      'defaultErrnoRet',
      'without it runc and crun return different errnos (use 38)',
    )
  }
  if (action.startsWith('SCMP_ACT_KILL')) {
    report(
      'warning',
      'defaultAction',
      'runc 1.3 makes calls of its own in exec and would be killed',
    )
  }
  return { action, errno }
}

/** Whether all listed architectures have a table, so that an unknown name is unknown indeed. */
function checkArchitectures(architectures: unknown, report: Report): boolean {
  if (architectures === undefined || (Array.isArray(architectures) && architectures.length === 0)) {
    report('warning', 'architectures', 'is missing, so only the native architecture is covered')
    return true
  }
  if (!Array.isArray(architectures)) {
    report('error', 'architectures', 'has to be a list')
    return true
  }
  const seen = new Set<unknown>()
  for (const [at, architecture] of (architectures as readonly unknown[]).entries()) {
    const here = `architectures[${at}]`
    if (typeof architecture !== 'string' || !OCI_ARCHITECTURES.has(architecture)) {
      report('error', here, `${shown(architecture)} is no architecture`)
    } else if (seen.has(architecture)) report('error', here, `${architecture} is listed twice`)
    seen.add(architecture)
  }
  return [...seen].every((architecture) => WITH_TABLE.has(architecture))
}

function checkRules(syscalls: unknown, tablesKnowAll: boolean, report: Report): CheckedRule[] {
  if (!Array.isArray(syscalls) || syscalls.length === 0) {
    report('error', 'syscalls', 'has to be a list of at least one rule')
    return []
  }
  if (syscalls.length > MAX_RULES) {
    report('error', 'syscalls', `has ${syscalls.length} rules, more than ${MAX_RULES}`)
  }
  // Those beyond the limit are not looked at: conflicts cost the square of a name's rules.
  return (syscalls.slice(0, MAX_RULES) as readonly unknown[]).flatMap(
    (rule, at) => checkRule(rule, `syscalls[${at}]`, tablesKnowAll, report) ?? [],
  )
}

/** Bytes as JSON without spaces; infinite for what JSON cannot hold. */
function sizeOf(document: JsonObject): number {
  try {
    const text = JSON.stringify(document, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
    return Buffer.byteLength(text)
  } catch {
    return Infinity
  }
}
