/** What is done about anomalies: which action, by the user's word or the policy's, and what the responder is told. */
import { LRUCache } from 'lru-cache'
import { type Anomaly, kindOf, type Severity, type TimelineEntry } from '../detect/anomaly.js'
import type { CompiledPolicy } from '../detect/policy-compile.js'
import type { Action } from '../detect/policy.js'
import { workloadScopeOf } from '../detect/policy-scope.js'
import { subjectText } from '../detect/subject-text.js'
import type { ResponseRequest, ResponseResult } from '../respond/request.js'
import { Responder } from '../respond/responder.js'
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
  readonly afterwards: ResponseRequest['afterwards']
  readonly responded: (result: ResponseResult, anomaly: Anomaly) => void
  /** Who acts; undefined: a responder on this host. */
  readonly responder?: Pick<Responder, 'act'>
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

export class Responses {
  readonly #options: ResponsesOptions
  readonly #responder: Pick<Responder, 'act'>
  readonly #incidents = new Map<string, Anomaly[]>()
  /** By digest of an image: the hash of its applied profile. */
  readonly #profiles = new LRUCache<string, string>({ max: PROFILE_LIMIT })
  readonly #underWay = new Set<Promise<void>>()

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

  /** Calls the responder before anything is awaited: a freeze must not wait. */
  async #act(
    anomaly: Anomaly,
    anomalies: readonly Anomaly[],
    action: Action,
    { cgroupPath, timeline }: Whereabouts,
  ): Promise<void> {
    const { dryRun, afterwards, responded } = this.#options
    const { incident, severity, workload, baselineRevision, decision, process } = anomaly
    const what = subjectText(anomaly.subject)
    const result = await this.#responder.act({
      action,
      incident,
      key: `${what} ${process.lineage}`,
      workload,
      cgroupPath,
      anomalies,
      timeline,
      profile: this.#profiles.get(workload.imageDigest) ?? '',
      baselineRevision,
      actor: decision.rule === '' ? `severity:${severity}` : `rule:${decision.rule}`,
      reason: `${severity}: ${what}`,
      dryRun,
      afterwards,
    })
    responded(result, anomaly)
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

function responderOf({ stateDirectory, mount, clock, policy }: ResponsesOptions): Responder {
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
