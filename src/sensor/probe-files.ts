/**
 * Which file under `probes/` holds a probe, for a version of bpftrace and a host. Some probes have a sibling file for some
 * versions; those that need a tracepoint which not every kernel has are left out where there is none. Pure.
 */
import { isAtLeast, type Version } from './dialect.js'
import type { ProbeName } from './program.js'

/** Probes that have a sibling file for some versions: the file to use from that version on. */
const SIBLINGS: Readonly<Partial<Record<ProbeName, readonly [Version, string]>>> = {
  // 0.22 and 0.23 read dynamic strings of tracepoints from the wrong address (fixed after 0.23).
  cgroup: [{ major: 0, minor: 22 }, 'cgroup-raw'],
}

/** A probe that the sensor can do without. */
export interface OptionalProbe {
  readonly probe: ProbeName
  /** Files that hold it, each with the tracepoint that it needs, as the path below `events`; the first that fits is used. */
  readonly files: readonly { readonly tracepoint: string; readonly file: string }[]
  /** What is not seen without it. */
  readonly unseen: string
}

export const OPTIONAL_PROBES: readonly OptionalProbe[] = [
  {
    probe: 'capability',
    files: [{ tracepoint: 'capability/cap_capable', file: 'capability' }],
    unseen: 'which capabilities containers use',
  },
  {
    probe: 'io-uring',
    files: [
      { tracepoint: 'io_uring/io_uring_submit_req', file: 'io-uring' },
      { tracepoint: 'io_uring/io_uring_submit_sqe', file: 'io-uring-sqe' },
    ],
    unseen: 'what containers submit to io_uring',
  },
]

/**
 * The file that holds the probe, without its ending; undefined for an optional probe of which the host has no tracepoint.
 * `has` says whether the host has the tracepoint of that path below `events`.
 */
export function probeFileOf(
  probe: ProbeName,
  version: Version,
  has: (tracepoint: string) => boolean,
): string | undefined {
  const optional = OPTIONAL_PROBES.find((one) => one.probe === probe)
  if (optional !== undefined) return optional.files.find(({ tracepoint }) => has(tracepoint))?.file
  const [since, sibling] = SIBLINGS[probe] ?? []
  return since !== undefined && sibling !== undefined && isAtLeast(version, since) ? sibling : probe
}
