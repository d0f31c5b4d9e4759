/**
 * How well plimsoll sees and keeps, for all readers: looked at when something may have changed, at most once a tick, and
 * numbered, so that each reader can tell whether it was told the latest. A slow reader is told the latest only.
 */
import type { plimsoll } from '../../gen/plimsoll.js'
import type { JournalState } from '../journal/journal.js'
import type { MonitorSource } from './monitor-source.js'

type CollectorState = plimsoll.v1.CollectorState.$Properties

export class CollectorFeed {
  readonly #source: MonitorSource
  readonly #journalState: () => JournalState
  #state: CollectorState
  #text: string
  #version = 1
  #mayHaveChanged = false
  #wasLookedAt = false

  constructor(source: MonitorSource, journalState: () => JournalState) {
    this.#source = source
    this.#journalState = journalState
    this.#state = this.#look()
    this.#text = comparable(this.#state)
  }

  /** Goes up whenever there is something to tell. */
  get version(): number {
    return this.#version
  }

  /** As it was last looked at. */
  get state(): CollectorState {
    return this.#state
  }

  /** It may have changed: looked at right away for the first time in a tick, or else with the next tick. */
  told(): void {
    if (this.#wasLookedAt) this.#mayHaveChanged = true
    else this.refresh()
  }

  /** The journal said something: only its problem is looked for, since events are told of all the time. */
  journalTold(): void {
    if ((this.#journalState().problem ?? '') !== this.#state.journalProblem) this.refresh()
  }

  /** Looks at it if that was put off. */
  tick(): void {
    // What waits and what is lost changes all the time while the journal cannot be written.
    if (this.#mayHaveChanged || this.#state.journalWritable === false) this.refresh()
    this.#wasLookedAt = false
  }

  refresh(): void {
    this.#mayHaveChanged = false
    this.#wasLookedAt = true
    this.#state = this.#look()
    const text = comparable(this.#state)
    if (text === this.#text) return
    this.#text = text
    this.#version++
  }

  #look(): CollectorState {
    const { problem, pending, lost } = this.#journalState()
    const facts = this.#source.collectorState()
    return {
      sensorAttached: facts.sensorAttached,
      sensorProblem: facts.sensorProblem,
      journalWritable: problem === undefined,
      journalProblem: problem ?? '',
      journalPending: pending,
      journalLost: lost,
      containersWatched: facts.containersWatched,
      imagesHeld: facts.imagesHeld,
      losses: [...facts.losses],
    }
  }
}

/** Events that wait for a moment are no change. */
function comparable(state: CollectorState): string {
  return JSON.stringify(state.journalWritable === true ? { ...state, journalPending: 0 } : state)
}
