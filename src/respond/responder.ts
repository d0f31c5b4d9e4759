/**
 * Acts on containers: freeze, isolate, kill. The freeze is asked for within the call itself, before anything is awaited, so that
 * no other container's work delays it; networks follow, bundles wait for their turn. What was done is on record before more is
 * done, so that another process can undo it.
 */
import { ACTIONS } from '../detect/policy.js'
import { quoted } from '../errors.js'
import { VERSION } from '../version.js'
import type { Clock } from '../workload/clock.js'
import { Gate } from '../workload/gate.js'
import { decide, type Target } from './decide.js'
import { bootId } from './host-facts.js'
import type { IncidentRecord, TakenAction } from './incident-record.js'
import { IncidentStore } from './incident-store.js'
import type { IpTools } from './ip-command.js'
import { planDetachment } from './network-step.js'
import type { Protects } from './protection.js'
import { RateLimit } from './rate-limit.js'
import { type Releasing, type Release, releaseIncident } from './release.js'
import { outcomeOf, type ResponseRequest, type ResponseResult, type Step } from './request.js'
import { anomalyLine } from './subject-view.js'
import { Taking } from './taking.js'

export interface ResponderOptions {
  readonly stateDirectory: string
  /** Of cgroup2, see `findCgroupMount`. */
  readonly mount: string
  readonly clock: Clock
  /** What the policy protects, beside what is never acted upon. */
  readonly protects?: Protects
  /** Repeats per container and minute; default 5. */
  readonly perMinute?: number
  /** Bundles that are written at the same time; default 2. */
  readonly bundlesAtOnce?: number
  /** The programs that change networks, or why there are none; sought on the host by default. */
  readonly tools?: IpTools | string
}

const MAX_LINES = 16

export class Responder {
  readonly store: IncidentStore
  readonly #options: ResponderOptions
  readonly #limit: RateLimit
  readonly #bundles: Gate
  /** What is being done, by incident. */
  readonly #running = new Map<string, { readonly rank: number; readonly done: Promise<unknown> }>()

  constructor(options: ResponderOptions) {
    this.#options = options
    this.store = new IncidentStore(options.stateDirectory)
    this.#limit = new RateLimit(
      options.perMinute === undefined ? {} : { perMinute: options.perMinute },
    )
    this.#bundles = new Gate(options.bundlesAtOnce ?? 2)
  }

  /**
   * Follows the request, or says why not. Never rejects. Idempotent by incident. Resolves when all is done: of `isolate` when the
   * bundle is written.
   */
  act(request: ResponseRequest): Promise<ResponseResult> {
    const calledMs = performance.now()
    if (request.action === 'alert') {
      return Promise.resolve(this.#resultOf(request, { detail: 'the anomaly itself is the alert' }))
    }
    const { mount, clock, protects } = this.#options
    const verdict = decide(request, {
      mount,
      clock,
      protects,
      store: this.store,
      limit: this.#limit,
    })
    if (verdict.kind === 'leave') {
      const { outcome, detail, path } = verdict
      return Promise.resolve(this.#resultOf(request, { outcome, detail, cgroupPath: path }))
    }
    const { target } = verdict
    const cgroupPath = target.container.scopePath
    const rank = ACTIONS.indexOf(request.action)
    if ((this.#running.get(request.incident)?.rank ?? -1) >= rank) {
      const detail = 'it is being done for this incident'
      return Promise.resolve(this.#resultOf(request, { outcome: 'already', detail, cgroupPath }))
    }
    if (request.key !== undefined) {
      this.#limit.acted(target.container.containerId, request.key, clock.nowMs())
    }
    if (request.dryRun) return this.#plan(request, target)
    const taking = new Taking(this.#options, this.store, this.#bundles, request, target, calledMs)
    const done = taking
      .run(this.#firstRecord(request, target))
      .then((taken) =>
        this.#resultOf(request, { cgroupPath, ...taken, outcome: outcomeOf(taken.steps) }),
      )
    this.#running.set(request.incident, { rank, done })
    const forget = (): void => {
      if (this.#running.get(request.incident)?.done === done) this.#running.delete(request.incident)
    }
    done.then(forget, forget)
    return done
  }

  /** Undoes what was done for the incident, after what is under way. Throws `INCIDENT_NOT_FOUND`, `INCIDENT_DAMAGED`. */
  async release(incident: string, by: Releasing): Promise<Release> {
    await this.#running.get(incident)?.done
    const { mount, clock, tools } = this.#options
    return releaseIncident({ store: this.store, mount, clock, tools }, incident, by)
  }

  async #plan(request: ResponseRequest, target: Target): Promise<ResponseResult> {
    const processes = `${target.pids.length} processes`
    const planned = (step: Step['step'], detail: string): Step => ({
      step,
      outcome: 'planned',
      detail,
      tookMs: 0,
    })
    const steps: Step[] =
      request.action === 'kill'
        ? [planned('kill', `would kill ${processes}`)]
        : [planned('freeze', `would freeze ${processes}`)]
    if (request.action === 'isolate') {
      const network = await planDetachment(target.pids, this.#options.tools)
      steps.push(planned('network', network))
      steps.push(planned('bundle', `would write ${this.store.directoryOf(request.incident)}`))
      if (request.afterwards === 'thaw') steps.push(planned('thaw', 'would thaw if detached'))
    }
    const cgroupPath = target.container.scopePath
    return this.#resultOf(request, {
      outcome: 'dry-run',
      detail: 'nothing was touched',
      cgroupPath,
      steps,
    })
  }

  #firstRecord(request: ResponseRequest, { container, cgroupId }: Target): IncidentRecord {
    const { action, incident, workload, actor, reason, profile, baselineRevision } = request
    const atMs = this.#options.clock.nowMs()
    const taken: TakenAction = { action, actor, reason, atMs, outcome: 'under-way', steps: [] }
    return {
      format: 1,
      facts: {
        incident,
        atMs,
        action,
        actor: quoted(actor),
        reason: quoted(reason),
        runtime: container.runtime,
        containerId: container.containerId,
        containerName: quoted(workload.containerName),
        imageDigest: workload.imageDigest,
        imageName: quoted(workload.imageName),
        cgroupPath: container.scopePath,
        cgroupId,
        bootId: bootId(),
        profile: quoted(profile),
        baselineRevision,
        anomalies: request.anomalies.slice(0, MAX_LINES).map((one) => quoted(anomalyLine(one))),
        plimsoll: VERSION,
      },
      actions: [taken],
    }
  }

  #resultOf(request: ResponseRequest, result: Partial<ResponseResult>): ResponseResult {
    const { incident, action, actor, reason, workload, cgroupPath } = request
    return {
      incident: quoted(incident),
      action,
      outcome: 'done',
      containerId: workload.containerId,
      cgroupPath: quoted(cgroupPath),
      actor: quoted(actor),
      reason: quoted(reason),
      detail: '',
      atMs: this.#options.clock.nowMs(),
      steps: [],
      frozenAfterMs: undefined,
      directory: undefined,
      manifestSha256: undefined,
      ...result,
    }
  }
}
