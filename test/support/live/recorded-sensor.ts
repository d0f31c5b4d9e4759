/** A sensor of its own for a test that looks at what is decoded, before any session makes something of it. */
import type { Test } from 'tap'
import { attachSensor, type SensorFact } from '../../../src/engine/attach.js'
import { hostVersions } from '../../../src/engine/host.js'
import type { Abi, Observation, ObservationSink } from '../../../src/observation.js'
import { Decoder } from '../../../src/sensor/decoder.js'
import type { ProbeName } from '../../../src/sensor/program.js'

/** What the map of arguments told. */
export interface ToldArgument {
  readonly cgroupId: number
  readonly abi: Abi
  readonly nr: number
  readonly value: number
  readonly count: number
}

/** All that was told, and what went wrong. */
export class RecordedSensor implements ObservationSink {
  readonly observations: Observation[] = []
  readonly arguments: ToldArgument[] = []
  readonly full: string[] = []
  #decoder: Decoder | undefined
  #onReady = (): void => undefined

  syscall(): void {
    // Calls have tests of their own.
  }

  argument(
    cgroupId: number,
    _lineage: string,
    _tag: number,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
  ): void {
    this.arguments.push({ cgroupId, abi, nr, value, count })
  }

  observe(observation: Observation): void {
    this.observations.push(observation)
  }

  /**
   * Attaches those probes, to the whole host or to one cgroup; the sensor is stopped with the test, or by the function that
   * is returned.
   */
  async attach(
    t: Test,
    probes: readonly ProbeName[],
    cgroupId?: number,
  ): Promise<() => Promise<void>> {
    const env = process.env
    const stop = new AbortController()
    const ready = new Promise<void>((resolve) => (this.#onReady = resolve))
    const sensor = await attachSensor({
      env,
      bpftrace: (await hostVersions(env)).bpftrace,
      probes,
      cgroupId,
      give: (fact) => this.#take(fact),
      ready,
      stop: stop.signal,
    })
    t.teardown(() => sensor.stop())
    return () => sensor.stop()
  }

  /** Once the sensor has ended: lost records that were no hints, unreadable ones, and maps that were full. */
  troubles(): readonly string[] {
    const { accounting, malformed } = this.#decoder ?? {}
    const losses = [...(accounting?.losses(true) ?? []), ...(accounting?.refusals() ?? [])]
    return [
      ...losses.filter(({ isHint }) => !isHint).map(({ what, count }) => `${what} ${count}`),
      ...(malformed === 0 ? [] : [`malformed ${malformed}`]),
      ...this.full,
    ]
  }

  /** The cgroup in which a program of that comm was executed as the main one. */
  cgroupOf(comm: string): number {
    for (const o of this.observations) {
      if (o.kind === 'exec' && o.lineage === 'main' && o.comm === comm) return o.cgroupId
    }
    throw new Error(`no exec of ${comm} was told`)
  }

  /** What was told of that kind about the cgroup of that program. */
  of<Kind extends Observation['kind']>(
    comm: string,
    kind: Kind,
  ): readonly (Observation & { readonly kind: Kind })[] {
    const cgroupId = this.cgroupOf(comm)
    return this.observations.filter(
      (o): o is Observation & { readonly kind: Kind } => o.kind === kind && o.cgroupId === cgroupId,
    )
  }

  #take(fact: SensorFact): void {
    if (fact.kind === 'sensor-started') {
      this.#decoder = new Decoder(this, {
        ready: () => this.#onReady(),
        printed: () => undefined,
        mapFull: (what) => void this.full.push(`${what} full`),
      })
    } else if (fact.kind === 'sensor-bytes') this.#decoder?.push(fact.bytes, Date.now())
    else this.#decoder?.end()
  }
}
