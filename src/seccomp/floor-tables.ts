/**
 * What has to be allowed beside what the application was seen to do, as data. Every list was measured or verified by
 * starting containers, not taken from other tools' lists, which record a wider window and so contain mount or setns.
 *
 * How the runtime lists were found: runc 1.1.5, 1.1.15, 1.3.6 and crun 1.8.1, 1.21, 1.28 on x86_64, each with and
 * without no_new_privileges, traced from the moment the filter is loaded to the exec of the entrypoint, plus the Go
 * scheduler's traffic, which varies from start to start. Verified with KILL_PROCESS, ENOSYS and EPERM as default action:
 * 36 combinations with 12 starts each, all successful.
 */

/** Container runtimes with a measured floor. */
export const RUNTIMES = ['runc', 'crun'] as const
export type Runtime = (typeof RUNTIMES)[number]

function list(names: string): readonly string[] {
  return names.split(' ')
}

/**
 * Calls that tracing does not see, or not in every run, and the kernel still needs. In order: the end of a process and
 * the return from a signal; the restart after SIGCONT or a thaw; what the vDSO serves until the clock source changes; and
 * the trampolines (x86_64, 335 and 336) that a process executes while somebody else has user probes attached to it.
 */
export const REQUIRED = list(
  'exit exit_group rt_sigreturn restart_syscall ' +
    'clock_gettime gettimeofday time getcpu clock_getres getrandom ' +
    'uretprobe uprobe',
)

/** The same for 32-bit x86, beside `REQUIRED`. */
export const REQUIRED_I386 = list('sigreturn clock_gettime64')

/** What nearly every program does between exec and main: loader, libc and thread set-up. */
export const PROGRAM_START = list(
  'execve arch_prctl brk mmap munmap mprotect set_tid_address set_robust_list rseq prlimit64 ' +
    'getrandom futex close read write openat newfstatat fstat pread64 access faccessat',
)

/** Runtime floors by whether the container runs with no_new_privileges, which lets runtimes load the filter later. */
export const RUNTIME_FLOOR: Readonly<
  Record<
    Runtime,
    { readonly plain: readonly string[]; readonly noNewPrivileges: readonly string[] }
  >
> = {
  runc: {
    // fchown: an ENOSYS there stops a container with a non-root user ("chown /dev/stdin: function not implemented").
    plain: list(
      'capget capset chdir close_range epoll_create1 epoll_ctl epoll_pwait eventfd2 faccessat ' +
        'faccessat2 fchdir fchown fcntl fstatfs getcwd getdents64 getpid getppid gettid getuid lseek ' +
        'madvise nanosleep clock_nanosleep openat2 prctl readlinkat rt_sigaction rt_sigprocmask ' +
        'sched_yield setgid setgroups setuid sigaltstack statx tgkill uname',
    ),
    noNewPrivileges: list(
      'close_range epoll_ctl epoll_pwait fcntl fstatfs getdents64 getpid gettid lseek madvise ' +
        'nanosleep clock_nanosleep openat2 prctl readlinkat rt_sigaction rt_sigprocmask sched_yield ' +
        'sigaltstack statx tgkill',
    ),
  },
  crun: {
    plain: list(
      'capset close_range fchown fcntl fstatfs getdents64 ioctl lseek openat2 prctl pselect6 ' +
        'rt_sigaction rt_sigprocmask setgroups setresgid setresuid statx umask',
    ),
    noNewPrivileges: list('close_range umask'),
  },
}
