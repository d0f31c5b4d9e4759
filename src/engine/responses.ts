/** What is done about anomalies: which action, by the user's word or the policy's, and what the responder is told. */
import { LRUCache } from 'lru-cache'
import { type Anomaly, kindOf, type Severity, type TimelineEntry } from '../detect/anomaly.js'
import type { CompiledPolicy } from '../detect/policy-compile.js'
import type { Action } from '../detect/policy.js'
import { workloadScopeOf } from '../detect/policy-scope.js'
import { subjectText } from '../detect/subject-text.js'
import { asPlimsollError, type PlimsollError } from '../errors.js'
import type { ResponseRequest, ResponseResult } from '../respond/request.js'
import { Responder } from '../respond/responder.js'
import { recordedAs } from '../service/audit/outcome.js'
import type { OperatorRecorder } from '../service/audit/recorder.js'
import type { Clock } from '../workload/clock.js'
import { readApplied } from './applied.js'

export interface ResponsesOptions {
  readonly stateDirectory: string
  /** cgroup2 mount point. */
  readonly mount: string
  readonly clock: Clock
  readonly policy: () => CompiledPolicy
  /** By severity, before the policy is asked. */
  readonly on: ReadonlyMap<Severity, Action>
  readonly dryRun: boolean
  /** Whether responses to what that image does are dry runs; default: none are. */
  readonly isObserved?: (digest: string) => boolean
  readonly afterwards: ResponseRequest['afterwards']
  readonly responded: (result: ResponseResult, anomaly: Anomaly) => void
  /** Who acts; undefined: a responder on this host. */
  readonly responder?: Pick<Responder, 'act'>
  /** Puts what is done on record. */
  readonly recorder?: OperatorRecorder | undefined
  /** It could not be put on record; it was done all the same. */
  readonly troubled?: (error: PlimsollError) => void
}

/** Where the container is, and what it did of late. */
export interface Whereabouts {
  /** Below the cgroup2 mount. */
  readonly cgroupPath: string
  readonly timeline: readonly TimelineEntry[]
}

/** Incidents whose anomalies are remembered, and how many of each go into a bundle. */
const INCIDENT_LIMIT = 256
const ANOMALIES_LIMIT = 256
const PROFILE_LIMIT = 1024
const RECORDED_LIMIT = 4096

export class Responses {
  readonly #options: ResponsesOptions
  readonly #responder: Pick<Responder, 'act'>
  readonly #incidents = new Map<string, Anomaly[]>()
  /** By digest of an image: the hash of its applied profile. */
  readonly #profiles = new LRUCache<string, string>({ max: PROFILE_LIMIT })
  readonly #underWay = new Set<Promise<void>>()
  /** Actions for incidents that are on record, so that a flood of anomalies says nothing over and over. */
  readonly #recorded = new LRUCache<string, true>({ max: RECORDED_LIMIT })

  constructor(options: ResponsesOptions) {
    this.#options = options
    this.#responder = options.responder ?? responderOf(options)
  }

  /** An anomaly was raised: what has to be done is begun before this returns. */
  raised(anomaly: Anomaly, where: () => Whereabouts | undefined): void {
    const anomalies = this.#remember(anomaly)
    const { on, policy } = this.#options
    const action =
      on.get(anomaly.severity) ?? policy().responseTo(anomaly.severity, kindOf(anomaly.subject))
    if (action === 'alert' || anomaly.workload.containerId === '') return
    const place = where()
    if (place === undefined) return
    const done = this.#act(anomaly, anomalies, action, place)
    this.#underWay.add(done)
    void done.finally(() => this.#underWay.delete(done))
  }

  /** What is remembered of the incident, oldest first. */
  anomaliesOf(incident: string): readonly Anomaly[] {
    return this.#incidents.get(incident) ?? []
  }

  /** The hash of the profile that is applied to the image; empty where there is none. */
  profileOf(digest: string): string {
    return this.#profiles.get(digest) ?? ''
  }

  /** Resolves when everything that was begun is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** A container of that image is watched from now on: under which profile it runs goes on record with what is done to it. */
  watching(digest: string): void {
    void readApplied(this.#options.stateDirectory, digest).then((applied) => {
      this.#profiles.set(digest, applied.kind === 'applied' ? applied.record.sha256 : '')
    })
  }

  /**
   * Calls the responder before anything is awaited: a freeze must not wait, also not for the disk. That it is about to be done is
   * on its way to the record by then.
   */
  async #act(
    anomaly: Anomaly,
    anomalies: readonly Anomaly[],
    action: Action,
    { cgroupPath, timeline }: Whereabouts,
  ): Promise<void> {
    const { afterwards, responded, isObserved } = this.#options
    const { incident, severity, workload, baselineRevision, decision, process } = anomaly
    const what = subjectText(anomaly.subject)
    const request: ResponseRequest = {
      action,
      incident,
      key: `${what} ${process.lineage}`,
      workload,
      cgroupPath,
      anomalies,
      timeline,
      profile: this.profileOf(workload.imageDigest),
      baselineRevision,
      actor: decision.rule === '' ? `severity:${severity}` : `rule:${decision.rule}`,
      reason: `${severity}: ${what}`,
      dryRun: this.#options.dryRun || (isObserved?.(workload.imageDigest) ?? false),
      afterwards,
    }
    const recorded = this.#record(anomaly, request)
    const result = await this.#responder.act(request)
    responded(result, anomaly)
    await recorded?.(result)
  }

  /**
   * Begins to put on record that it is done, and returns how to put there what came of it. Not of a dry run, which changes nothing,
   * and not of what is done for the incident already.
   */
  #record(
    { id }: Anomaly,
    { action, actor, reason, workload, incident, dryRun }: ResponseRequest,
  ): ((result: ResponseResult) => Promise<void>) | undefined {
    const { recorder, troubled } = this.#options
    const key = `${incident} ${action}`
    if (recorder === undefined || dryRun || this.#recorded.has(key)) return undefined
    this.#recorded.set(key, true)
    const begun = recorder.begin({
      actor,
      action: 'Respond',
      target: workload.containerId,
      reason,
      details: { response: action, incident, anomaly: id },
    })
    // Whoever awaits it comes later.
    begun.catch(() => undefined)
    return async (result) => {
      const [outcome, details] = recordedAs(result)
      // The next anomaly of the incident may bring what this one did not.
      if (outcome !== 'done') this.#recorded.delete(key)
      try {
        const action = await begun
        await action.end(outcome, details)
      } catch (thrown) {
        troubled?.(asPlimsollError(thrown))
      }
    }
  }

  #remember(anomaly: Anomaly): readonly Anomaly[] {
    const anomalies = this.#incidents.get(anomaly.incident) ?? []
    this.#incidents.delete(anomaly.incident)
    if (anomalies.length < ANOMALIES_LIMIT) anomalies.push(anomaly)
    this.#incidents.set(anomaly.incident, anomalies)
    const [oldest] = this.#incidents.keys()
    if (this.#incidents.size > INCIDENT_LIMIT && oldest !== undefined) {
      this.#incidents.delete(oldest)
    }
    return anomalies
  }
}

/** The responder of this host, which leaves alone what the policy protects. */
export function responderOf({
  stateDirectory,
  mount,
  clock,
  policy,
}: Pick<ResponsesOptions, 'stateDirectory' | 'mount' | 'clock' | 'policy'>): Responder {
  return new Responder({
    stateDirectory,
    mount,
    clock,
    protects: (workload) =>
      policy().isProtected(workloadScopeOf(workload, undefined))
        ? 'the policy lists it as protected'
        : undefined,
  })
}
