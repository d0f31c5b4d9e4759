/**
 * The host-wide sensor, boiled down to one question: which calls did a runtime make under its own filter in these
 * cgroups? That is lineage `runtime` in the kernel's maps (see probes/syscalls.bt). All else that happens on the host
 * passes by; what is lost on the way is told, because it may have been ours.
 */
import { syscallLabel } from '../kernel/syscalls.js'
import type { Abi, Incompleteness, Lineage, ObservationSink } from '../observation.js'
import { Decoder } from '../sensor/decoder.js'
import { LEARNING_PROBES } from '../sensor/program.js'
import type { Sensor } from '../sensor/supervisor.js'
import { attachSensor } from './attach.js'
import type { Calls } from './calibrate-rounds.js'
import { CLOCK } from './host.js'
import { LossWatch } from './loss-watch.js'

export interface CalibrationSensorOptions {
  readonly env: NodeJS.ProcessEnv
  /** What `bpftrace --version` says. */
  readonly bpftrace: string
}

export class CalibrationSensor implements ObservationSink {
  readonly #options: CalibrationSensorOptions
  readonly #calls = new Map<number, Map<string, number>>()
  readonly #waiting = new Set<() => void>()
  #missed: (what: string, sinceMs: number) => void = () => undefined
  #sensor: Sensor | undefined
  #decoder: Decoder | undefined
  #losses: LossWatch | undefined
  #prints = 0
  #printedMs = 0

  constructor(options: CalibrationSensorOptions) {
    this.#options = options
  }

  /** `listener` is told when something was missed of what happened after `sinceMs` (wall clock); it replaces the last one. */
  onMissed(listener: (what: string, sinceMs: number) => void): void {
    this.#missed = listener
  }

  /** Keeps what happens in that cgroup from now on. */
  watch(cgroupId: number): void {
    this.#calls.set(cgroupId, new Map())
  }

  /** What is known of that cgroup; all of it once `settled` has come after its last process has ended. */
  callsIn(cgroupId: number): Calls {
    return this.#calls.get(cgroupId) ?? new Map<string, number>()
  }

  /** How often the maps were printed. */
  get prints(): number {
    return this.#prints
  }

  /** Resolves with the next print of the maps, or when the sensor ends. */
  async printed(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /** Starts the sensor and waits until every probe is attached. Throws `SENSOR_FAILED`. */
  async attach(): Promise<void> {
    let onReady: (() => void) | undefined
    const ready = new Promise<void>((resolve) => (onReady = resolve))
    this.#sensor = await attachSensor({
      ...this.#options,
      probes: LEARNING_PROBES,
      cgroupId: undefined,
      give: (fact) => {
        if (fact.kind === 'sensor-started') this.#started(() => onReady?.())
        else if (fact.kind === 'sensor-bytes') this.#decoder?.push(fact.bytes, CLOCK.nowMs())
        else this.#ended(fact.expected)
      },
      ready,
      stop: new AbortController().signal,
    })
  }

  /** Stops the sensor; its last maps and losses are in when this resolves. Idempotent. */
  async detach(): Promise<void> {
    await this.#sensor?.stop()
  }

  syscall(
    cgroupId: number,
    lineage: Lineage,
    _tag: number,
    abi: Abi,
    nr: number,
    count: number,
  ): void {
    const calls = this.#calls.get(cgroupId)
    if (calls === undefined || lineage !== 'runtime') return
    const label = syscallLabel(abi, nr)
    calls.set(label, (calls.get(label) ?? 0) + count)
  }

  observe(): void {
    // Programs and addresses are none of a floor.
  }

  argument(): void {
    // Nor are arguments.
  }

  #started(ready: () => void): void {
    const decoder = new Decoder(this, {
      ready: (atMs) => {
        // What a new sensor did not see began before it was attached.
        if (this.#printedMs > 0) this.#missed('the sensor was down', this.#printedMs)
        this.#printedMs = atMs
        ready()
      },
      printed: () => {
        this.#losses?.report(CLOCK.nowMs(), false)
        this.#printedMs = CLOCK.nowMs()
        this.#prints++
        this.#wake()
      },
      mapFull: (what) => this.#losses?.mapFull(what),
    })
    this.#decoder = decoder
    this.#losses = new LossWatch(decoder, CLOCK.nowMs(), (missed, sinceMs) =>
      this.#missed(textOf(missed), sinceMs),
    )
  }

  #ended(expected: boolean): void {
    this.#decoder?.end()
    this.#losses?.report(CLOCK.nowMs(), true)
    if (!expected && this.#printedMs > 0) {
      this.#missed('the sensor ended', this.#printedMs)
    }
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}

function textOf({ reason, detail }: Incompleteness): string {
  return detail === undefined ? reason : `${reason} (${detail})`
}
