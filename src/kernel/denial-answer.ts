/**
 * What a seccomp filter answers in a call's place, as one number: an errno (0 stands for "skipped, and said to have
 * succeeded"), or `SIGSYS`. The codes above are those of probes/denials.bt. Pure facts.
 */
import { constants } from 'node:os'

/** The call was answered with the signal: `SCMP_ACT_TRAP`, or one of the actions that kill. */
export const SIGSYS = 4096

/** No denial: an enter or an exit without its partner. What else the kernel did not show is not known. */
export const UNPAIRED = 4097

/** No denial: a thread was seen under a filter for the first time. */
export const FILTERED = 4098

const ERRNO_NAMES = namesOf(constants.errno)

/** The answer in words: `EPERM`, `errno 600`, `success`, `SIGSYS`. */
export function answerLabel(answer: number): string {
  if (answer === SIGSYS) return 'SIGSYS'
  if (answer === 0) return 'success'
  return ERRNO_NAMES.get(answer) ?? `errno ${answer}`
}

/** Some numbers have two names, such as EAGAIN and EWOULDBLOCK; the first in the alphabet is taken. */
function namesOf(numbers: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const [name, errno] of Object.entries(numbers).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!names.has(errno)) names.set(errno, name)
  }
  return names
}
