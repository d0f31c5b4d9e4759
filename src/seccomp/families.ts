/**
 * Calls that do what an observed one does: what a program makes instead when its libc, its language runtime or the kernel
 * is newer. They reach the same kernel object with no more authority, so allowing them costs little, and refusing them
 * stops the next build of an image. Data, and the one function that reads it. Pure.
 *
 * Only successors are inferred, never predecessors or neighbours. Not here, although related:
 * - read and readv, sendto and sendmsg and the like: a choice of the program, seen when it is learned;
 * - sendfile and copy_file_range: who tries either has a way round it, and each opens a path of its own in the kernel;
 * - creat to openat (which also reads), mknod, kill, the setuid family, execveat, splice, io_uring: more authority;
 * - clone to clone3 (its flags are behind a pointer), futex_waitv, mseal, rseq_slice_yield: libc copes with ENOSYS.
 */

/** From any of these names to one name, and why: a clause that the reason of an inferred call starts with. */
type Succession = readonly [from: string, to: string, why: string]

const SUCCESSIONS: readonly Succession[] = [
  ['open', 'openat', 'libcs open files with openat (glibc since 2.26)'],
  ['openat', 'openat2', 'newer libraries and language runtimes open files with openat2'],
  ['stat lstat fstat', 'newfstatat', 'glibc 2.33 made newfstatat of stat, lstat and fstat'],
  ['newfstatat', 'fstat', 'newer glibc asks about open files with fstat again'],
  ['newfstatat', 'statx', 'newer libraries ask about files with statx'],
  ['stat64 lstat64 fstat64 fstatat64', 'statx', '32-bit libcs with 64-bit time ask with statx'],
  ['access', 'faccessat', 'newer programs check access relative to a directory'],
  ['faccessat', 'faccessat2', 'libcs try faccessat2 first (glibc since 2.33)'],
  ['readlink', 'readlinkat', 'newer programs name files relative to a directory'],
  ['rename', 'renameat', 'newer programs name files relative to a directory'],
  ['renameat', 'renameat2', 'newer libraries rename with renameat2'],
  ['mkdir', 'mkdirat', 'newer programs name files relative to a directory'],
  // One call for both: after unlink alone it can also remove empty directories, which is all that is added.
  ['unlink rmdir', 'unlinkat', 'newer programs name files relative to a directory'],
  ['link', 'linkat', 'newer programs name files relative to a directory'],
  ['symlink', 'symlinkat', 'newer programs name files relative to a directory'],
  ['chmod', 'fchmodat', 'newer programs name files relative to a directory'],
  ['fchmodat', 'fchmodat2', 'glibc changes modes with fchmodat2 since 2.39'],
  [
    'chown lchown chown32 lchown32',
    'fchownat',
    'newer programs name files relative to a directory',
  ],
  ['utime utimes futimesat', 'utimensat', 'libcs set file times with utimensat'],
  ['getdents', 'getdents64', 'libcs read directories with getdents64'],
  ['dup2', 'dup3', 'newer programs set close-on-exec in the same call'],
  ['pipe', 'pipe2', 'newer programs set close-on-exec in the same call'],
  ['accept', 'accept4', 'newer programs set close-on-exec in the same call'],
  ['eventfd', 'eventfd2', 'newer programs set close-on-exec in the same call'],
  ['signalfd', 'signalfd4', 'newer programs set close-on-exec in the same call'],
  ['inotify_init', 'inotify_init1', 'newer programs set close-on-exec in the same call'],
  ['epoll_create', 'epoll_create1', 'newer programs set close-on-exec in the same call'],
  ['epoll_wait', 'epoll_pwait', 'newer event loops wait with epoll_pwait'],
  ['epoll_pwait', 'epoll_pwait2', 'newer event loops wait with epoll_pwait2, for finer time-outs'],
  ['poll', 'ppoll', 'newer programs wait with ppoll, for finer time-outs'],
  ['select _newselect', 'pselect6', 'newer libcs wait with pselect6'],
  ['fork vfork', 'clone', 'libcs make processes with clone'],
  ['waitpid', 'wait4', 'libcs wait for children with wait4'],
  ['wait4', 'waitid', 'newer language runtimes wait for children with waitid, by pidfd'],
  ['nanosleep', 'clock_nanosleep', 'libcs sleep with clock_nanosleep (glibc since 2.31)'],
  ['getrlimit setrlimit ugetrlimit', 'prlimit64', 'libcs handle limits with prlimit64'],
]

/** 32-bit calls that have a twin with 64-bit time, named by this suffix (arch/x86/entry/syscalls/syscall_32.tbl). */
const TIME64_TWINS: Readonly<Record<string, string>> = {
  '64': 'clock_gettime timer_gettime timer_settime timerfd_gettime timerfd_settime',
  _time64:
    'clock_getres clock_nanosleep utimensat pselect6 ppoll io_pgetevents recvmmsg mq_timedsend ' +
    'mq_timedreceive semtimedop rt_sigtimedwait futex sched_rr_get_interval',
}

const SUCCESSORS = successorTable()

/**
 * Names that follow from the observed ones, directly or by way of each other, with the reason. `exists` says whether an
 * ABI of the profile has the name; names that are observed themselves are left out. Linear in the observed names.
 */
export function inferredFrom(
  observed: Iterable<string>,
  exists: (name: string) => boolean,
): ReadonlyMap<string, string> {
  const seen = new Set(observed)
  const inferred = new Map<string, string>()
  // Sorted, so that of several reasons the same one is given whatever the order of the observations.
  const open = [...seen].toSorted()
  for (let source = open.shift(); source !== undefined; source = open.shift()) {
    for (const [to, why] of SUCCESSORS.get(source) ?? []) {
      if (seen.has(to) || !exists(to)) continue
      seen.add(to)
      inferred.set(to, `${why}; ${source} was ${inferred.has(source) ? 'inferred' : 'observed'}`)
      open.push(to)
    }
  }
  return inferred
}

/** Every name that can be inferred, for tests of the table. */
export const INFERABLE: ReadonlySet<string> = new Set(
  [...SUCCESSORS.values()].flatMap((successors) => successors.map(([to]) => to)),
)

function successorTable(): ReadonlyMap<string, readonly (readonly [to: string, why: string])[]> {
  const twins = Object.entries(TIME64_TWINS).flatMap(([suffix, names]) =>
    names
      .split(' ')
      .map((name): Succession => [name, `${name}${suffix}`, '32-bit libcs move to 64-bit time']),
  )
  const table = new Map<string, (readonly [string, string])[]>()
  for (const [from, to, why] of [...SUCCESSIONS, ...twins]) {
    for (const name of from.split(' ')) {
      table.set(name, [...(table.get(name) ?? []), [to, why]])
    }
  }
  return table
}
