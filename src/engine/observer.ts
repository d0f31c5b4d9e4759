/**
 * A live session: the sensor, the session it feeds and whoever answers the session's questions, started and stopped in
 * order. What is to be learned is the caller's business.
 */
import type { ProbeName } from '../sensor/program.js'
import type { Sensor } from '../sensor/supervisor.js'
import { scanCgroups } from '../workload/cgroup-scan.js'
import { Answers } from './answers.js'
import { attachSensor } from './attach.js'
import { controllerMounts } from '../workload/resources.js'
import { Feed } from './feed.js'
import { CLOCK, hostResolver } from './host.js'
import type { SessionFacts } from './input.js'
import { ResourceSampler } from './resource-sampler.js'
import { LearningSession } from './session.js'
import type { SessionEvents, SessionOptions } from './session-events.js'
import type { TraceWriter } from './trace-file.js'

export interface ObserverOptions {
  readonly env: NodeJS.ProcessEnv
  readonly facts: SessionFacts
  /** cgroup2 mount point. */
  readonly mount: string
  /** The one cgroup to watch; undefined for all containers. */
  readonly cgroupId: number | undefined
  readonly probes: readonly ProbeName[]
  readonly trace: TraceWriter | undefined
  readonly events: Partial<SessionEvents>
  readonly session: SessionOptions
  /** See `FeedOptions`. */
  readonly judgedIn?: (seconds: number) => void
}

/** Runtimes answer within ten seconds or not at all (see `ContainerResolver`). */
const ANSWERS_MS = 12_000

export class Observer {
  readonly session: LearningSession
  readonly feed: Feed
  readonly #options: ObserverOptions
  readonly #answers: Answers
  readonly #ready: Promise<void>
  #sensor: Sensor | undefined
  #sampler: ResourceSampler | undefined

  constructor(options: ObserverOptions) {
    this.#options = options
    let onReady = (): void => undefined
    this.#ready = new Promise((resolve) => {
      onReady = resolve
    })
    const ready = (atMs: number): void => {
      onReady()
      options.events.ready?.(atMs)
    }
    this.session = new LearningSession({ ...options.events, ready }, options.session)
    const resolver = hostResolver(options.env)
    this.#answers = new Answers({
      resolver,
      scan: () => scanCgroups(options.mount),
      give: (fact) => this.feed.give(fact),
    })
    this.feed = new Feed({
      session: this.session,
      trace: options.trace,
      nowMs: () => CLOCK.nowMs(),
      ...(options.judgedIn === undefined ? {} : { judgedIn: options.judgedIn }),
      onRequest: (request) => {
        // A command's cgroup is all that its sensor watches.
        if (options.cgroupId === undefined) this.#answers.request(request)
      },
    })
    this.feed.give({ kind: 'session', facts: options.facts })
    if (options.cgroupId === undefined) this.#answers.scan()
  }

  /**
   * Starts the sensor and waits until every probe is attached, or until `stop`. Throws `SENSOR_FAILED` if bpftrace ends
   * before that; later ends are gaps, not failures.
   */
  async attach(stop: AbortSignal): Promise<void> {
    const { env, facts, cgroupId, probes } = this.#options
    // What ran before is told from what starts now: its cgroups are in the first scan.
    await this.#answers.settled(ANSWERS_MS)
    this.#sensor = await attachSensor({
      env,
      bpftrace: facts.bpftrace,
      probes,
      cgroupId,
      give: (fact) => this.feed.give(fact),
      ready: this.#ready,
      stop,
    })
    if (cgroupId === undefined && !stop.aborted) await this.#sample()
  }

  /** Stops the sensor, waits for its last maps and for answers that are under way, and ends the session. Idempotent. */
  async detach(): Promise<void> {
    await this.#sampler?.stop()
    await this.#sensor?.stop()
    await this.#answers.settled(ANSWERS_MS)
    this.feed.give({ kind: 'end' })
  }

  /** From now on, what containers take of the host is told from time to time. */
  async #sample(): Promise<void> {
    const sampler = new ResourceSampler({
      mounts: await controllerMounts(this.#options.mount),
      cgroups: () => this.session.cgroups(),
      give: (fact) => this.feed.give(fact),
      nowMs: () => CLOCK.nowMs(),
    })
    this.#sampler = sampler
    sampler.start()
  }
}
