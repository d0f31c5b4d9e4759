/** Calls that any process may come to make by the kernel's own doing, whatever its program does. Pure facts. */

/**
 * Calls that tracing does not see, or not in every run, and the kernel still needs. In order: the end of a process and
 * the return from a signal; the restart after SIGCONT or a thaw; what the vDSO serves until the clock source changes, or
 * on a kernel whose vDSO has less (clock_getres came with 5.3 on x86, getrandom with 6.11); and the trampoline (x86_64, 335) that a
 * process executes while somebody else has return probes attached to it, which seccomp filters until 6.13.
 *
 * Not among them: time and getcpu, which the vDSO answers whatever the clock source is (lib/vdso/gettimeofday.c,
 * arch/x86/entry/vdso), and uprobe (336), which seccomp has let through since there is such a call (kernel/seccomp.c).
 */
export const REQUIRED: readonly string[] = (
  'exit exit_group rt_sigreturn restart_syscall ' +
  'clock_gettime gettimeofday clock_getres getrandom ' +
  'uretprobe'
).split(' ')

/** The same for 32-bit x86, beside `REQUIRED`. */
export const REQUIRED_I386: readonly string[] = ['sigreturn', 'clock_gettime64']
