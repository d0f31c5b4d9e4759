/**
 * The one fact type that flows through the house: what the sensor decoded, attributed to a cgroup, on its way to the
 * baseline (and later the matcher). Pure data; everything may import this file, it imports only `bytes`.
 *
 * System calls do not travel as objects but as the numbers of `ObservationSink.syscall`, because there are many.
 */
import type { ByteString } from './bytes.js'

/** Calling conventions, in the order of their codes in the probes. A system call is always (ABI, number). */
export const ABIS = ['x86_64', 'i386', 'x32', 'aarch64', 'arm'] as const
export type Abi = (typeof ABIS)[number]

/** How a process came into the workload, in the order of the codes in the probes (0 is "not tracked yet"). */
export const LINEAGES = ['unknown', 'runtime', 'main', 'exec', 'probe'] as const
export type Lineage = Exclude<(typeof LINEAGES)[number], 'unknown'>

/**
 * Numbers from here on share the slot `SYSCALL_NR_LIMIT - 1`, which names an explicit unknown: a hostile program may
 * try all 2^32 numbers, and no table knows one above 600.
 */
export const SYSCALL_NR_LIMIT = 1024

/** What all observations carry. `atMs` is wall-clock time in whole milliseconds since the epoch. */
export interface Observed {
  readonly cgroupId: number
  readonly lineage: Lineage
  readonly atMs: number
}

/** What is told early, as it happens, carries its moment too. */
export interface EarlyObserved extends Observed {
  /**
   * `atMs` by the kernel's clock: nanoseconds of CLOCK_BOOTTIME, which a double holds to the nanosecond for 104 days. 0 where
   * the print of a map told it: the kernel kept no moment.
   */
  readonly atNs: number
}

/** The process that did it, in the initial namespaces. A print of a map knows of none: 0, 0 and undefined. */
export interface Caller {
  readonly pid: number
  /** The process that made it, or that took it over when its maker ended. */
  readonly ppid: number
  /** The real user id; undefined where it is unknown, which is not root. */
  readonly uid: number | undefined
}

/** One successful execve, from the kernel's own facts about the new program. */
export interface ExecObservation extends EarlyObserved, Caller {
  readonly kind: 'exec'
  /** The path given to execve, as the kernel copied it; a script's own path, not its interpreter's. */
  readonly path: ByteString
  /** Last path component of the file that is really mapped (`mm->exe_file`): the interpreter of a script. */
  readonly exe: ByteString
  /** For display only: a process chooses it. */
  readonly comm: ByteString
  readonly inode: number
  /** Hard links of the file; 0 for a deleted file or a memfd. */
  readonly links: number
  /** `s_magic` of the file system, e.g. 0x794c7630 for overlayfs. */
  readonly fsMagic: number
  /** On overlayfs: the file lies in the upper layer, so it was written after the container was made. */
  readonly upper: boolean
  /** `path` was longer than the sensor can carry and is cut. */
  readonly truncated: boolean
}

/**
 * An entry: a process that joined a container from outside (a health check, `podman exec`) started its first program. What
 * it and its children do carries its tag, eight bits of `hash`: the facts of all entries with one argv are one, and those of
 * two argvs are so by chance, one time in 255.
 */
export interface EntryObservation extends EarlyObserved {
  readonly kind: 'entry'
  readonly tag: number
  readonly pid: number
  /** Bytes of its argv, with the zero byte behind each word. */
  readonly length: number
  /** Of these bytes, as `argvHash` makes it. */
  readonly hash: bigint
  /** The first of these bytes, as many as the sensor carries. */
  readonly head: ByteString
}

/** `kernel`: read from kernel structures. `user`: read from the caller's memory, which it could change meanwhile. */
export type Source = 'kernel' | 'user'

/** A destination that was connected or sent to, or an address that was listened on (or, for UDP, bound). */
export interface EndpointObservation extends EarlyObserved, Caller {
  readonly kind: 'connect' | 'listen'
  readonly protocol: 'tcp' | 'udp' | 'unix'
  /** Textual IP address (IPv4-mapped IPv6 is given as IPv4); for `unix` the path, or a zero byte and an abstract name. */
  readonly address: ByteString
  /** 0 for `unix`. */
  readonly port: number
  readonly source: Source
  /** Times since the last report; 0 for an early notice, whose times a later report will carry. */
  readonly count: number
  readonly truncated: boolean
}

/** Who made a system call first; says nothing about how often. Sent once per map rotation and key. */
export interface SyscallHint extends EarlyObserved, Caller {
  readonly kind: 'syscall'
  readonly abi: Abi
  readonly nr: number
  /** Name of the file that the process runs, from the kernel; the process cannot choose it as it can its comm. */
  readonly program: ByteString
}

/** Who was refused a call first; says nothing about how often. Sent once per map rotation, key, answer and program. */
export interface DenialHint extends EarlyObserved, Caller {
  readonly abi: Abi
  readonly nr: number
  /** See `kernel/denial-answer`. */
  readonly answer: number
  /** As in `SyscallHint`. */
  readonly program: ByteString
}

/** Who made a value of a call's learned argument first (see `kernel/arguments`); as `SyscallHint`. */
export interface ArgumentHint extends EarlyObserved, Caller {
  readonly kind: 'argument'
  readonly abi: Abi
  readonly nr: number
  /** Packed. */
  readonly value: number
  readonly program: ByteString
}

/** A capability that the kernel asked for and that the process had: it was used. */
export interface CapabilityObservation extends EarlyObserved, Caller {
  readonly kind: 'capability'
  /** CAP_*, by number (include/uapi/linux/capability.h). */
  readonly capability: number
  readonly program: ByteString
  /** As in `EndpointObservation`. */
  readonly count: number
}

/** An operation that was submitted to an io_uring, by whichever thread. */
export interface UringObservation extends EarlyObserved, Caller {
  readonly kind: 'io_uring'
  /** IORING_OP_*, by number (include/uapi/linux/io_uring.h). */
  readonly opcode: number
  readonly program: ByteString
  /** As in `EndpointObservation`. */
  readonly count: number
}

/**
 * A cgroup made more distinct facts of one class than the sensor carries for one: `count` further ones (the same one counts
 * each time) were left out since the last report. Of whichever lineage; `main` stands for all.
 */
export interface CappedObservation extends Observed {
  readonly kind: 'capped'
  /** `endpoint`, `datagram`, `unix`, `denial`. */
  readonly what: string
  readonly count: number
}

/** A cgroup appeared or went away. */
export interface CgroupObservation {
  readonly kind: 'cgroup'
  readonly event: 'created' | 'removed'
  readonly cgroupId: number
  /** Path below the cgroup2 mount, starting with `/`; empty for `removed`, and where it was too long to carry. */
  readonly path: string
  readonly atMs: number
}

export type Observation =
  | ExecObservation
  | EntryObservation
  | EndpointObservation
  | SyscallHint
  | ArgumentHint
  | CapabilityObservation
  | UringObservation
  | CappedObservation
  | CgroupObservation

/** Where facts about seccomp filters go; all counts are from the kernel's maps, since the last report. */
export interface DenialSink {
  /**
   * `count` further calls that a filter refused with that answer (see `kernel/denial-answer`); `tag` as in
   * `ObservationSink`.
   */
  denied(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    answer: number,
    count: number,
    atMs: number,
    tag?: number,
  ): void
  /** `count` further threads were seen under a filter for the first time. */
  filtered(cgroupId: number, lineage: Lineage, count: number, atMs: number): void
  /** `count` further enters or exits of calls whose partner was not shown: denials may have been missed or made up. */
  unpaired(cgroupId: number, lineage: Lineage, count: number, atMs: number): void
  denialHint(hint: DenialHint, tag?: number): void
}

/**
 * Where decoded facts go. Calls arrive in the order of the sensor's bytes. Lineages are the kernel's, to which a health check
 * is an `exec` like any other; `tag` says which entry an `exec` descends from, and is 0 for every other lineage.
 */
export interface ObservationSink extends Partial<DenialSink> {
  /**
   * `count` further calls of (abi, nr) by this cgroup, lineage and entry since the last report, from the kernel's map: the
   * truth, where a hint is only early. Called once per non-zero map entry and print.
   */
  syscall(
    cgroupId: number,
    lineage: Lineage,
    tag: number,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): void
  observe(observation: Observation, tag: number): void
  /**
   * `count` further calls of (abi, nr) with that packed argument (see `kernel/arguments`), from the kernel's map like
   * `syscall`; those calls are in its counts too.
   */
  argument(
    cgroupId: number,
    lineage: Lineage,
    tag: number,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): void
}

/** Reasons for which a baseline is `partial`. */
export const REASONS = [
  'attached-late',
  'lost-events',
  'map-full',
  'sensor-restarted',
  'truncated',
  'malformed-records',
  'unresolved-image',
] as const
export type Reason = (typeof REASONS)[number]

/** One reason with its figures: how many (records, entries), and for gaps from when to when. */
export interface Incompleteness {
  readonly reason: Reason
  readonly count: number
  readonly fromMs?: number
  readonly toMs?: number
  /** Class of loss or other short detail, plimsoll's own words. */
  readonly detail?: string
}
