/**
 * How much harm an argument can do if an image that never used it begins to; the yardsticks are those of `syscall-danger`,
 * which judges calls by name alone. Pure facts.
 */
import { type ArgumentCall, domainOf, OTHER_VALUE, TIOCLINUX, TIOCSTI } from './arguments.js'
import type { Danger } from './syscall-danger.js'

/** AF_UNIX, AF_INET, AF_INET6 (include/linux/socket.h): what services talk over. */
const ORDINARY_DOMAINS: ReadonlySet<number> = new Set([1, 2, 10])
/** AF_ALG, AF_VSOCK: next to no use in containers, and a record of flaws. Docker's default profile refuses both. */
const CRITICAL_DOMAINS: ReadonlySet<number> = new Set([38, 40])
/** SOCK_RAW, SOCK_PACKET (include/linux/net.h): reads and forges what others send. */
const RAW_TYPES: ReadonlySet<number> = new Set([3, 10])

/** PER_LINUX, and the question for the present one (include/uapi/linux/personality.h). */
const ORDINARY_PERSONAS: ReadonlySet<number> = new Set([0, 0xffff_ffff])

/** The level of a packed value. One that the probe does not tell apart is `high`: it cannot be judged. O(1). */
export function argumentDanger(call: ArgumentCall, value: number): Danger {
  if (value === OTHER_VALUE) return 'high'
  switch (call) {
    case 'socket':
    case 'socketpair':
      if (CRITICAL_DOMAINS.has(domainOf(value))) return 'critical'
      return ORDINARY_DOMAINS.has(domainOf(value)) && !RAW_TYPES.has(value & 15) ? 'medium' : 'high'
    case 'clone':
    case 'unshare':
      // Any new namespace: the first step of most ways out of a container.
      return value === 0 ? 'low' : 'critical'
    case 'prctl':
      return 'medium'
    case 'personality':
      return ORDINARY_PERSONAS.has(value) ? 'low' : 'high'
    case 'ioctl':
      return isTyping(value) ? 'critical' : 'medium'
  }
}

/** Whether the request types for whoever sits at the terminal: the way out of a container that shares one (CVE-2017-5226). */
export function isTyping(request: number): boolean {
  return request === TIOCSTI || request === TIOCLINUX
}
