/**
 * Groups of system calls that a profile treats specially because of what they can do to the host, put together from the
 * kernel's dangerous ones. Names of all ABIs; whoever uses a group keeps those that the ABIs at hand have.
 */
import {
  KERNEL_CONTROL,
  KERNEL_SURFACE,
  NAMESPACE_ESCAPE,
  NEVER_LEARNED,
} from '../kernel/syscall-danger.js'

function list(names: string): readonly string[] {
  return names.split(' ')
}

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
