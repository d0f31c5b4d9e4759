/**
 * What is around `enforce` for other programs: the journal, the gRPC server, sinks, metrics. Opened before anything is watched and
 * closed after everything was told:
 *
 *   open    journal, then sinks, then metrics
 *   serve   once enforcement can be asked: the server
 *   stop    server, metrics, what the journal can still write, sinks, journal
 *
 * Nothing here holds enforcement up: what cannot be written or delivered waits, bounded, and is said.
 */
import type { BaselineStore } from '../baseline/store.js'
import { failure, type PlimsollError } from '../errors.js'
import type { OperatorRecorder } from '../service/audit/recorder.js'
import { LevelJournal } from '../service/journal/level-journal.js'
import type { Retention } from '../service/journal/level-options.js'
import type { ServiceClock } from '../service/learning-source.js'
import type { ListenAddress } from '../service/listen-address.js'
import { SENSOR_STUCK_MS } from '../service/metrics/health.js'
import { type MetricsAddress, metricsAddressText } from '../service/metrics/metrics-address.js'
import { type MetricsServer, startMetrics } from '../service/metrics/metrics-server.js'
import { type RunningServer, startServer } from '../service/server.js'
import type { SinkSpec } from '../service/sinks/sink-spec.js'
import type { RunningSinks } from '../service/sinks/sinks.js'
import type { EnforceEvents } from './enforce.js'
import { heardEvents } from './enforce-heard.js'
import { EnforceMonitor } from './enforce-monitor.js'
import { enforceServices, type Services } from './enforce-services.js'
import { openSinks } from './enforce-sinks.js'
import type { EnforcementControl } from './enforcement-control.js'
import { CLOCK } from './host.js'
import { Journaled } from './journaled.js'
import { journalDirectory } from './kept-anomalies.js'
import { LiveLearning } from './live-learning.js'
import type { Log } from './log.js'
import type { SessionEvents } from './session-events.js'

export interface EnforceServiceOptions {
  readonly stateDirectory: string
  readonly store: BaselineStore
  readonly listen: readonly ListenAddress[]
  readonly sinks: readonly SinkSpec[]
  readonly metrics: MetricsAddress | undefined
  readonly retention: Partial<Retention>
  /** Name of this host. */
  readonly node: string
  readonly recorder: OperatorRecorder
  readonly log: Log
}

const SERVICE_CLOCK: ServiceClock = {
  nowMs: () => Date.now(),
  every: (intervalMs, tick) => {
    const timer = setInterval(tick, intervalMs)
    return () => clearInterval(timer)
  },
}

/** What sinks may still deliver when the service stops. */
const FLUSH_MS = 5000

const REFUSED_MS = 1000

const MONITOR = 'plimsoll.v1.Monitor'

export class EnforceService {
  readonly #options: EnforceServiceOptions
  readonly #journal: LevelJournal
  readonly #journaled: Journaled
  readonly #monitor = new EnforceMonitor(() => CLOCK.nowMs())
  readonly #learning: LiveLearning
  #sinks: RunningSinks | undefined
  #metrics: MetricsServer | undefined
  #services: Services | undefined
  #server: RunningServer | undefined
  #journalProblem: string | undefined
  #isEnding = false
  #stopped: Promise<void> | undefined
  /** Calls that were refused since that was last said. */
  #refused = 0
  #refusedSaidMs = 0

  private constructor(options: EnforceServiceOptions, journal: LevelJournal) {
    this.#options = options
    this.#journal = journal
    this.#journaled = new Journaled(journal, () => CLOCK.nowMs())
    this.#learning = new LiveLearning(options.store, () => CLOCK.nowMs())
  }

  /**
   * Throws `JOURNAL_IN_USE`, `BAD_SINK`, `METRICS_FAILED`, `LISTEN_FAILED`; nothing is left open then. A disk that cannot be written is
   * no failure: it is said, and tried again.
   */
  static async open(options: EnforceServiceOptions): Promise<EnforceService> {
    const { stateDirectory, retention } = options
    const journal = await LevelJournal.open({
      directory: journalDirectory(stateDirectory),
      clock: CLOCK,
      retention,
    })
    const service = new EnforceService(options, journal)
    try {
      await service.#open()
    } catch (thrown) {
      await service.stop()
      throw thrown
    }
    return service
  }

  /** The events to give to enforcement: heard here, and told on to `inner`. */
  heard(inner: EnforceEvents): EnforceEvents {
    return heardEvents(inner, {
      monitor: this.#monitor,
      journaled: this.#journaled,
      sensorChanged: () => this.#tellHealth(),
    })
  }

  /** The same for the session below it. */
  sessionHeard(inner: Partial<SessionEvents>): Partial<SessionEvents> {
    const heard = this.#learning.heard(inner)
    return {
      ...heard,
      missed: (missed, sinceMs, atMs) => {
        this.#monitor.missed(missed)
        inner.missed?.(missed, sinceMs, atMs)
      },
    }
  }

  /** A chunk of the sensor's bytes took so many seconds. */
  judgedIn(seconds: number): void {
    this.#monitor.judgedIn(seconds)
  }

  /** Whether the sensor is attached, or has been away for a short while only. */
  get isAlive(): boolean {
    const { isAttached, sinceMs } = this.#monitor.sensor()
    return isAttached || CLOCK.nowMs() - sinceMs < SENSOR_STUCK_MS
  }

  /** Serves from now on. Throws `LISTEN_FAILED`, `TLS_UNUSABLE`. */
  async serve(control: EnforcementControl): Promise<void> {
    const { listen, log } = this.#options
    this.#monitor.begin(control)
    if (listen.length === 0) return
    const services = enforceServices({
      ...this.#options,
      control,
      monitor: this.#monitor,
      learning: this.#learning,
      journal: this.#journal,
      journaled: this.#journaled,
      clock: SERVICE_CLOCK,
      unrecorded: (error) => this.#troubled(error),
    })
    this.#services = services
    this.#server = await startServer({
      addresses: listen,
      services: services.served,
      clock: SERVICE_CLOCK,
      stopping: () => services.stopping(),
      events: {
        refused: (method, code, caller) => this.#callRefused(method, code, caller?.name),
        tlsReloaded: (address, error) => {
          if (error === undefined) {
            log.info('service.tls', { msg: `certificates and roles of ${address} were read again` })
          } else this.#troubled(error)
        },
      },
    })
    this.#tellHealth()
    for (const address of this.#server.addresses()) {
      log.info('service.listening', { msg: `listening on ${address}`, fields: { address } })
    }
  }

  /** Reads certificates and roles again. */
  reload(): void {
    void this.#server?.reloadTls()
  }

  /** It is about to stop: who asks whether it is ready is told so. */
  ending(): void {
    this.#isEnding = true
  }

  /** Ends the streams, delivers what can be delivered, and closes the journal. Idempotent, never rejects. */
  stop(): Promise<void> {
    this.#isEnding = true
    return (this.#stopped ??= this.#stop())
  }

  async #stop(): Promise<void> {
    await this.#journal.flushed()
    await this.#server?.stop()
    await this.#metrics?.stop()
    await this.#sinks?.stop(FLUSH_MS)
    await this.#journal.close()
  }

  async #open(): Promise<void> {
    const { sinks, metrics, node, log } = this.#options
    this.#sayOpened()
    this.#journal.subscribe(() => this.#journalTold())
    this.#journalTold()
    this.#sinks = await openSinks(sinks, { journal: this.#journal, node, log })
    if (metrics === undefined) return
    this.#metrics = await startMetrics({
      address: metrics,
      nowMs: () => CLOCK.nowMs(),
      source: {
        tallies: this.#monitor.tallies,
        sensor: () => this.#monitor.sensor(),
        journal: () => this.#journal.state(),
        sinks: () => this.#sinks?.statuses() ?? [],
        subscribers: () => this.#services?.watchers() ?? 0,
        containersWatched: () => this.#monitor.containersWatched(),
        imagesHeld: () => this.#monitor.imagesHeld(),
        isStopping: () => this.#isEnding,
      },
    })
    const address = metricsAddressText(this.#metrics.address)
    log.info('service.metrics', { msg: `metrics on ${address}`, fields: { address } })
  }

  #sayOpened(): void {
    const { opened } = this.#journal
    if (opened?.kind !== 'replaced') return
    this.#options.log.error('journal.replaced', {
      msg: `the journal was damaged; it was moved to ${opened.movedTo}, and a new one has begun`,
      fields: { movedTo: opened.movedTo },
    })
  }

  #journalTold(): void {
    const { problem } = this.#journal.state()
    if (problem === this.#journalProblem) return
    this.#journalProblem = problem
    this.#tellHealth()
    const { log, stateDirectory } = this.#options
    if (problem === undefined) log.info('journal.writable', { msg: 'the journal is written again' })
    else
      this.#troubled(
        failure('JOURNAL_UNWRITABLE', { path: journalDirectory(stateDirectory), problem }),
      )
  }

  /** Monitoring can be relied on while everything is seen and kept. */
  #tellHealth(): void {
    const serves = this.#monitor.sensor().isAttached && this.#journalProblem === undefined
    this.#server?.setHealth(MONITOR, serves)
  }

  /** Said at most once a second: clients can have calls refused as fast as they like. */
  #callRefused(method: string, code: string, caller: string | undefined): void {
    this.#refused++
    const nowMs = CLOCK.nowMs()
    if (nowMs - this.#refusedSaidMs < REFUSED_MS) return
    const calls = this.#refused
    this.#refused = 0
    this.#refusedSaidMs = nowMs
    this.#options.log.warn('service.refused', {
      msg: `a call of ${method} was refused: ${code}`,
      fields: { method, code, caller: caller ?? null, calls },
    })
  }

  #troubled(error: PlimsollError): void {
    this.#options.log.error('service.troubled', { msg: error.message, error })
  }
}
