/** What people have done about containers: the same responder that rules use, on a container that they name, and letting go again. */
import type { TimelineEntry } from '../detect/anomaly.js'
import type { IncidentRecord } from '../respond/incident-record.js'
import type { ResponseResult } from '../respond/request.js'
import type { Responder } from '../respond/responder.js'
import type { Released, ReleaseOrder, ResponseOrder } from '../service/control/control-source.js'
import type { WatchedContainer } from './detection.js'
import type { Responses } from './responses.js'

export interface RequestsOptions {
  readonly responder: Pick<Responder, 'act' | 'release' | 'store'>
  readonly responses: Pick<Responses, 'anomaliesOf' | 'profileOf'>
  /** Throws `CONTAINER_NOT_FOUND`. */
  readonly find: (ref: string) => WatchedContainer
  readonly timelineOf: (container: WatchedContainer) => readonly TimelineEntry[]
  /** Of the sealed baseline; 0 where there is none. */
  readonly revisionOf: (digest: string) => number
  /** Nothing is to be done to anything. */
  readonly dryRun: boolean
}

export class Requests {
  readonly #options: RequestsOptions

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** Has it done; throws `CONTAINER_NOT_FOUND`. Modes of images do not matter: a person wants it. */
  async respond(order: ResponseOrder): Promise<ResponseResult> {
    const { responder, responses, timelineOf, revisionOf } = this.#options
    const { action, incident, actor, reason, afterwards } = order
    const before = order.isRepeat ? this.#takenBefore(order) : undefined
    if (before !== undefined) return before
    const found = this.#options.find(order.container)
    const { workload, run } = found
    return responder.act({
      action,
      incident,
      key: undefined,
      workload,
      cgroupPath: run.path,
      anomalies: responses.anomaliesOf(incident),
      timeline: timelineOf(found),
      profile: responses.profileOf(workload.imageDigest),
      baselineRevision: revisionOf(workload.imageDigest),
      actor,
      reason,
      dryRun: order.dryRun || this.#options.dryRun,
      afterwards,
    })
  }

  /** Lets a container go. Throws `INCIDENT_NOT_FOUND`, `INCIDENT_AMBIGUOUS`, `INCIDENT_DAMAGED`. */
  async release({ incident: ref, actor, reason }: ReleaseOrder): Promise<Released> {
    const { responder } = this.#options
    const incident = await responder.store.resolve(ref)
    const { kind, record } = await responder.release(incident, { actor, reason })
    const outcome =
      kind === 'already' ? 'already' : record.outcome === 'done' ? 'released' : 'partly'
    return { incident, outcome, details: record.details }
  }

  /** What the record says of an action that was taken before this process ran; its container may be gone. */
  #takenBefore({ incident, action }: ResponseOrder): ResponseResult | undefined {
    const { store } = this.#options.responder
    let record: IncidentRecord | undefined
    try {
      record = store.readNow(incident)
    } catch {
      // The responder says what is wrong with it.
      return undefined
    }
    const taken = record?.actions.find((one) => one.action === action)
    if (record === undefined || taken === undefined) return undefined
    const { facts, bundle } = record
    // Half done, by a process that is no more: the responder does what is missing.
    if (taken.outcome === 'under-way') return undefined
    const { actor, reason, atMs, outcome, steps } = taken
    return {
      incident,
      action,
      outcome: 'already',
      containerId: facts.containerId,
      cgroupPath: facts.cgroupPath,
      actor,
      reason,
      detail: `it was done before plimsoll was started again: ${outcome}`,
      atMs,
      steps,
      frozenAfterMs: undefined,
      directory: store.directoryOf(incident),
      manifestSha256: bundle?.manifestSha256,
    }
  }
}
