/**
 * What one image was seen to do, run by run and lineage by lineage, with the evidence and with what was missed; and what
 * people decided about it. Pure: no clock, no I/O. How it learns is in `learner`.
 */
import { argumentCallOf } from '../kernel/arguments.js'
import type { Abi, Lineage } from '../observation.js'
import type { ArgumentItem } from './argument-item.js'
import { knownValues } from './argument-values.js'
import type { CapabilityItem } from './capability-item.js'
import { type Completeness, completenessOf } from './completeness.js'
import type { EndpointItem } from './endpoint-item.js'
import type { ExecItem } from './exec-item.js'
import { type History, NO_HISTORY } from './history.js'
import { boundedImage, type ImageIdentity } from './image-identity.js'
import type { ItemKind } from './item-key.js'
import { kindsInAll } from './kinds.js'
import { Learner } from './learner.js'
import { type Resources, resourcesOf } from './resources.js'
import { BASELINE_LINEAGES } from './run-record.js'
import type { SyscallItem } from './syscall-item.js'
import type { UringItem } from './uring-item.js'
import {
  type DecisionsSnapshot,
  NO_DECISIONS,
  type Seal,
  type Verdict,
  withSeal,
  withVerdict,
} from './verdicts.js'

export { BASELINE_LINEAGES }

/** A baseline as plain values: what is stored, shown, merged and compared. Every list is in its canonical order. */
export interface BaselineSnapshot extends History {
  readonly image: ImageIdentity
  readonly revision: number
  readonly decisions: DecisionsSnapshot
}

export class Baseline extends Learner {
  readonly image: ImageIdentity
  /** Of the stored state that this one continues; 0 if it was never saved. The store counts it up. */
  revision = 0
  #decisions: DecisionsSnapshot

  private constructor(image: ImageIdentity, history: History, decisions: DecisionsSnapshot) {
    super(history)
    this.image = boundedImage(image)
    this.#decisions = decisions
  }

  /** A baseline of an image that nothing is known about. Throws `BAD_DIGEST`. */
  static empty(image: ImageIdentity): Baseline {
    return new Baseline(image, NO_HISTORY, NO_DECISIONS)
  }

  /** The baseline that a snapshot was made of; the snapshot must be within the bounds of the model, as the decoder checks. */
  static of(snapshot: BaselineSnapshot): Baseline {
    const { image, revision, decisions, programs, runs, folded } = snapshot
    const baseline = new Baseline(image, { programs, runs, folded }, decisions)
    baseline.revision = revision
    return baseline
  }

  /**
   * Whether everything that the runs did is in here, and if not, why: what was missed in any run, and as `map-full` what
   * a full set left out.
   */
  completeness(): Completeness {
    return completenessOf(this.history(), (lineage) => this.behaviour(lineage))
  }

  /** Runs that are listed. There were older ones if the snapshot has `folded`. */
  get runCount(): number {
    return this.history().runs.length
  }

  /**
   * Kinds of items that were looked for in every listed run, in the order of `ITEM_KINDS`. Of any other kind nobody knows
   * whether the image did what is not here.
   */
  observableKinds(): readonly ItemKind[] {
    return kindsInAll(this.history().runs)
  }

  /** The most that was sampled in any run; undefined if nothing was. Of folded runs, counts are "at least". */
  resources(): Resources | undefined {
    const { runs, folded } = this.history()
    const all = folded === undefined ? runs : [folded, ...runs]
    return resourcesOf(all.map(({ resources }) => resources))
  }

  /** By (ABI, number). */
  syscalls(lineage: Lineage): readonly SyscallItem[] {
    return this.behaviour(lineage).syscalls
  }

  /** By (ABI, number, value). */
  arguments(lineage: Lineage): readonly ArgumentItem[] {
    return this.behaviour(lineage).arguments
  }

  /**
   * The values of the call's argument, packed and ascending. Undefined if they are not known, all of them: the call has no
   * learned argument or was not made, there were too many values or one that the sensor does not tell apart, or in some run
   * not every call's argument was seen.
   */
  argumentValues(lineage: Lineage, abi: Abi, nr: number): readonly number[] | undefined {
    if (argumentCallOf(abi, nr) === undefined) return undefined
    return knownValues(this.behaviour(lineage), this.behavioursOf(lineage), abi, nr)
  }

  /** By (path, exe). */
  execs(lineage: Lineage): readonly ExecItem[] {
    return this.behaviour(lineage).execs
  }

  /** By (protocol, address, port, source). */
  connections(lineage: Lineage): readonly EndpointItem[] {
    return this.behaviour(lineage).connections
  }

  /** By (protocol, address, port, source). */
  listeners(lineage: Lineage): readonly EndpointItem[] {
    return this.behaviour(lineage).listeners
  }

  /** By number. */
  capabilities(lineage: Lineage): readonly CapabilityItem[] {
    return this.behaviour(lineage).capabilities
  }

  /** By opcode. */
  uringOps(lineage: Lineage): readonly UringItem[] {
    return this.behaviour(lineage).uringOps
  }

  /** Calls that a filter refused, by (ABI, number), also those that were made at other times. */
  denied(lineage: Lineage): readonly SyscallItem[] {
    return this.behaviour(lineage).denied
  }

  /** What people decided. */
  get decisions(): DecisionsSnapshot {
    return this.#decisions
  }

  /** Takes a person's word on an item, unless there is a later one. Throws `DECISIONS_FULL`. */
  setVerdict(verdict: Verdict): void {
    this.#decisions = withVerdict(this.#decisions, verdict)
  }

  /** Takes the seal, unless there is a later one. Throws `DECISIONS_FULL`. */
  setSeal(seal: Seal): void {
    this.#decisions = withSeal(this.#decisions, seal)
  }

  /** Everything, as plain values that later learning does not change. */
  snapshot(): BaselineSnapshot {
    const { image, revision, decisions } = this
    return { image, revision, decisions, ...this.history() }
  }
}
