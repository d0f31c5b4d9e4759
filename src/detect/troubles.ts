/** Losses of sight and of measure, told as anomalies: each one once for each container, or for the host, and counted after that. Pure. */
import type { Subject } from './anomaly.js'
import type { ContainerState } from './detector-state.js'
import type { Judge } from './judge.js'
import type { Ledger } from './ledger.js'
import { subjectKey } from './subject-key.js'

export type Trouble = Extract<Subject, { readonly kind: 'sensor' | 'resource' }>

export class Troubles {
  readonly #judge: Judge
  readonly #ledger: Ledger

  constructor(judge: Judge, ledger: Ledger) {
    this.#judge = judge
    this.#ledger = ledger
  }

  /** `count` times; undefined is the host as a whole. */
  tell(container: ContainerState | undefined, subject: Trouble, atMs: number, count: number): void {
    const key = `${container?.handle ?? 'host'} ${subjectKey(subject)}`
    if (this.#ledger.repeat(key, count, atMs)) return
    this.#judge.trouble(container, key, {
      subject,
      count,
      lineage: 'main',
      pid: 0,
      moment: { atMs, atNs: 0 },
      source: 'kernel',
      truncated: false,
    })
  }

  /** There were too many of something to keep them apart. `what` is plimsoll's own word. */
  capped(container: ContainerState | undefined, what: string, atMs: number, count: number): void {
    this.tell(container, { kind: 'sensor', what: 'capped', detail: what }, atMs, count)
  }
}
