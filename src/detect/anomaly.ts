/**
 * An anomaly: something that a workload did and that neither its sealed baseline nor the policy allows, with all that is
 * known of it. Pure data. Text that a container controls is a `ByteString` and is shown only through `displayOf`.
 */
import type { NamedItem } from '../baseline/item-key.js'
import type { ByteString } from '../bytes.js'
import type { Abi, Lineage, Source } from '../observation.js'

export const ANOMALY_KINDS = [
  'syscall',
  'argument',
  'abi',
  'exec',
  'drift',
  'fileless',
  'connect',
  'listen',
  'capability',
  'io_uring',
  'denied',
  'sensor',
  'resource',
] as const
export type AnomalyKind = (typeof ANOMALY_KINDS)[number]

/** From the mildest up. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What may speak on a fact, in the order in which it is asked; the first that speaks decides. */
export const LAYERS = ['hard-deny', 'deny', 'allow', 'baseline', 'default'] as const
export type Layer = (typeof LAYERS)[number]

/** What is judged of a workload. */
export type Subject =
  | Extract<NamedItem, { readonly kind: 'syscall' | 'argument' }>
  | {
      readonly kind: 'exec'
      readonly path: ByteString
      readonly exe: ByteString
      /** Written after the container was made: what is judged is drift. */
      readonly upper: boolean
      /** A deleted file, a memfd. */
      readonly fileless: boolean
    }
  | Extract<NamedItem, { readonly kind: 'connect' | 'listen' }>
  | { readonly kind: 'abi'; readonly abi: Abi; readonly nr: number }
  | { readonly kind: 'capability'; readonly capability: number }
  | { readonly kind: 'io_uring'; readonly opcode: number }
  | {
      readonly kind: 'denied'
      readonly abi: Abi
      readonly nr: number
      /** See `kernel/denial-answer`. */
      readonly answer: number
    }
  | { readonly kind: 'sensor'; readonly what: SensorTrouble; readonly detail: string }
  | {
      readonly kind: 'resource'
      readonly resource: 'memory' | 'cpu' | 'pids'
      /** Bytes, thousandths of a processor, processes. */
      readonly value: number
      readonly learned: number
    }

/** Ways of losing sight. `unlearned`: the image has no sealed baseline; `unapplied`: its profile could not be applied. */
export const SENSOR_TROUBLES = [
  'gap',
  'lost',
  'map-full',
  'capped',
  'unlearned',
  'unapplied',
  'unresolved',
] as const
export type SensorTrouble = (typeof SENSOR_TROUBLES)[number]

/** Whose doing it is. */
export interface WorkloadFacts {
  readonly runtime: string
  /** Empty for what is no container's. */
  readonly containerId: string
  readonly containerName: string
  readonly imageDigest: string
  readonly imageName: string
  readonly cgroupId: number
}

/** The process, as far as it is known; 0 and empty text for what is not. */
export interface ProcessFacts {
  readonly pid: number
  readonly ppid: number
  readonly uid: number | undefined
  /** For display only: a process chooses it. */
  readonly comm: ByteString
  /** Name of the file that it runs, from the kernel. */
  readonly exe: ByteString
  /** The path that was given to execve. */
  readonly path: ByteString
  readonly lineage: Lineage
}

/** Which layer decided, by which rule of it. */
export interface Decision {
  readonly layer: Layer
  /** Name of the policy's rule; empty for the layers without rules. */
  readonly rule: string
}

/** How good the evidence is. */
export interface EvidenceQuality {
  readonly source: Source
  readonly truncated: boolean
  /** Something was lost within the last reports of the sensor. */
  readonly lossNearby: boolean
  /** Of the baseline: `full`, `partial`, or `none` where there is none. */
  readonly baseline: 'full' | 'partial' | 'none'
}

/** One first-seen fact of the container, as the timeline has it. */
export interface TimelineEntry {
  readonly atMs: number
  readonly pid: number
  readonly lineage: Lineage
  readonly subject: Subject
}

/** One (image, container, kind, key, lineage); repeats count up. */
export interface Anomaly {
  /** Unique. */
  readonly id: string
  /** Of all anomalies that one act set off. */
  readonly incident: string
  readonly severity: Severity
  /** MITRE ATT&CK for Containers, ids of techniques. */
  readonly attack: readonly string[]
  readonly subject: Subject
  readonly workload: WorkloadFacts
  readonly process: ProcessFacts
  readonly decision: Decision
  /** 0 where there is none. */
  readonly baselineRevision: number
  readonly evidence: EvidenceQuality
  /** First seen; wall clock. */
  readonly atMs: number
  /** The same by the kernel's clock (CLOCK_BOOTTIME), nanoseconds; 0 where the kernel told of no moment. */
  readonly atNs: number
  readonly lastMs: number
  readonly count: number
  /** The last first-seen facts of the container before it. */
  readonly timeline: readonly TimelineEntry[]
}

/** The kind of a subject: of programs the worst that is true of it. */
export function kindOf(subject: Subject): AnomalyKind {
  if (subject.kind !== 'exec') return subject.kind
  if (subject.fileless) return 'fileless'
  return subject.upper ? 'drift' : 'exec'
}
