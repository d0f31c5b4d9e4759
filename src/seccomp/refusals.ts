/** The rules beside the allowed names: which calls look refused, and which kill. Pure. */
import type { Abi } from '../observation.js'
import { syscallNr } from '../kernel/syscalls.js'
import { CRITICAL, REFUSED } from './call-groups.js'
import { EPERM, type Strength, type SyscallRule } from './profile.js'

/**
 * Rules for what `isAllowed` does not let in, at most two. `clone3` is in none of them: where it is not allowed it gets the
 * default ENOSYS, which is what makes glibc fall back to clone; an EPERM would stop every thread. Names that `wasUsed`
 * although they are left out fail but never kill, or the image would not start.
 */
export function refusals(
  strength: Strength,
  isAllowed: (name: string) => boolean,
  wasUsed: (name: string) => boolean,
  abis: readonly Abi[],
): SyscallRule[] {
  if (strength === 'complain') return []
  const isOpen = (name: string): boolean =>
    !isAllowed(name) && abis.some((abi) => syscallNr(abi, name) !== undefined)
  const killed = new Set(
    strength === 'strict' ? CRITICAL.filter((name) => isOpen(name) && !wasUsed(name)) : [],
  )
  const refused = REFUSED.filter((name) => isOpen(name) && !killed.has(name))
  const rules: SyscallRule[] = []
  if (refused.length > 0) {
    rules.push({ names: refused.toSorted(), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM })
  }
  if (killed.size > 0) {
    rules.push({ names: [...killed].toSorted(), action: 'SCMP_ACT_KILL_PROCESS' })
  }
  return rules
}
