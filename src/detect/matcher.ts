/**
 * The hot path of detection: whether what a cgroup's container did is what its image is allowed to do, and if not, whether
 * that was so before. Pure; what an outcome means, and who is told, is the caller's business.
 *
 *   cgroup id -> slot of the container -> slot of the image -> bit, pair, or interned key
 *
 * O(1) whatever the number of containers. Finding an observation allowed or counting it again allocates nothing; the former
 * takes 6 to 9 ns (`make bench`). An image costs 1.1 KB and its pairs (see `image-columns`), a container 160 bytes (see
 * `tally`) and a Set of its cgroups, a cgroup 0.1 to 0.2 KB, and what is not allowed some 50 bytes and its key.
 *
 * Codes of kinds, lineages and ABIs are those of `fact-code`. `count` is how often, 0 for a hint.
 */
import type { CgroupTable } from './cgroup-table.js'
import { abiOfCall, callCode, highOf, KIND_CODE } from './fact-code.js'
import { type ContainerHandle, type Handles, NO_SLOT } from './handles.js'
import type { ImageColumns } from './image-columns.js'
import { type Interner, NO_ID } from './interner.js'
import { OUTCOME, type Outcome } from './outcome.js'
import type { Permits, Roster } from './roster.js'
import type { Tally, TallySerial } from './tally.js'

const NO_ENTRY = -1
/** Constants of this module are part of the compiled code; those of others are loaded at each use, a tenth of the time. */
const { KNOWN, UNTRACKED } = OUTCOME

export class Matcher {
  readonly #cgroups: CgroupTable
  readonly #containers: Handles<ContainerHandle>
  readonly #images: ImageColumns
  readonly #tally: Tally
  readonly #interner: Interner
  readonly #permits: Permits
  #entry = NO_ENTRY

  constructor(roster: Roster) {
    this.#cgroups = roster.tracked.cgroups
    this.#containers = roster.tracked.containers
    this.#images = roster.images
    this.#tally = roster.tally
    this.#interner = roster.interner
    this.#permits = roster.permits
  }

  /** What the last observation was counted as, if the outcome was `NEW`, `NEW_ABI` or `REPEAT`. */
  get counted(): TallySerial | undefined {
    return this.#entry === NO_ENTRY ? undefined : this.#tally.serialOf(this.#entry)
  }

  /** How often that was observed, this time included; 0 if only hints told of it. */
  get countedTimes(): number {
    return this.#entry === NO_ENTRY ? 0 : this.#tally.countOf(this.#entry)
  }

  /** The kind as which it was counted: a call may be part of its ABI. -1 where nothing was counted. */
  get countedKind(): number {
    return this.#entry === NO_ENTRY ? NO_ENTRY : this.#tally.kindOf(this.#entry)
  }

  /** What was remarked of it: 0 of what is new. */
  get mark(): number {
    return this.#entry === NO_ENTRY ? 0 : this.#tally.markOf(this.#entry)
  }

  /** Remarks something of what the last observation was counted as; one byte. */
  remark(mark: number): void {
    if (this.#entry !== NO_ENTRY) this.#tally.mark(this.#entry, mark)
  }

  /** A system call. */
  syscall(cgroupId: number, lineage: number, abi: number, nr: number, count: number): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const call = callCode(abi, nr)
    if (this.#images.allowsCall(this.#cgroups.imageAt(place), call)) return KNOWN
    return this.#call(place, KIND_CODE.syscall, lineage, call, 0, count)
  }

  /** `value` is packed, see `kernel/arguments`. */
  argument(
    cgroupId: number,
    lineage: number,
    abi: number,
    nr: number,
    value: number,
    count: number,
  ): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const call = callCode(abi, nr)
    const image = this.#cgroups.imageAt(place)
    if (this.#images.allowsArgument(image, call, value)) return KNOWN
    return this.#call(place, KIND_CODE.argument, lineage, call, value, count)
  }

  /** A filter refused the call with that answer, see `kernel/denial-answer`. */
  denial(
    cgroupId: number,
    lineage: number,
    abi: number,
    nr: number,
    answer: number,
    count: number,
  ): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const call = callCode(abi, nr)
    const image = this.#cgroups.imageAt(place)
    if (this.#images.allowsDenial(image, call, answer)) return KNOWN
    return this.#judged(place, KIND_CODE.denied, lineage, call, answer, count)
  }

  capability(cgroupId: number, lineage: number, capability: number, count: number): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const image = this.#cgroups.imageAt(place)
    if (this.#images.allowsCapability(image, capability)) return KNOWN
    return this.#judged(place, KIND_CODE.capability, lineage, 0, capability, count)
  }

  /** An operation of io_uring. */
  uring(cgroupId: number, lineage: number, opcode: number, count: number): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const image = this.#cgroups.imageAt(place)
    if (this.#images.allowsOpcode(image, opcode)) return KNOWN
    return this.#judged(place, KIND_CODE.io_uring, lineage, 0, opcode, count)
  }

  /** A program that was run, an address that was connected to or listened on: one of `NAMED_KINDS`, by a key that names it. */
  key(cgroupId: number, lineage: number, kind: number, key: string, count: number): Outcome {
    const place = this.#cgroups.placeOf(cgroupId)
    if (place < 0) return UNTRACKED
    const image = this.#cgroups.imageAt(place)
    const id = this.#interner.idOf(key)
    if (id !== NO_ID && this.#images.allowsKey(image, kind, id)) return KNOWN
    if (!this.#images.isJudged(image, kind)) return OUTCOME.UNJUDGED
    const container = this.#cgroups.containerAt(place)
    if (id !== NO_ID) {
      const entry = this.#tally.find(container, highOf(kind, lineage, 0), id)
      if (entry >= 0) return this.#repeat(entry, count)
    }
    const handle = this.#containers.handleOf(container)
    if (this.#permits.allowsKey(handle, lineage, kind, key)) return KNOWN
    if (!this.#tally.hasRoom(container, kind)) return this.#overflow(container, kind, count)
    const held = this.#interner.hold(key)
    this.#entry = this.#tally.add(container, highOf(kind, lineage, 0), held, count)
    return OUTCOME.NEW
  }

  /** What no image allows: a loss of sight, a resource beyond its bounds; `code` tells it from others of its kind. */
  trouble(container: ContainerHandle, kind: number, code: number, count: number): Outcome {
    const slot = this.#containers.slotOf(container)
    return slot === NO_SLOT ? UNTRACKED : this.#count(slot, kind, 0, 0, code, count)
  }

  /** A call that is not allowed, or its argument: part of its ABI's anomaly if the image does not use that. */
  #call(
    place: number,
    kind: number,
    lineage: number,
    call: number,
    low: number,
    count: number,
  ): Outcome {
    const image = this.#cgroups.imageAt(place)
    const abi = abiOfCall(call)
    if (this.#images.usesAbi(image, abi) || !this.#images.isJudged(image, KIND_CODE.abi)) {
      return this.#judged(place, kind, lineage, call, low, count)
    }
    const container = this.#cgroups.containerAt(place)
    // An argument is reported beside its call, which counts already.
    const calls = kind === KIND_CODE.syscall ? count : 0
    const outcome = this.#count(container, KIND_CODE.abi, lineage, callCode(abi, 0), 0, calls)
    return outcome === OUTCOME.NEW ? OUTCOME.NEW_ABI : outcome
  }

  #judged(
    place: number,
    kind: number,
    lineage: number,
    call: number,
    low: number,
    count: number,
  ): Outcome {
    if (!this.#images.isJudged(this.#cgroups.imageAt(place), kind)) return OUTCOME.UNJUDGED
    return this.#count(this.#cgroups.containerAt(place), kind, lineage, call, low, count)
  }

  #count(
    container: number,
    kind: number,
    lineage: number,
    call: number,
    low: number,
    count: number,
  ): Outcome {
    const high = highOf(kind, lineage, call)
    const entry = this.#tally.find(container, high, low)
    if (entry >= 0) return this.#repeat(entry, count)
    if (!this.#tally.hasRoom(container, kind)) return this.#overflow(container, kind, count)
    this.#entry = this.#tally.add(container, high, low, count)
    return OUTCOME.NEW
  }

  #repeat(entry: number, count: number): Outcome {
    this.#tally.count(entry, count)
    this.#entry = entry
    return OUTCOME.REPEAT
  }

  #overflow(container: number, kind: number, count: number): Outcome {
    this.#entry = NO_ENTRY
    const isFirst = this.#tally.overflowed(container, kind, count)
    return isFirst ? OUTCOME.CAPPED : OUTCOME.CAPPED_REPEAT
  }
}
