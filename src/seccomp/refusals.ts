/** The rules beside the allowed names: which calls look refused, and which kill. Pure. */
import type { Abi } from '../observation.js'
import { syscallNr } from '../kernel/syscalls.js'
import { CRITICAL, REFUSED } from './call-groups.js'
import { ENOSYS, EPERM, type Strength, type SyscallRule } from './profile.js'

/**
 * Rules for what `isAllowed` does not let in, at most three. `clone3` gets ENOSYS, which is what makes glibc fall back to
 * clone; an EPERM would stop every thread. That is the default too, and runtimes drop a rule that repeats the default; but
 * docker 20.10 (Debian 12) does not know `defaultErrnoRet` and answers EPERM, so there the rule is what counts. Names that
 * `wasUsed` although they are left out fail but never kill, or the image would not start.
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
  if (isOpen('clone3')) {
    rules.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS })
  }
  if (refused.length > 0) {
    rules.push({ names: refused.toSorted(), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM })
  }
  if (killed.size > 0) {
    rules.push({ names: [...killed].toSorted(), action: 'SCMP_ACT_KILL_PROCESS' })
  }
  return rules
}
