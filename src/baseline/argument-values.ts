/** Whether the values of a call's argument are known, all of them: what an argument rule may rest on. Pure. */
import { OTHER_VALUE } from '../kernel/arguments.js'
import type { Abi } from '../observation.js'
import type { Behaviour } from './behaviour.js'
import type { SyscallFacts } from './syscall-item.js'

/**
 * The values, ascending; `runs` are what `sum` is the sum of. Undefined if they are not known: there were too many, one was
 * none that the sensor tells apart, in some run not every call's argument was seen, or there is no such call.
 */
export function knownValues(
  sum: Behaviour,
  runs: readonly Behaviour[],
  abi: Abi,
  nr: number,
): readonly number[] | undefined {
  const isCall = (item: SyscallFacts): boolean => item.abi === abi && item.nr === nr
  const values = sum.arguments.filter(isCall).map(({ value }) => value)
  if (values.length === 0 || values.includes(OTHER_VALUE)) return undefined
  if (sum.argumentsCollapsed.some(isCall)) return undefined
  const isSeen = runs.every((run) => {
    const made = run.syscalls.find(isCall)?.count ?? 0
    const seen = run.arguments.filter(isCall).reduce((total, { count }) => total + count, 0)
    return seen >= made
  })
  return isSeen ? values : undefined
}
