/**
 * Groups of system calls that a profile treats specially because of what they can do to the host. Names of all ABIs;
 * whoever uses a group keeps those that the ABIs at hand have.
 */

function list(names: string): readonly string[] {
  return names.split(' ')
}

/** Runs code in the kernel or takes control of the machine. */
const KERNEL_CONTROL = list(
  'init_module finit_module delete_module create_module kexec_load kexec_file_load bpf iopl ioperm ' +
    'reboot swapon swapoff',
)

/** The new mount API as runc 1.3 itself tries it after loading the filter; it falls back when refused, not when killed. */
const MOUNT_API_OF_RUNTIMES = list('fsopen fsconfig fsmount open_tree')

/** Leaves the container's namespaces or file system tree. */
const NAMESPACE_ESCAPE = list(
  'mount umount umount2 pivot_root setns unshare fspick move_mount mount_setattr open_tree_attr ' +
    'open_by_handle_at',
)

/** Large kernel surfaces with a record of exploits and next to no use in services. */
const KERNEL_SURFACE = list(
  'io_uring_setup io_uring_enter io_uring_register userfaultfd keyctl add_key request_key ' +
    'perf_event_open',
)

/** Reads or steers other processes. */
const CROSS_PROCESS = list('ptrace process_vm_readv process_vm_writev pidfd_getfd')

/** Changes what is not confined to a container. */
const HOST_WIDE = list(
  'acct quotactl quotactl_fd settimeofday stime clock_settime clock_settime64 sethostname ' +
    'setdomainname',
)

/** Refused rather than missing where not used, but ordinary enough for programs that do use them. */
const REFUSED_ONLY = list('chroot personality kcmp vhangup lookup_dcookie syslog')

/**
 * What `strict` answers with the death of the process. Without `fsopen`, `fsconfig`, `fsmount` and `open_tree`: runc 1.3
 * makes those calls itself during `exec` and would be killed.
 */
export const CRITICAL: readonly string[] = [
  ...KERNEL_CONTROL,
  ...NAMESPACE_ESCAPE,
  ...KERNEL_SURFACE,
]

/** Never allowed because they were observed, only because a person approved them by name. */
export const NEVER_LEARNED: ReadonlySet<string> = new Set([
  ...CRITICAL,
  ...MOUNT_API_OF_RUNTIMES,
  ...CROSS_PROCESS,
  ...HOST_WIDE,
])

/**
 * Calls that programs know how to be refused: they return EPERM where everything else unlisted returns ENOSYS, so that
 * "not allowed here" does not look like "this kernel is too old".
 */
export const REFUSED: readonly string[] = [...NEVER_LEARNED, ...REFUSED_ONLY]

/**
 * Runtimes may make these calls after loading the filter and all get on without them; they never enter a profile because
 * a runtime made them, approved or not.
 */
export const NEVER_IN_FLOOR: ReadonlySet<string> = new Set(
  list(
    'mount pivot_root setns unshare umount2 keyctl fsopen fsconfig fsmount open_tree move_mount ' +
      'ptrace bpf sethostname',
  ),
)
