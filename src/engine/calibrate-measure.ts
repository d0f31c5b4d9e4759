/**
 * Measures the floor of one runtime: rounds until nothing new appears.
 *
 * The first round runs under a filter that refuses nothing, and tells what the runtime tries. The others run under one that
 * refuses what no floor has, as a profile does: what the runtime falls back on then is part of its floor.
 */
import { failure } from '../errors.js'
import { NEVER_IN_FLOOR } from '../seccomp/call-groups.js'
import { EPERM, type SyscallRule } from '../seccomp/profile.js'
import type { Workshop } from '../workload/bundle-container.js'
import { RuntimeError } from '../workload/oci-runtime.js'
import { CalibrationContainers } from './calibrate-containers.js'
import { Round, type Tally, tallyOf } from './calibrate-rounds.js'
import type { CalibrationSensor } from './calibrate-sensor.js'
import { CLOCK } from './host.js'

/** So many rounds in a row have to bring nothing new. */
export const QUIET_ROUNDS = 5
/** After so many it ends, quiet or not. */
const MAX_ROUNDS = 60
/** So many in a row that do not count mean that none will. */
const MAX_SPOILED = 3
/** The sensor prints its maps every two seconds; one that is being restarted may need a while. */
const SETTLE_MS = 60_000

/** Round after round does not count. */
export class Unmeasurable extends Error {
  override readonly name = 'Unmeasurable'
}

/** A filter as the runtimes take it; only the rules matter here. */
export interface Filter {
  readonly syscalls: readonly SyscallRule[]
}

export type FilteredWorkshop = Workshop & { readonly seccomp: Filter }

export interface MeasurementOptions {
  readonly runtime: string
  /** With the filter for learning. */
  readonly workshop: FilteredWorkshop
  readonly sensor: CalibrationSensor
  readonly stop: AbortSignal
  /** Told after each round what is known so far; that lags behind by the rounds whose facts are not in yet. */
  readonly progress: (round: number, tally: Tally) => void
}

export class Measurement {
  readonly #options: MeasurementOptions
  /** Those under the filter that refuses nothing, and the others. */
  readonly #openRounds: Round[] = []
  readonly #rounds: Round[] = []

  constructor(options: MeasurementOptions) {
    this.#options = options
    options.sensor.onMissed((what, sinceMs) => {
      for (const round of [...this.#openRounds, ...this.#rounds]) round.missed(what, sinceMs)
    })
  }

  /**
   * What all rounds came to. Throws `RuntimeError` if the runtime cannot start containers, `Unmeasurable`, and
   * `CALIBRATION_FAILED` if it is stopped.
   */
  async run(): Promise<Tally> {
    const { workshop } = this.#options
    const syscalls = [...workshop.seccomp.syscalls, REFUSAL]
    const refusing = { ...workshop, seccomp: { ...workshop.seccomp, syscalls } }
    await inContainers(workshop, (containers) => this.#round(this.#openRounds, containers))
    const tally = await inContainers(refusing, (containers) => this.#untilQuiet(containers))
    // Its facts are in by now; if it does not count, another one has to.
    while (this.#tally(this.#openRounds).rounds === 0) {
      await inContainers(workshop, (containers) => this.#round(this.#openRounds, containers))
      await this.#settled(this.#openRounds)
    }
    const { tried } = this.#tally(this.#openRounds)
    return { ...tally, tried: [...new Set([...tried, ...tally.tried])].toSorted() }
  }

  async #untilQuiet(containers: CalibrationContainers): Promise<Tally> {
    for (;;) {
      await this.#round(this.#rounds, containers)
      const soFar = this.#tally(this.#rounds)
      this.#options.progress(this.#rounds.length, soFar)
      const isLast = this.#rounds.length >= MAX_ROUNDS
      if (!isLast && soFar.quiet < QUIET_ROUNDS) continue
      // What is still on its way may bring something new.
      await this.#settled(this.#rounds)
      const whole = this.#tally(this.#rounds)
      if (whole.quiet >= QUIET_ROUNDS || (isLast && whole.rounds > 0)) return whole
    }
  }

  async #round(rounds: Round[], containers: CalibrationContainers): Promise<void> {
    const { runtime, sensor, stop } = this.#options
    if (stop.aborted) {
      const remedy = 'Nothing was changed; run it again.'
      throw failure('CALIBRATION_FAILED', { runtime, problem: 'it was stopped', remedy })
    }
    const round = new Round()
    rounds.push(round)
    try {
      await containers.round((watched) => {
        sensor.watch(watched.cgroupId)
        round.watched(watched)
      })
    } catch (thrown) {
      if (!(thrown instanceof RuntimeError)) throw thrown
      round.spoil(thrown.message)
    }
    round.ended(CLOCK.nowMs(), sensor.prints)
  }

  /** Of those whose facts are in. */
  #tally(rounds: readonly Round[]): Tally {
    const { sensor } = this.#options
    const settled = rounds.filter((round) => round.isSettled(sensor.prints))
    const tally = tallyOf(settled, (cgroupId) => sensor.callsIn(cgroupId))
    if (tally.spoiledInARow >= MAX_SPOILED) {
      const why = tally.spoiled.at(-1) ?? ''
      throw new Unmeasurable(`${tally.spoiledInARow} rounds in a row do not count: ${why}`)
    }
    return tally
  }

  /** Waits until the facts of all of them are in. */
  async #settled(rounds: readonly Round[]): Promise<void> {
    const { sensor } = this.#options
    const untilMs = CLOCK.nowMs() + SETTLE_MS
    while (!rounds.every((round) => round.isSettled(sensor.prints))) {
      if (CLOCK.nowMs() > untilMs) throw new Unmeasurable('the sensor went silent')
      await sensor.printed()
    }
  }
}

async function inContainers<T>(
  workshop: Workshop,
  use: (containers: CalibrationContainers) => Promise<T>,
): Promise<T> {
  const containers = await CalibrationContainers.open(workshop)
  try {
    return await use(containers)
  } finally {
    await containers.close()
  }
}

const REFUSAL: SyscallRule = {
  names: [...NEVER_IN_FLOOR].toSorted(),
  action: 'SCMP_ACT_ERRNO',
  errnoRet: EPERM,
}
