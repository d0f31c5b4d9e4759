/**
 * What has to be allowed beside what the application was seen to do and what a runtime was measured to do
 * (`floor-document`), as data. Nothing here was taken from other tools' lists, which record a wider window and so contain
 * mount or setns.
 */

/** Container runtimes with a floor. */
export const RUNTIMES = ['runc', 'crun'] as const
export type Runtime = (typeof RUNTIMES)[number]

function list(names: string): readonly string[] {
  return names.split(' ')
}

/**
 * What it takes to start a program. The entrypoint's own start was observed; this is for what was not: the same image
 * rebuilt with another libc, whose loader and thread set-up spell things differently, and what a runtime injects. In
 * order: exec; the loader, static (brk, arch_prctl) and dynamic; how libcs look at files; threads and their registration
 * with the kernel, which glibc has grown from release to release.
 */
export const PROGRAM_START = list(
  'execve ' +
    'arch_prctl brk mmap munmap mprotect ' +
    'access openat newfstatat fstat read pread64 close ' +
    'futex set_tid_address set_robust_list rseq prlimit64',
)

/**
 * What Go's runtime may do on runc's last thread at any moment, beside what was measured: no number of rounds shows all of
 * it. That thread is locked (runtime.LockOSThread), so it never looks for other work; what is left is to wait, to grow
 * the heap, to poll when it ends a garbage collection, to wake who polls, and to preempt other threads. Go dies of a
 * refusal of the first five; of the others it does not look at the answer, but they were measured often enough that refusing them would only
 * make noise. nanosleep, madvise and munmap are of that kind too, and were never measured.
 */
export const GO_RUNTIME = list('futex mmap epoll_ctl epoll_pwait write sched_yield tgkill getpid')

/**
 * Floors where nothing was measured (an architecture that no calibration has run on), by whether the container runs with
 * no_new_privileges, which lets runtimes load the filter later. From traces of runc 1.1.5, 1.1.15, 1.3.6 and crun 1.8.1,
 * 1.21, 1.28 on x86_64, rounded up; verified with KILL_PROCESS, ENOSYS and EPERM as default action: 36 combinations with
 * 12 starts each, all successful.
 */
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
        'sched_yield setgid setgroups setuid sigaltstack statx tgkill uname write',
    ),
    noNewPrivileges: list(
      'close_range epoll_ctl epoll_pwait fcntl fstatfs getdents64 getpid gettid lseek madvise ' +
        'nanosleep clock_nanosleep openat2 prctl readlinkat rt_sigaction rt_sigprocmask sched_yield ' +
        'sigaltstack statx tgkill write',
    ),
  },
  crun: {
    plain: list(
      'capset close_range fchown fcntl fstatfs getdents64 ioctl lseek openat2 prctl pselect6 ' +
        'rt_sigaction rt_sigprocmask setgroups setresgid setresuid statx umask write',
    ),
    noNewPrivileges: list('close_range umask write'),
  },
}
