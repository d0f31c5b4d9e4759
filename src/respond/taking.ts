/** One action being taken: its steps in their order, each timed, recorded and told. */
import { asProblem, quoted } from '../errors.js'
import type { Clock } from '../workload/clock.js'
import type { Gate } from '../workload/gate.js'
import { writeBundle } from './bundle.js'
import type { Target } from './decide.js'
import { type Freezer, isRequested, reached, request as ask, v2Freezer } from './freezer.js'
import { v1Freezer } from './freezer-v1.js'
import { holdsFrozen, sameContainer } from './holders.js'
import type { FreezeRecord, IncidentRecord, NetworkRecord } from './incident-record.js'
import type { IncidentStore } from './incident-store.js'
import type { IpTools } from './ip-command.js'
import { killContainer } from './kill-step.js'
import { membersOf } from './members.js'
import { detachNetworks } from './network-step.js'
import { outcomeOf, type ResponseRequest, type ResponseResult, type Step } from './request.js'

export interface TakingOptions {
  readonly clock: Clock
  readonly tools?: IpTools | string
}

/** What came of it, for the result. */
export type Taken = Pick<
  ResponseResult,
  'steps' | 'detail' | 'frozenAfterMs' | 'directory' | 'manifestSha256'
>

const FREEZE_TIMEOUT_MS = 2000
const MAX_ACTIONS = 64

export class Taking {
  readonly #options: TakingOptions
  readonly #store: IncidentStore
  readonly #bundles: Gate
  readonly #request: ResponseRequest
  readonly #target: Target
  readonly #calledMs: number
  readonly #steps: Step[] = []
  #frozenAfterMs: number | undefined
  #manifestSha256: string | undefined

  constructor(
    options: TakingOptions,
    store: IncidentStore,
    bundles: Gate,
    request: ResponseRequest,
    target: Target,
    calledMs: number,
  ) {
    this.#options = options
    this.#store = store
    this.#bundles = bundles
    this.#request = request
    this.#target = target
    this.#calledMs = calledMs
  }

  /** Takes the action; never rejects. Before it first awaits anything, the kernel has been asked to freeze. */
  async run(first: IncidentRecord): Promise<Taken> {
    const { action } = this.#request
    if (action === 'kill') await this.#kill(first)
    else {
      const freezer = await this.#freeze(first)
      if (action === 'isolate') await this.#isolate(freezer)
    }
    await this.#recordThat(({ actions, ...record }) => ({
      ...record,
      actions: actions.map((taken) =>
        taken.action === action && taken.outcome === 'under-way'
          ? { ...taken, outcome: outcomeOf(this.#steps), steps: [...this.#steps] }
          : taken,
      ),
    }))
    return {
      steps: this.#steps,
      detail: this.#steps.map(({ step, detail }) => `${step}: ${detail}`).join('; '),
      frozenAfterMs: this.#frozenAfterMs,
      directory: this.#store.directoryOf(this.#request.incident),
      manifestSha256: this.#manifestSha256,
    }
  }

  async #freeze(first: IncidentRecord): Promise<Freezer | undefined> {
    const startedMs = performance.now()
    const { directory, pids, container } = this.#target
    let freezer: Freezer | undefined
    let freeze: FreezeRecord | undefined
    try {
      freezer = v2Freezer(directory) ?? v1Freezer(pids[0] ?? 0, container.containerId)
      if (freezer === undefined) throw new Error('the kernel offers no freezer for this container')
      const { hierarchy, path } = freezer
      freeze = { hierarchy, path, wasFrozen: isRequested(freezer), atMs: first.facts.atMs }
      ask(freezer, true)
    } catch (thrown) {
      this.#say('freeze', 'failed', asProblem(thrown), startedMs)
    }
    await this.#begin(first, freeze)
    if (freezer === undefined || freeze === undefined) return freezer
    try {
      if (await reached(freezer, true, this.#options.clock, FREEZE_TIMEOUT_MS)) {
        this.#frozenAfterMs = performance.now() - this.#calledMs
        const by = freeze.wasFrozen ? 'frozen already' : `frozen, ${freezer.hierarchy}`
        this.#say('freeze', freeze.wasFrozen ? 'nothing' : 'done', by, startedMs)
      } else {
        const detail = `some process has not stopped within ${FREEZE_TIMEOUT_MS} ms; it will when it can`
        this.#say('freeze', 'failed', detail, startedMs)
      }
    } catch (thrown) {
      this.#say('freeze', 'failed', `the container has ended: ${asProblem(thrown)}`, startedMs)
    }
    return freezer
  }

  async #isolate(freezer: Freezer | undefined): Promise<void> {
    const startedMs = performance.now()
    const { incident, afterwards } = this.#request
    let network: NetworkRecord | undefined
    const { outcome, detail, isDetached } = await detachNetworks({
      // Once more: what was forked before the freeze belongs to it.
      pids: membersOf(this.#target.directory).pids,
      directory: this.#store.directoryOf(incident),
      save: async (namespaces) => {
        const saved = { namespaces, atMs: this.#options.clock.nowMs() }
        await this.#store.update(incident, (record) => ({ ...record, network: saved }))
        network = saved
      },
      ...(this.#options.tools === undefined ? {} : { tools: this.#options.tools }),
    })
    this.#say('network', outcome, detail, startedMs)
    await this.#bundle(network)
    if (afterwards === 'thaw') await this.#thaw(freezer, isDetached)
  }

  async #bundle(network: NetworkRecord | undefined): Promise<void> {
    const leave = await this.#bundles.enter()
    const startedMs = performance.now()
    try {
      const { incident, actor, reason, anomalies, timeline } = this.#request
      const record = this.#store.readNow(incident)
      if (record === undefined) throw new Error('the incident has no record')
      const written = await writeBundle(
        {
          directory: this.#store.directoryOf(incident),
          cgroupDirectory: this.#target.directory,
          facts: record.facts,
          actor,
          reason,
          anomalies,
          timeline,
          present: (network?.namespaces ?? []).flatMap(({ state, addresses, routes4, routes6 }) => [
            state,
            addresses,
            routes4,
            ...routes6,
          ]),
        },
        this.#options.clock,
      )
      const { manifestSha256, files, bytes, notes } = written
      const bundle = { atMs: this.#options.clock.nowMs(), manifestSha256, files, bytes }
      await this.#store.update(incident, (now) => ({ ...now, bundle }))
      this.#manifestSha256 = manifestSha256
      const remarks = notes.map((note) => `; ${note}`).join('')
      this.#say('bundle', 'done', `${files} files, ${bytes} bytes${remarks}`, startedMs)
    } catch (thrown) {
      this.#say('bundle', 'failed', asProblem(thrown), startedMs)
    } finally {
      leave()
    }
  }

  async #thaw(freezer: Freezer | undefined, isDetached: boolean): Promise<void> {
    const startedMs = performance.now()
    const stay = (detail: string): void =>
      this.#say('thaw', 'failed', `kept frozen: ${detail}`, startedMs)
    try {
      const record = this.#store.readNow(this.#request.incident)
      if (freezer === undefined || record?.freeze === undefined) return
      if (!isDetached) return stay('its network is not detached')
      if (record.freeze.wasFrozen) return stay('it was frozen before')
      const others = (await sameContainer(this.#store, record)).filter(
        (other) => other.facts.incident !== this.#request.incident && holdsFrozen(other),
      )
      if (others[0] !== undefined) return stay(`incident ${others[0].facts.incident} holds it`)
      ask(freezer, false)
      await reached(freezer, false, this.#options.clock, FREEZE_TIMEOUT_MS)
      const thawedAtMs = this.#options.clock.nowMs()
      await this.#recordThat((now) =>
        now.freeze === undefined ? now : { ...now, freeze: { ...now.freeze, thawedAtMs } },
      )
      this.#say('thaw', 'done', 'thawed without its network', startedMs)
    } catch (thrown) {
      stay(asProblem(thrown))
    }
  }

  async #kill(first: IncidentRecord): Promise<void> {
    const startedMs = performance.now()
    const { directory, pids, container } = this.#target
    const v1 = v1Freezer(pids[0] ?? 0, container.containerId)
    const killed = killContainer(directory, v1, this.#options.clock)
    const begun = this.#begin(first, undefined)
    try {
      if (await killed) this.#say('kill', 'done', `killed ${pids.length} processes`, startedMs)
      else this.#say('kill', 'failed', 'some process lives on', startedMs)
    } catch (thrown) {
      this.#say('kill', 'failed', asProblem(thrown), startedMs)
    }
    await begun
  }

  /** Puts on record what is under way: at once for a new incident, so that it can be undone whatever happens next. */
  async #begin(first: IncidentRecord, freeze: FreezeRecord | undefined): Promise<void> {
    const startedMs = performance.now()
    try {
      // A damaged record may be all that is left to undo something by: it is not replaced.
      if (this.#target.recordProblem !== '') throw new Error(this.#target.recordProblem)
      if (this.#target.record === undefined) {
        this.#store.create(freeze === undefined ? first : { ...first, freeze })
        return
      }
      await this.#store.update(this.#request.incident, (record) => ({
        ...record,
        actions: [...record.actions, ...first.actions].slice(-MAX_ACTIONS),
        // Its own earlier freeze is what made it look frozen before.
        ...(freeze === undefined || holdsFrozen(record) ? {} : { freeze }),
      }))
    } catch (thrown) {
      this.#say('record', 'failed', asProblem(thrown), startedMs)
    }
  }

  async #recordThat(change: (record: IncidentRecord) => IncidentRecord): Promise<void> {
    const startedMs = performance.now()
    try {
      await this.#store.update(this.#request.incident, change)
    } catch (thrown) {
      this.#say('record', 'failed', asProblem(thrown), startedMs)
    }
  }

  #say(step: Step['step'], outcome: Step['outcome'], detail: string, startedMs: number): void {
    const tookMs = Math.round((performance.now() - startedMs) * 1000) / 1000
    this.#steps.push({ step, outcome, detail: quoted(detail), tookMs })
  }
}
