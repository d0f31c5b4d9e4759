/** Names of capabilities, by number. Pure facts. */

/** The kernel's sets of capabilities have 64 bits, so no number is as high. */
export const CAPABILITY_LIMIT = 64

/** include/uapi/linux/capability.h, by number. */
const NAMES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE ' +
  'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO ' +
  'SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME ' +
  'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG ' +
  'WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`)

const NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, nr) => [name, nr]))

/** The name of the capability, such as `CAP_NET_RAW`, or undefined where there is none. O(1). */
export function capabilityName(nr: number): string | undefined {
  return NAMES[nr]
}

/** The number of the capability with that name, or undefined. O(1). */
export function capabilityNr(name: string): number | undefined {
  return NUMBERS.get(name)
}

/** What to show for a capability: its name, or an explicit unknown such as `50?`. */
export function capabilityLabel(nr: number): string {
  return capabilityName(nr) ?? `${nr}?`
}
