/**
 * Checks an action and the errno that goes with it, for a rule and for the document's default alike, and says when two
 * of them have the same effect.
 */
import { EPERM } from './profile.js'
import { fieldOf, shown, type JsonObject, type Report } from './problem.js'

/** What happens to a call. `errno` is undefined for actions that have none. */
export interface Effect {
  readonly action: string
  readonly errno: number | undefined
}

/** Actions of the specification that plimsoll does not write, with the reason; the empty string is none. */
const ACTIONS: Readonly<Record<string, string>> = {
  SCMP_ACT_ALLOW: '',
  SCMP_ACT_ERRNO: '',
  SCMP_ACT_LOG: '',
  SCMP_ACT_KILL_PROCESS: '',
  SCMP_ACT_KILL: 'kills one thread only and may leave a process that hangs',
  SCMP_ACT_KILL_THREAD: 'kills one thread only and may leave a process that hangs',
  SCMP_ACT_TRAP: 'kills the process unless it handles SIGSYS',
  SCMP_ACT_TRACE: 'without a tracer the call fails with ENOSYS',
}

/** Largest errno that the kernel passes on (MAX_ERRNO, include/linux/err.h). */
const MAX_ERRNO = 4095

/** The action in `object[key]`, or undefined (reported) where it is none. */
export function actionOf(
  object: JsonObject,
  key: string,
  path: string,
  report: Report,
): string | undefined {
  const action = fieldOf(object, key)
  const here = join(path, key)
  if (action === 'SCMP_ACT_NOTIFY') {
    report('error', here, 'without a listener runc refuses to start and crun fails the call')
    return action
  }
  if (typeof action !== 'string' || !Object.hasOwn(ACTIONS, action)) {
    report('error', here, action === undefined ? 'is missing' : `${shown(action)} is no action`)
    return undefined
  }
  const reason = ACTIONS[action]
  if (reason) report('warning', here, reason)
  return action
}

/** The errno that `action` returns: `object[key]`, or EPERM where the action returns one and none is given. */
export function errnoOf(
  object: JsonObject,
  key: string,
  action: string | undefined,
  path: string,
  report: Report,
): number | undefined {
  const errno = fieldOf(object, key)
  const carries = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
  if (errno === undefined) return carries ? EPERM : undefined
  const here = join(path, key)
  if (!carries) report('error', here, 'crun refuses an errno beside an action that returns none')
  if (!Number.isInteger(errno) || Number(errno) < 0 || Number(errno) > MAX_ERRNO) {
    report('error', here, `${shown(errno)} is no errno (0 to ${MAX_ERRNO})`)
    return undefined
  }
  if (errno === 0) report('warning', here, 'the call is skipped but reported as successful')
  return carries ? Number(errno) : undefined
}

/** Whether a call cannot tell the two apart. */
export function isSameEffect(a: Effect, b: Effect): boolean {
  return a.action === b.action && a.errno === b.errno
}

/** Whether the call is carried out. */
export function isPassed({ action }: Effect): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG'
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
