/** Refusals that every image meets under a profile and that say nothing of what it needs. Pure. */
import { syscallLabel } from '../kernel/syscalls.js'
import type { Abi } from '../observation.js'
import { ENOSYS } from '../seccomp/profile.js'

/**
 * clone3 answered with ENOSYS: the way in which a profile that cannot look into its argument keeps it out, Docker's own
 * included; every libc then calls clone.
 */
export function isExpectedDenial(abi: Abi, nr: number, answer: number): boolean {
  return syscallLabel(abi, nr) === 'clone3' && answer === ENOSYS
}
