/**
 * What the service may do to baselines: the narrow side by which the store, profiles and modes look in from the engine. Who
 * calls, and why, is part of every change, and is on record before it is made.
 */
import type { Baseline } from '../baseline/baseline.js'
import type { Lineage } from '../observation.js'
import type { ArgumentCall } from '../kernel/arguments.js'
import type { ProfileFormat } from '../seccomp/export.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import type { Strength } from '../seccomp/profile.js'

/** Whose doing a change is. */
export interface Responsible {
  /** As the operator log has it: `cert:SUBJECT`, `socket:ROLE`, `cli:USER`. */
  readonly by: string
  readonly reason: string
}

/** A decision on a stored baseline; see `BaselineStore.find` for what `ref` may be. */
export interface SealRequest extends Responsible {
  readonly ref: string
  /** Of what was looked at, or at least its first 12 digits. */
  readonly contentHash: string
}

export interface DecideRequest extends SealRequest {
  readonly verdict: 'approved' | 'rejected'
  /** Texts that `itemsNamed` takes, or whatever waits for a decision. */
  readonly items: readonly string[] | 'candidates'
}

/** What is stored after a decision. */
export interface Decided {
  readonly baseline: Baseline
  /** Texts of the items that were decided on; of a seal, those that were sealed. */
  readonly items: readonly string[]
}

export interface MergeRequest extends Responsible {
  /** Of one image; they are not changed. */
  readonly baselines: readonly Baseline[]
}

export interface Merged {
  readonly baseline: Baseline
  /** False if the store knew all of it. */
  readonly changed: boolean
}

/** The choices of `plimsoll profile`. */
export interface ProfileRequest {
  readonly format: ProfileFormat
  readonly strength: Strength
  /** Undefined: the default. */
  readonly lineages: readonly Lineage[] | undefined
  readonly families: boolean | undefined
  readonly runtime: Runtime | undefined
  readonly assumeNoNewPrivileges: boolean
  readonly arguments: readonly ArgumentCall[] | undefined
  /** Of the object in Kubernetes; undefined: from the image's. */
  readonly name: string | undefined
}

export interface ProfileFileContent {
  readonly fileName: string
  readonly text: string
  /** Names of calls that it allows. */
  readonly allowed: readonly string[]
  readonly notes: readonly string[]
}

/**
 * All of them throw as `BaselineStore.load` does. Changes also throw `AUDIT_UNWRITABLE`, with nothing changed, and what
 * `BaselineStore.save` throws.
 */
export interface BaselineActions {
  /** A stored baseline, the newest revision unless one is given. Throws `REVISION_NOT_FOUND`. */
  load(ref: string, revision?: number): Promise<Baseline>
  /** Throws `CONTENT_CHANGED`, `DECISIONS_FULL`. */
  seal(request: SealRequest): Promise<Decided>
  /** Throws `CONTENT_CHANGED`, `DECISIONS_FULL`, `ITEM_UNKNOWN`. */
  decide(request: DecideRequest): Promise<Decided>
  /** Adds to what is stored of the image. Throws `IMAGES_DIFFER`, `DECISIONS_FULL`. */
  merge(request: MergeRequest): Promise<Merged>
  /** The profile of the baseline. Throws `PROFILE_EMPTY`, `PROFILE_INVALID`, `FLOOR_DAMAGED`. */
  profile(baseline: Baseline, request: ProfileRequest): Promise<ProfileFileContent>
}

/** A person, or a program for one, changed a baseline. */
export interface BaselineChanged {
  readonly baselineKey: string
  readonly imageName: string
  readonly revision: number
  /** As `BaselineChange` of `monitor.proto` has it. */
  readonly what: 'sealed' | 'approved' | 'rejected' | 'merged' | 'imported' | 'removed'
  readonly actor: string
  readonly reason: string
}

/** What became of a change of what is learned. */
export interface LearningChange {
  /** Of the image; empty where it is not known which baselines it will be. */
  readonly key: string
  /** False: it was so before. */
  readonly changed: boolean
}

/** What is learned, image by image. Whoever implements it puts the change on record. */
export interface LearningModes {
  /** What that image does is learned from now on. Throws `LEARNING_FIXED`, `BASELINE_NOT_FOUND`, `AUDIT_UNWRITABLE`. */
  start(ref: string, by: string, reason: string): Promise<LearningChange>
  /** Ends that; throws likewise. */
  stop(ref: string, by: string, reason: string): Promise<LearningChange>
}
