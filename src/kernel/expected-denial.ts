/** Refusals that every image meets under a profile and that say nothing of what it needs. Pure facts. */
import type { Abi } from '../observation.js'
import { syscallName } from './syscalls.js'

/** ENOSYS (include/uapi/asm-generic/errno.h): there is no such call. */
export const NO_SUCH_CALL = 38

/**
 * clone3 answered as if there were none: the way in which a profile that cannot look into its argument keeps it out, Docker's
 * own included; every libc then calls clone.
 */
export function isExpectedDenial(abi: Abi, nr: number, answer: number): boolean {
  return answer === NO_SUCH_CALL && syscallName(abi, nr) === 'clone3'
}
