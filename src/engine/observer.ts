/**
 * A live session: the sensor, the session it feeds and whoever answers the session's questions, started and stopped in
 * order. What is to be learned is the caller's business.
 */
import { failure } from '../errors.js'
import { Sensor } from '../sensor/supervisor.js'
import { versionOf } from '../sensor/dialect.js'
import { scanCgroups } from '../workload/cgroup-scan.js'
import { Answers } from './answers.js'
import { Feed } from './feed.js'
import { bpftracePath, CLOCK, hostResolver, sensorProgram } from './host.js'
import type { SessionFacts } from './input.js'
import { LearningSession, type SessionEvents } from './session.js'
import type { TraceWriter } from './trace-file.js'

export interface ObserverOptions {
  readonly env: NodeJS.ProcessEnv
  readonly facts: SessionFacts
  /** cgroup2 mount point. */
  readonly mount: string
  /** The one cgroup to watch; undefined for all containers. */
  readonly cgroupId: number | undefined
  readonly trace: TraceWriter | undefined
  readonly events: Partial<SessionEvents>
}

/** bpftrace compiles for some seconds on a busy machine; longer means that it hangs. */
const ATTACH_MS = 90_000
/** Runtimes answer within ten seconds or not at all (see `ContainerResolver`). */
const ANSWERS_MS = 12_000

export class Observer {
  readonly session: LearningSession
  readonly feed: Feed
  readonly #options: ObserverOptions
  readonly #answers: Answers
  #sensor: Sensor | undefined
  #onReady: (() => void) | undefined
  #onFailed: ((reason: string) => void) | undefined

  constructor(options: ObserverOptions) {
    this.#options = options
    this.session = new LearningSession({
      ...options.events,
      ready: (atMs) => {
        this.#onReady?.()
        options.events.ready?.(atMs)
      },
    })
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
    const { env, facts, cgroupId } = this.#options
    const version = versionOf(facts.bpftrace)
    if (version === undefined) throw failure('SENSOR_FAILED', { problem: facts.bpftrace })
    // What ran before is told from what starts now: its cgroups are in the first scan.
    await this.#answers.settled(ANSWERS_MS)
    const attached = new Promise<void>((resolve, reject) => {
      this.#onReady = resolve
      stop.addEventListener('abort', () => resolve(), { once: true })
      if (stop.aborted) resolve()
      this.#onFailed = (problem) => reject(failure('SENSOR_FAILED', { problem }))
    })
    this.#sensor = new Sensor({
      bpftrace: bpftracePath(env),
      version,
      program: await sensorProgram(version),
      parameters: [String(cgroupId ?? 0), '0'],
      nowMs: () => CLOCK.nowMs(),
      listener: {
        started: () => this.feed.give({ kind: 'sensor-started' }),
        bytes: (bytes) => this.feed.give({ kind: 'sensor-bytes', bytes }),
        ended: (_atMs, { expected, reason, code, signal }) => {
          const why = reason || `ended with ${signal ?? `status ${code ?? 'unknown'}`}`
          this.feed.give({ kind: 'sensor-ended', expected, reason: why })
          if (!this.session.isReady) this.#onFailed?.(why)
        },
      },
    })
    this.#sensor.start()
    const timer = setTimeout(
      () => this.#onFailed?.(`no probe attached within ${ATTACH_MS / 1000} s`),
      ATTACH_MS,
    )
    try {
      await attached
    } catch (thrown) {
      await this.#sensor.stop()
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  /** Stops the sensor, waits for its last maps and for answers that are under way, and ends the session. Idempotent. */
  async detach(): Promise<void> {
    await this.#sensor?.stop()
    await this.#answers.settled(ANSWERS_MS)
    this.feed.give({ kind: 'end' })
  }
}
