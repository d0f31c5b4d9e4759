/** Refused calls added up: those of one cgroup, and of the several that one container may have. Pure, bounded. */
import type { ByteString } from '../bytes.js'
import { type Abi, ABIS, type Lineage, LINEAGES } from '../observation.js'

/** One kind of refused call. */
export interface DeniedKind {
  readonly lineage: Lineage
  readonly abi: Abi
  readonly nr: number
  /** See `kernel/denial-answer`. */
  readonly answer: number
}

/** Calls of one kind that were refused with one answer. */
export interface DeniedCall extends DeniedKind {
  readonly count: number
  /** Who made them, as far as it was seen: sorted, at most eight. */
  readonly programs: readonly ByteString[]
}

/** What is known of one container, or of one cgroup. */
export interface Denials {
  /** The entrypoint was executed. */
  readonly hasStarted: boolean
  /** Threads that were seen under a filter; 0 means that none was in force. */
  readonly filteredThreads: number
  /** Calls of which only the enter or only the exit was seen, or that found no room: denials may be missing, or be none. */
  readonly unpaired: number
  /** In the order of lineage, ABI, number and answer. */
  readonly denied: readonly DeniedCall[]
}

const PROGRAMS_PER_CALL = 8

/** Kinds per cgroup: a program with a filter of its own can have any call refused with any errno. */
const KIND_LIMIT = 4096

interface Tally {
  readonly kind: DeniedKind
  count: number
  readonly programs: Set<ByteString>
}

export class DenialTally {
  hasStarted = false
  filteredThreads = 0
  unpaired = 0
  readonly #calls = new Map<string, Tally>()

  /** `count` further calls of that kind. */
  count(kind: DeniedKind, count: number): void {
    const tally = this.#of(kind)
    if (tally === undefined) this.unpaired += count
    else tally.count += count
  }

  /** That program made calls of that kind. */
  name(kind: DeniedKind, program: ByteString): void {
    const programs = this.#of(kind)?.programs
    if (programs !== undefined && programs.size < PROGRAMS_PER_CALL) programs.add(program)
  }

  /** Adds all of `other` to this. */
  add(other: DenialTally): void {
    this.hasStarted ||= other.hasStarted
    this.filteredThreads += other.filteredThreads
    this.unpaired += other.unpaired
    for (const { kind, count, programs } of other.#calls.values()) {
      this.count(kind, count)
      for (const program of programs) this.name(kind, program)
    }
  }

  /** A copy of what is known now. */
  snapshot(): Denials {
    return {
      hasStarted: this.hasStarted,
      filteredThreads: this.filteredThreads,
      unpaired: this.unpaired,
      denied: [...this.#calls.values()]
        .filter(({ count }) => count > 0)
        .map(({ kind, count, programs }) => ({
          ...kind,
          count,
          programs: [...programs].toSorted(),
        }))
        .toSorted(byKind),
    }
  }

  #of({ lineage, abi, nr, answer }: DeniedKind): Tally | undefined {
    const key = `${lineage} ${abi} ${nr} ${answer}`
    const known = this.#calls.get(key)
    if (known !== undefined || this.#calls.size >= KIND_LIMIT) return known
    const tally = { kind: { lineage, abi, nr, answer }, count: 0, programs: new Set<ByteString>() }
    this.#calls.set(key, tally)
    return tally
  }
}

/** The order of lineage, ABI, number and answer. */
export function byKind(a: DeniedKind, b: DeniedKind): number {
  return (
    LINEAGES.indexOf(a.lineage) - LINEAGES.indexOf(b.lineage) ||
    ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) ||
    a.nr - b.nr ||
    a.answer - b.answer
  )
}
