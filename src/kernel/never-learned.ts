/**
 * What an image is never allowed because it was seen doing it, but only because a person approved it. Pure data: calls that
 * load code into the kernel, leave the container or reach into other processes, and arguments that make a harmless call one
 * of those.
 */
import { isTyping } from './argument-danger.js'
import { argumentCallOf, domainOf, OTHER_VALUE } from './arguments.js'
import { DANGEROUS_DOMAINS, NEVER_LEARNED } from './syscall-danger.js'
import { syscallName } from './syscalls.js'
import type { Abi } from '../observation.js'

/** Whether the call is never learned, whatever its arguments. */
export function isNeverLearnedCall(abi: Abi, nr: number): boolean {
  const name = syscallName(abi, nr)
  return name !== undefined && NEVER_LEARNED.has(name)
}

/** Whether this value of the call's argument is never learned although the call itself may be. */
export function isNeverLearnedArgument(abi: Abi, nr: number, value: number): boolean {
  if (value === OTHER_VALUE) return false
  const call = argumentCallOf(abi, nr)
  if (call === 'clone') return value !== 0
  if (call === 'ioctl') return isTyping(value)
  return (call === 'socket' || call === 'socketpair') && DANGEROUS_DOMAINS.has(domainOf(value))
}

/** Whether some values of the call's argument are never learned although the call itself may be. */
export function hasNeverLearnedArguments(abi: Abi, nr: number): boolean {
  const call = argumentCallOf(abi, nr)
  return call === 'clone' || call === 'ioctl' || call === 'socket' || call === 'socketpair'
}
