/**
 * Which register-valued arguments are worth knowing, and the one number that each is packed into. Pure facts. The probe
 * packs (probes/syscalls.bt), everything else reads: the values are small domains that a register holds, never pointers,
 * whose target another thread can change after it was looked at.
 *
 *   call               packed value
 *   socket, socketpair domain << 4 | type & 15      type without SOCK_NONBLOCK and SOCK_CLOEXEC
 *   clone, unshare     flags & CLONE_NAMESPACES     0 for a thread or a plain child
 *   prctl              option
 *   personality        persona
 *   ioctl              request                      where that was asked for
 *
 * A hostile program may try every value, so the probe lets only known values through and packs all others as
 * `OTHER_VALUE`.
 */
import type { Abi } from '../observation.js'
import { syscallName } from './syscalls.js'

/** Calls whose argument is learned. */
export const ARGUMENT_CALLS = [
  'socket',
  'socketpair',
  'clone',
  'unshare',
  'prctl',
  'personality',
  'ioctl',
] as const
export type ArgumentCall = (typeof ARGUMENT_CALLS)[number]

/** Stands for every value that the probe does not tell apart: what it was is not known. */
export const OTHER_VALUE = 0xffff_fff0

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (include/uapi/linux/sched.h). */
export const CLONE_NAMESPACES = 0x7e02_0000

/** The call whose argument is learned, or undefined for any other. O(1). */
export function argumentCallOf(abi: Abi, nr: number): ArgumentCall | undefined {
  const name = syscallName(abi, nr)
  return ARGUMENT_CALLS.find((call) => call === name)
}

/** Address family of a packed socket value. */
export function domainOf(value: number): number {
  return value >>> 4
}

/** The value in words, e.g. `AF_INET SOCK_STREAM`; numbers where there is no name. */
export function argumentLabel(call: ArgumentCall, value: number): string {
  if (value === OTHER_VALUE) return 'other'
  switch (call) {
    case 'socket':
    case 'socketpair':
      return `${domainLabel(domainOf(value))} ${TYPES[value & 15] ?? `type ${value & 15}`}`
    case 'clone':
    case 'unshare':
      return flagsLabel(value)
    case 'prctl':
      return PRCTL_OPTIONS.get(value) ?? `option ${value}`
    case 'personality':
      return value === 0xffff_ffff ? 'query' : `0x${value.toString(16)}`
    case 'ioctl':
      return IOCTL_REQUESTS.get(value) ?? `0x${value.toString(16)}`
  }
}

/** The name of an address family, or its number. */
export function domainLabel(domain: number): string {
  const name = DOMAINS[domain]
  return name === undefined ? `domain ${domain}` : `AF_${name}`
}

function flagsLabel(value: number): string {
  const names = NAMESPACE_FLAGS.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name)
  return names.length === 0 ? 'no namespace' : names.join('|')
}

/** include/linux/socket.h, by number. */
export const DOMAINS: readonly string[] = (
  'UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet NETBEUI SECURITY ' +
  'KEY NETLINK PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH ' +
  'IUCV RXRPC ISDN PHONET IEEE802154 CAIF ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP'
).split(' ')

/** include/linux/net.h, by number. */
export const TYPES: Readonly<Record<number, string>> = {
  1: 'SOCK_STREAM',
  2: 'SOCK_DGRAM',
  3: 'SOCK_RAW',
  4: 'SOCK_RDM',
  5: 'SOCK_SEQPACKET',
  6: 'SOCK_DCCP',
  10: 'SOCK_PACKET',
}

export const NAMESPACE_FLAGS: readonly (readonly [number, string])[] = [
  [0x0002_0000, 'CLONE_NEWNS'],
  [0x0200_0000, 'CLONE_NEWCGROUP'],
  [0x0400_0000, 'CLONE_NEWUTS'],
  [0x0800_0000, 'CLONE_NEWIPC'],
  [0x1000_0000, 'CLONE_NEWUSER'],
  [0x2000_0000, 'CLONE_NEWPID'],
  [0x4000_0000, 'CLONE_NEWNET'],
]

/** include/uapi/linux/prctl.h: those that programs and runtimes use. */
export const PRCTL_OPTIONS: ReadonlyMap<number, string> = new Map([
  [1, 'PR_SET_PDEATHSIG'],
  [2, 'PR_GET_PDEATHSIG'],
  [3, 'PR_GET_DUMPABLE'],
  [4, 'PR_SET_DUMPABLE'],
  [7, 'PR_GET_KEEPCAPS'],
  [8, 'PR_SET_KEEPCAPS'],
  [15, 'PR_SET_NAME'],
  [16, 'PR_GET_NAME'],
  [21, 'PR_GET_SECCOMP'],
  [22, 'PR_SET_SECCOMP'],
  [23, 'PR_CAPBSET_READ'],
  [24, 'PR_CAPBSET_DROP'],
  [29, 'PR_SET_TIMERSLACK'],
  [30, 'PR_GET_TIMERSLACK'],
  [35, 'PR_SET_MM'],
  [36, 'PR_SET_CHILD_SUBREAPER'],
  [37, 'PR_GET_CHILD_SUBREAPER'],
  [38, 'PR_SET_NO_NEW_PRIVS'],
  [39, 'PR_GET_NO_NEW_PRIVS'],
  [41, 'PR_SET_THP_DISABLE'],
  [47, 'PR_CAP_AMBIENT'],
  [52, 'PR_GET_SPECULATION_CTRL'],
  [53, 'PR_SET_SPECULATION_CTRL'],
  [0x5356_4d41, 'PR_SET_VMA'],
  [0x5961_6d61, 'PR_SET_PTRACER'],
])

/** Puts a character into the input of the terminal, as if it had been typed (include/uapi/asm-generic/ioctls.h). */
export const TIOCSTI = 0x5412
/** Selects and pastes on a console, to the same effect (likewise; ioctl_console(2)). */
export const TIOCLINUX = 0x541c

/** include/uapi/asm-generic/{ioctls,sockios}.h: those that libcs and services use. */
export const IOCTL_REQUESTS: ReadonlyMap<number, string> = new Map([
  [0x5401, 'TCGETS'],
  [0x5402, 'TCSETS'],
  [0x5403, 'TCSETSW'],
  [0x5404, 'TCSETSF'],
  [0x540b, 'TCFLSH'],
  [0x540e, 'TIOCSCTTY'],
  [0x540f, 'TIOCGPGRP'],
  [0x5410, 'TIOCSPGRP'],
  [TIOCSTI, 'TIOCSTI'],
  [0x5413, 'TIOCGWINSZ'],
  [0x5414, 'TIOCSWINSZ'],
  [0x541b, 'FIONREAD'],
  [TIOCLINUX, 'TIOCLINUX'],
  [0x5421, 'FIONBIO'],
  [0x5422, 'TIOCNOTTY'],
  [0x5450, 'FIONCLEX'],
  [0x5451, 'FIOCLEX'],
  [0x5452, 'FIOASYNC'],
  [0x8901, 'FIOSETOWN'],
  [0x8903, 'FIOGETOWN'],
  [0x8905, 'SIOCATMARK'],
  [0x8910, 'SIOCGIFNAME'],
  [0x8912, 'SIOCGIFCONF'],
  [0x8913, 'SIOCGIFFLAGS'],
  [0x8915, 'SIOCGIFADDR'],
  [0x8927, 'SIOCGIFHWADDR'],
  [0x8933, 'SIOCGIFINDEX'],
])
