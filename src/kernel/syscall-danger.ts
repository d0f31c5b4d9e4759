/**
 * How much harm a system call can do if an image that never made it begins to: groups of names with one level each. Pure
 * data. Names of all ABIs; an ABI that lacks one never makes it.
 *
 * The grouping is plimsoll's own judgement. Its yardsticks: what the kernel and Docker's default profile put behind a
 * capability, which calls published container escapes and kernel exploits went through, and how rarely services make
 * them. systemd's groups (@module, @mount, @raw-io, @reboot, @swap, @keyring, @clock, @debug; `systemd-analyze
 * syscall-filter`) agree where they overlap. A name's level does not look at arguments; what is worst among those of
 * `socket` is in `DANGEROUS_DOMAINS`.
 */

/** From the worst down. `low` is every call that is in no group. */
export const DANGERS = ['critical', 'high', 'medium', 'low'] as const
export type Danger = (typeof DANGERS)[number]

function list(names: string): readonly string[] {
  return names.split(' ')
}

/** Runs code in the kernel or takes control of the machine. */
export const KERNEL_CONTROL: readonly string[] = list(
  'init_module finit_module delete_module create_module kexec_load kexec_file_load bpf iopl ioperm ' +
    'reboot swapon swapoff',
)

/** The new mount API as runc 1.3 itself tries it after loading the filter; it falls back when refused, not when killed. */
export const MOUNT_API_OF_RUNTIMES: readonly string[] = list('fsopen fsconfig fsmount open_tree')

/** Leaves the container's namespaces or file system tree. */
export const NAMESPACE_ESCAPE: readonly string[] = list(
  'mount umount umount2 pivot_root setns unshare fspick move_mount mount_setattr open_tree_attr ' +
    'open_by_handle_at',
)

/** Large kernel surfaces with a record of exploits and next to no use in services. */
export const KERNEL_SURFACE: readonly string[] = list(
  'io_uring_setup io_uring_enter io_uring_register userfaultfd keyctl add_key request_key ' +
    'perf_event_open',
)

/** Reads or steers other processes. */
export const CROSS_PROCESS: readonly string[] = list(
  'ptrace process_vm_readv process_vm_writev pidfd_getfd',
)

/** Changes what is not confined to a container. */
export const HOST_WIDE: readonly string[] = list(
  'acct quotactl quotactl_fd settimeofday stime clock_settime clock_settime64 sethostname ' +
    'setdomainname',
)

/** Touches other processes or the host too, but has uses that Docker's default profile puts up with. */
const MILDER_REACH = list('kcmp process_madvise clock_adjtime clock_adjtime64 syslog')

/** Changes who the process is or by which rules it runs, after it has started. */
const PRIVILEGE_CHANGE = list(
  'setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 ' +
    'setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capset ' +
    'chroot personality modify_ldt',
)

/**
 * Address families whose sockets are more than a way to talk to a peer, by number (include/linux/socket.h), with what they
 * are. The kernel loads the module of a family on the first socket of it, for any user, so these come with their flaws.
 * AF_NETLINK is not among them: libc itself lists interfaces through it. AF_KEY, AF_CAN and the like are not either: they
 * take a capability that engines do not give, or hardware.
 */
export const DANGEROUS_DOMAINS: ReadonlyMap<number, string> = new Map([
  [
    17,
    'AF_PACKET reads and forges all traffic of the network, with a capability that engines give by default',
  ],
  [21, 'AF_RDS is a protocol of clusters with a record of exploits'],
  [30, 'AF_TIPC is a protocol of clusters with a record of exploits'],
  [38, 'AF_ALG reaches the ciphers of the kernel (CVE-2026-31431)'],
  [40, 'AF_VSOCK reaches the hypervisor and the host round the network namespace'],
  [44, 'AF_XDP reads and forges traffic below the network stack'],
])

/** Executes what need not have a path. */
const NEW_EXECUTION = list('execveat')

/** Moves page cache pages through pipes: the way of the Dirty Pipe flaw (CVE-2022-0847). */
const PIPE_TRICKS = list('splice tee vmsplice')

/** Makes an image a client or a server that was none. */
const NETWORK = list('socket socketcall connect bind listen accept accept4')

/** Lets something persist, or leads others to the wrong file. */
const FILE_TAMPERING = list(
  'mknod mknodat chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown ' +
    'lchown32 setxattr lsetxattr fsetxattr setxattrat link linkat symlink symlinkat ' +
    'name_to_handle_at fanotify_init',
)

/** Disturbs other processes or puts on filters that hide from observers. */
const DISRUPTION = list(
  'kill tkill seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
)

/** Takes more of the machine than was planned, or measures its neighbours. */
const RESOURCES = list(
  'mlock mlock2 mlockall sched_setaffinity sched_setattr sched_setparam sched_setscheduler ' +
    'setpriority setrlimit mbind migrate_pages move_pages',
)

/** Never allowed because they were observed, only because a person approved them by name. */
export const NEVER_LEARNED: ReadonlySet<string> = new Set([
  ...KERNEL_CONTROL,
  ...NAMESPACE_ESCAPE,
  ...KERNEL_SURFACE,
  ...MOUNT_API_OF_RUNTIMES,
  ...CROSS_PROCESS,
  ...HOST_WIDE,
])

const GROUPS: Readonly<Record<Exclude<Danger, 'low'>, readonly (readonly string[])[]>> = {
  critical: [KERNEL_CONTROL, NAMESPACE_ESCAPE, MOUNT_API_OF_RUNTIMES, KERNEL_SURFACE],
  high: [CROSS_PROCESS, HOST_WIDE, MILDER_REACH, PRIVILEGE_CHANGE, NEW_EXECUTION, PIPE_TRICKS],
  medium: [NETWORK, FILE_TAMPERING, DISRUPTION, RESOURCES],
}

/** The level of every name that is in a group; each name is in one. */
export const SYSCALL_DANGER: ReadonlyMap<string, Danger> = new Map(
  (['critical', 'high', 'medium'] as const).flatMap((danger) =>
    GROUPS[danger].flat().map((name) => [name, danger] as const),
  ),
)

/**
 * The level of a call by its name; undefined for a call that no table names. That counts as `high`: what cannot be judged
 * must not pass as harmless. O(1).
 */
export function dangerOf(name: string | undefined): Danger {
  return name === undefined ? 'high' : (SYSCALL_DANGER.get(name) ?? 'low')
}
