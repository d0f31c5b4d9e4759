/**
 * What becomes of a fact that the matcher does not know as allowed: the formula decides, and if that says no, the anomaly is
 * put together with its severity, its process, its evidence and what went before. Pure; once per container and fact, not
 * for every observation.
 */
import type { Lineage, Source } from '../observation.js'
import type { Anomaly, EvidenceQuality, ProcessFacts, Subject, WorkloadFacts } from './anomaly.js'
import { type ContainerState, HOST } from './detector-state.js'
import { allows } from './held-to.js'
import type { Incidents } from './incidents.js'
import type { AnomalyKey, Ledger } from './ledger.js'
import { likenessOf } from './likeness.js'
import { verdictAhead } from './policy-ahead.js'
import type { CompiledPolicy } from './policy-compile.js'
import { decisionOf, type Judgement } from './policy-decision.js'
import { policyScopeOf, workloadScopeOf } from './policy-scope.js'
import type { Processes } from './processes.js'
import { type CompiledSeverity, severityOf } from './severity.js'
import type { Timeline } from './timeline.js'

/** When it was, by both clocks; `atNs` is 0 where the kernel told of no moment. */
export interface Moment {
  readonly atMs: number
  readonly atNs: number
}

/** A fact about a container, on its way to be judged. */
export interface Fact {
  readonly subject: Subject
  readonly lineage: Lineage
  /** 0 where no process is known. */
  readonly pid: number
  readonly moment: Moment
  readonly source: Source
  readonly truncated: boolean
  /** How often; 0 if a hint told of it. */
  readonly count: number
}

/** What the formula says of a fact. */
export interface Verdict extends Judgement {
  /** A rule that looks at who does it may say otherwise of somebody else. */
  readonly isConditional: boolean
}

export interface JudgeParts {
  readonly processes: Processes
  readonly incidents: Incidents
  readonly timeline: Timeline
  readonly ledger: Ledger
  readonly severity: CompiledSeverity
}

/**
 * Facts of the timeline that go with an anomaly: with the first of an incident and then once a second; those between have the
 * latest only, because a flood of anomalies would say the same over and over.
 */
const TIMELINE_SHOWN = 24
const TIMELINE_BETWEEN = 2
const TIMELINE_MS = 1000
/** A loss is near for so long: records of the same moment may have been among those lost. */
const NEARBY_MS = 10_000

const NOBODY: ProcessFacts = {
  pid: 0,
  ppid: 0,
  uid: undefined,
  comm: '' as ProcessFacts['comm'],
  exe: '' as ProcessFacts['exe'],
  path: '' as ProcessFacts['path'],
  lineage: 'main',
}

export class Judge {
  policy: CompiledPolicy
  readonly #parts: JudgeParts
  #lossMs = Number.NEGATIVE_INFINITY
  /** By slot of a container: the last anomaly that went with a whole timeline. */
  readonly #shown = new Map<number, { readonly incident: string; readonly atMs: number }>()

  constructor(policy: CompiledPolicy, parts: JudgeParts) {
    this.policy = policy
    this.#parts = parts
  }

  /** Something was lost. */
  lost(atMs: number): void {
    this.#lossMs = Math.max(this.#lossMs, atMs)
  }

  /** What the formula says of the fact. Raises nothing. */
  decide(container: ContainerState, fact: Fact): Verdict {
    const { subject, lineage } = fact
    const held = container.image?.held
    const scope = policyScopeOf(container.scope, this.#processOf(container, fact))
    const isInBaseline = (one: Subject): boolean =>
      held !== undefined && allows(held, this.policy, one)
    const ahead = verdictAhead(this.policy, subject, { ...container.scope, lineage })
    return {
      ...decisionOf(this.policy, isInBaseline, subject, scope),
      isConditional: ahead === 'ask',
    }
  }

  /** Judges a fact that is not known as allowed; if it is not, an anomaly is raised under `key`. */
  judge(container: ContainerState, key: AnomalyKey, fact: Fact): Verdict {
    const verdict = this.decide(container, fact)
    if (verdict.allowed) return verdict
    const { subject } = fact
    const { decision } = verdict
    const held = container.image?.held
    const process = this.#processOf(container, fact)
    const rating = severityOf(this.#parts.severity, this.policy, subject, {
      scope: policyScopeOf(container.scope, process),
      layer: decision.layer,
      isFirst: held === undefined || !held.likenesses.has(likenessOf(subject)),
    })
    this.#raise(container, key, fact, { process, decision, ...rating })
    return verdict
  }

  /** Raises what no baseline speaks about: a loss of sight, of a container or of the whole host. */
  trouble(container: ContainerState | undefined, key: AnomalyKey, fact: Fact): void {
    if (container !== undefined) {
      this.judge(container, key, fact)
      return
    }
    const scope = policyScopeOf(workloadScopeOf(HOST, undefined), NOBODY)
    const { decision, allowed } = decisionOf(this.policy, () => false, fact.subject, scope)
    if (allowed) return
    const context = { scope, layer: decision.layer, isFirst: false }
    const rating = severityOf(this.#parts.severity, this.policy, fact.subject, context)
    this.#raise(undefined, key, fact, { process: NOBODY, decision, ...rating })
  }

  #raise(
    container: ContainerState | undefined,
    key: AnomalyKey,
    fact: Fact,
    said: Pick<Anomaly, 'process' | 'decision' | 'severity' | 'attack'>,
  ): void {
    const { incidents, timeline, ledger } = this.#parts
    const { subject, lineage, pid, moment, count } = fact
    const workload: WorkloadFacts = container?.workload ?? HOST
    const held = container?.image?.held
    const incident = incidents.idOf(workload.cgroupId, pid, lineage, moment.atMs)
    const shown = container === undefined ? 0 : this.#shownOf(container.slot, incident, moment.atMs)
    const before = container === undefined ? [] : timeline.last(container.slot, shown)
    const facts = {
      incident,
      ...said,
      subject,
      workload,
      baselineRevision: held?.revision ?? 0,
      evidence: this.#evidenceOf(fact, held?.completeness),
      ...moment,
      timeline: before,
    }
    ledger.raise(key, facts, count)
  }

  #shownOf(slot: number, incident: string, atMs: number): number {
    const last = this.#shown.get(slot)
    if (last?.incident === incident && atMs - last.atMs < TIMELINE_MS) return TIMELINE_BETWEEN
    this.#shown.set(slot, { incident, atMs })
    return TIMELINE_SHOWN
  }

  #evidenceOf(
    { source, truncated, moment }: Fact,
    baseline: 'full' | 'partial' | undefined,
  ): EvidenceQuality {
    const lossNearby = moment.atMs - this.#lossMs <= NEARBY_MS
    return { source, truncated, lossNearby, baseline: baseline ?? 'none' }
  }

  /** A child that has executed nothing is what its parent is. */
  #processOf({ workload }: ContainerState, { pid, lineage }: Fact): ProcessFacts {
    if (pid === 0) return { ...NOBODY, lineage }
    const { processes } = this.#parts
    const facts = processes.factsOf(workload.cgroupId, pid, lineage)
    if (facts.path !== '') return facts
    for (const ancestor of processes.ancestors(workload.cgroupId, pid)) {
      const { path, comm, exe } = processes.factsOf(workload.cgroupId, ancestor, lineage)
      if (path !== '' && (facts.exe === '' || exe === facts.exe)) {
        return { ...facts, path, exe, comm: facts.comm === '' ? comm : facts.comm }
      }
    }
    return facts
  }
}
