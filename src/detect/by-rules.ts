/**
 * What rules that deny say where the matcher cannot tell facts apart: of images without a sealed baseline, of kinds that a seal
 * does not speak about, of calls under an ABI that counts as one thing, and of what found no room. A flood of other things
 * must not hide what a rule forbids. Bounded; beyond that it is told that something was left out. Pure.
 */
import { kindOf } from './anomaly.js'
import type { ContainerState } from './detector-state.js'
import type { Fact, Judge } from './judge.js'
import type { Ledger } from './ledger.js'
import { mayDeny } from './policy-ahead.js'
import { subjectKey } from './subject-key.js'
import type { Troubles } from './troubles.js'

/** Keys of one container, and of all: some 200 bytes each. */
const OWN_LIMIT = 1024
const LIMIT = 65_536

export class ByRules {
  readonly #judge: Judge
  readonly #ledger: Ledger
  readonly #troubles: Troubles
  #size = 0

  constructor(judge: Judge, ledger: Ledger, troubles: Troubles) {
    this.#judge = judge
    this.#ledger = ledger
    this.#troubles = troubles
  }

  /** Raises the fact, or counts it up, if a rule denies it. */
  take(container: ContainerState, fact: Fact): void {
    const { subject, lineage, count, moment } = fact
    if (!mayDeny(this.#judge.policy, subject)) return
    const key = `${container.handle} ${lineage} ${subjectKey(subject)}`
    if (this.#ledger.repeat(key, count, moment.atMs)) return
    // It was told, and has been silent for so long that it is not counted any more.
    if (container.ruled.has(key)) return
    const { allowed, decision } = this.#judge.decide(container, fact)
    if (allowed || decision.layer === 'default') return
    if (container.ruled.size >= OWN_LIMIT || this.#size >= LIMIT) {
      const what = `${kindOf(subject)} by rules`
      this.#troubles.capped(container, what, moment.atMs, Math.max(1, count))
      return
    }
    container.ruled.add(key)
    this.#size++
    this.#judge.judge(container, key, fact)
  }

  /** The container is gone. */
  forget({ ruled }: ContainerState): void {
    this.#size -= ruled.size
    ruled.clear()
  }
}
