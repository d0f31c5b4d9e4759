/**
 * How much harm the use of a capability can do if an image that never used it begins to: groups of names with one level each.
 * Pure data. The yardsticks are those of `syscall-danger`: what engines give a container by default, what published escapes
 * went through, and how rarely services need it; where a capability stands behind calls, its level is theirs.
 */
import { capabilityName, capabilityNr } from './capabilities.js'
import type { Danger } from './syscall-danger.js'

/**
 * What gives the host away or reaches beyond the container, each with what it does: never allowed because its use was
 * observed, only because a person approved it by name. CAP_NET_ADMIN is not among them: what it rules is the network
 * namespace, and that is the container's own.
 */
export const NEVER_LEARNED_CAPABILITIES: ReadonlyMap<string, string> = new Map([
  ['CAP_DAC_READ_SEARCH', 'opens any file of the host by its handle'],
  ['CAP_SYS_MODULE', 'loads code into the kernel'],
  ['CAP_SYS_RAWIO', 'reads and writes memory, ports and disks below the kernel'],
  ['CAP_SYS_PTRACE', 'reads and steers other processes, past their own user'],
  ['CAP_SYS_PACCT', "switches the host's process accounting"],
  ['CAP_SYS_ADMIN', 'mounts, joins namespaces, and most of what else an escape is made of'],
  ['CAP_SYS_BOOT', 'reboots the host or boots another kernel'],
  ['CAP_SYS_TIME', 'sets the clock of the host'],
  ['CAP_AUDIT_CONTROL', "changes the rules of the host's audit, or switches it off"],
  ['CAP_AUDIT_READ', 'reads what the audit says of every process of the host'],
  ['CAP_MAC_OVERRIDE', 'does what the mandatory access control of the host refuses'],
  ['CAP_MAC_ADMIN', 'changes the mandatory access control of the host'],
  ['CAP_SYSLOG', "reads the kernel's messages and addresses, which exploits need"],
  ['CAP_PERFMON', 'watches the kernel and every process of the host'],
  ['CAP_BPF', 'loads programs into the kernel'],
  ['CAP_CHECKPOINT_RESTORE', "takes any process id and opens other processes' mapped files"],
])

/** Of these some only watch or disturb: as bad as the calls that do the same. */
const WATCHES_OR_DISTURBS: ReadonlySet<string> = new Set([
  'CAP_SYS_PACCT',
  'CAP_SYS_TIME',
  'CAP_AUDIT_READ',
  'CAP_SYSLOG',
])

/**
 * Changes who a process is or what it may do; makes devices; reads and forges what others send; rules the network, with a
 * record of exploits.
 */
const PRIVILEGE = list(
  'CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_SETFCAP CAP_SYS_CHROOT CAP_MKNOD CAP_NET_RAW CAP_NET_ADMIN ' +
    'CAP_LINUX_IMMUTABLE',
)

/** Goes past the owner of files, processes and queues of the container, or takes more of the machine than was planned. */
const WITHIN_CONTAINER = list(
  'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_IPC_LOCK CAP_IPC_OWNER CAP_LEASE ' +
    'CAP_NET_BIND_SERVICE CAP_AUDIT_WRITE CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TTY_CONFIG ' +
    'CAP_WAKE_ALARM CAP_BLOCK_SUSPEND',
)

const LEVELS: ReadonlyMap<string, Danger> = new Map<string, Danger>([
  ...[...NEVER_LEARNED_CAPABILITIES.keys()].map(
    (name) => [name, WATCHES_OR_DISTURBS.has(name) ? 'high' : 'critical'] as const,
  ),
  ...PRIVILEGE.map((name) => [name, 'high'] as const),
  ...WITHIN_CONTAINER.map((name) => [name, 'medium'] as const),
])

const NEVER_LEARNED: ReadonlySet<number | undefined> = new Set(
  [...NEVER_LEARNED_CAPABILITIES.keys()].map(capabilityNr),
)

/** The level of a capability. One that has no name counts as `high`: what cannot be judged must not pass as harmless. O(1). */
export function capabilityDanger(nr: number): Danger {
  const name = capabilityName(nr)
  return name === undefined ? 'high' : (LEVELS.get(name) ?? 'low')
}

/** Whether the capability is never learned by being used. O(1). */
export function isNeverLearnedCapability(nr: number): boolean {
  return NEVER_LEARNED.has(nr)
}

function list(names: string): readonly string[] {
  return names.split(' ')
}
