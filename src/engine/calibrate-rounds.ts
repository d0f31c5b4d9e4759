/**
 * Rounds of a calibration: which cgroups each one measured what in, which rounds count, and what they add up to. Pure.
 *
 * Go's scheduler makes some calls only now and then, so one round is not enough: rounds go on until the last few have
 * brought nothing new. A round in which anything was missed, or in which a program's exec was not seen, does not count,
 * because nobody can say what else was not.
 */
import {
  MEASURES,
  measureKey,
  type Measure,
  type MeasuredFloor,
} from '../seccomp/floor-document.js'
import { NEVER_IN_FLOOR } from '../seccomp/call-groups.js'
import { isSyscallName } from '../kernel/syscalls.js'

/** How often a call was made, by its label (see `syscallLabel`). */
export type Calls = ReadonlyMap<string, number>

/** One cgroup of a round. */
export interface Watched {
  readonly cgroupId: number
  readonly measure: Measure
  /** How many programs the runtime executed there. */
  readonly programs: number
}

/** The maps are printed every two seconds, and what a print missed is known one print later. */
const SETTLING_PRINTS = 3

export class Round {
  readonly #watched: Watched[] = []
  #endedMs = Number.POSITIVE_INFINITY
  #endedPrints = Number.POSITIVE_INFINITY
  #problem = ''

  watched(watched: Watched): void {
    this.#watched.push(watched)
  }

  /** All of its processes have ended; the maps had been printed so often by then. */
  ended(atMs: number, prints: number): void {
    this.#endedMs = atMs
    this.#endedPrints = prints
  }

  /** It does not count, for that reason. The first one stays. */
  spoil(problem: string): void {
    this.#problem ||= problem
  }

  /** Something was missed of what happened after `sinceMs`. */
  missed(problem: string, sinceMs: number): void {
    if (this.#endedMs >= sinceMs) this.spoil(problem)
  }

  /** Everything about it is in, if the maps have been printed so often; or nothing more is wanted of it. */
  isSettled(prints: number): boolean {
    return this.#problem !== '' || prints >= this.#endedPrints + SETTLING_PRINTS
  }

  /** Why it does not count; empty where it does. To be asked when it is settled. */
  problem(callsIn: (cgroupId: number) => Calls): string {
    const unseen = this.#watched.some(
      ({ cgroupId, programs }) => (callsIn(cgroupId).get('execve') ?? 0) < programs,
    )
    return this.#problem || (unseen ? 'a program started unseen' : '')
  }

  /** The calls of each measure. */
  calls(callsIn: (cgroupId: number) => Calls): ReadonlyMap<string, ReadonlySet<string>> {
    const found = new Map(MEASURES.map((measure) => [measureKey(measure), new Set<string>()]))
    for (const { cgroupId, measure } of this.#watched) {
      const names = found.get(measureKey(measure))
      for (const name of callsIn(cgroupId).keys()) names?.add(name)
    }
    return found
  }
}

/** What rounds came to. */
export interface Tally {
  readonly floors: readonly MeasuredFloor[]
  /** Calls that may never be part of a floor, or that no table names; sorted. */
  readonly tried: readonly string[]
  /** Rounds that count. */
  readonly rounds: number
  /** So many of them in a row, up to the last, brought nothing new. */
  readonly quiet: number
  /** Why others do not count, one entry each. */
  readonly spoiled: readonly string[]
  /** So many in a row, up to the last, do not count. */
  readonly spoiledInARow: number
}

/** What these settled rounds came to, in the order in which they were made. */
export function tallyOf(rounds: readonly Round[], callsIn: (cgroupId: number) => Calls): Tally {
  const counts = new Map(
    MEASURES.map((measure) => [measureKey(measure), new Map<string, number>()]),
  )
  const tried = new Set<string>()
  const spoiled: string[] = []
  let used = 0
  let quiet = 0
  let spoiledInARow = 0
  for (const round of rounds) {
    const problem = round.problem(callsIn)
    if (problem !== '') {
      spoiled.push(problem)
      spoiledInARow++
      continue
    }
    used++
    quiet++
    spoiledInARow = 0
    for (const [key, names] of round.calls(callsIn)) {
      const counted = counts.get(key)
      for (const name of names) {
        if (!mayBeFloor(name)) {
          tried.add(name)
          continue
        }
        if (counted?.has(name) !== true) quiet = 0
        counted?.set(name, (counted.get(name) ?? 0) + 1)
      }
    }
  }
  const floors = MEASURES.map((measure) => {
    const counted = counts.get(measureKey(measure)) ?? new Map<string, number>()
    const names = [...counted].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return { ...measure, rounds: used, names: Object.fromEntries(names) }
  })
  return { floors, tried: [...tried].toSorted(), rounds: used, quiet, spoiled, spoiledInARow }
}

function mayBeFloor(name: string): boolean {
  return isSyscallName(name) && !NEVER_IN_FLOOR.has(name)
}
