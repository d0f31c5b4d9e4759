/**
 * What becomes of what the matcher says: known, new, seen before, beyond its bounds. Keeps what was decided as a mark of what the
 * matcher counts, so that it goes when that goes. Pure.
 *
 *   new -> judge -> RAISED       further ones count up
 *               -> ALLOWED      further ones are nothing
 *               -> CONDITIONAL  allowed, but perhaps not to the next program: judged again whenever a process is known
 *
 * With DOUBT beside it, the policy or the baseline is another one meanwhile: judged again, once.
 */
import { kindOf } from './anomaly.js'
import type { ByRules } from './by-rules.js'
import type { ContainerState } from './detector-state.js'
import { KIND_CODE } from './fact-code.js'
import type { Fact, Judge, Verdict } from './judge.js'
import type { Ledger } from './ledger.js'
import type { Matcher } from './matcher.js'
import { OUTCOME, type Outcome } from './outcome.js'
import type { TallySerial } from './tally.js'
import type { Timeline } from './timeline.js'
import type { Troubles } from './troubles.js'

const RAISED = 1
const ALLOWED = 2
const CONDITIONAL = 3
/** A bit. */
export const DOUBT = 4

export interface FindingsParts {
  readonly matcher: Matcher
  readonly judge: Judge
  readonly ledger: Ledger
  readonly timeline: Timeline
  readonly troubles: Troubles
  readonly byRules: ByRules
}

export class Findings {
  readonly #parts: FindingsParts

  constructor(parts: FindingsParts) {
    this.#parts = parts
  }

  /** `outcome` is the matcher's last one, of that fact. */
  take(container: ContainerState, outcome: Outcome, fact: Fact): void {
    const { byRules, troubles } = this.#parts
    switch (outcome) {
      case OUTCOME.KNOWN:
        // Programs are few, and the thread that holds a timeline together.
        if (fact.subject.kind === 'exec') this.#note(container, fact)
        break
      case OUTCOME.UNTRACKED:
        break
      case OUTCOME.UNJUDGED:
        byRules.take(container, fact)
        this.#note(container, fact)
        break
      case OUTCOME.NEW:
        this.#first(container, fact)
        this.#note(container, fact)
        break
      case OUTCOME.NEW_ABI:
        this.#first(container, foreign(fact))
        byRules.take(container, fact)
        this.#note(container, foreign(fact))
        break
      case OUTCOME.REPEAT:
        if (this.#parts.matcher.countedKind !== KIND_CODE.abi) this.#again(container, fact)
        else {
          this.#again(container, foreign(fact))
          byRules.take(container, fact)
        }
        break
      case OUTCOME.CAPPED:
      case OUTCOME.CAPPED_REPEAT: {
        const what = `${kindOf(fact.subject)} of one container`
        troubles.capped(container, what, fact.moment.atMs, Math.max(1, fact.count))
        byRules.take(container, fact)
        break
      }
    }
  }

  #first(container: ContainerState, fact: Fact): void {
    const serial = this.#parts.matcher.counted
    if (serial !== undefined) this.#judge(container, serial, fact)
  }

  #again(container: ContainerState, fact: Fact): void {
    const { matcher, ledger } = this.#parts
    const serial = matcher.counted
    if (serial === undefined) return
    const { mark } = matcher
    if ((mark & DOUBT) !== 0) this.#reconsider(container, serial, fact, mark & ~DOUBT)
    else if (mark === RAISED) ledger.repeat(serial, fact.count, fact.moment.atMs)
    else if (mark === CONDITIONAL && fact.pid > 0) this.#judge(container, serial, fact)
  }

  #reconsider(container: ContainerState, serial: TallySerial, fact: Fact, before: number): void {
    const { judge, ledger } = this.#parts
    if (before !== RAISED) {
      // Who does it is not known, and would matter: somebody will be seen doing it.
      if (fact.pid === 0 && judge.decide(container, fact).isConditional) return
      this.#judge(container, serial, fact)
      return
    }
    const verdict = judge.decide(container, fact)
    if (verdict.allowed) {
      ledger.drop(serial)
      this.#remark(verdict)
    } else {
      if (fact.pid > 0 || !verdict.isConditional) this.#remark(verdict)
      ledger.repeat(serial, fact.count, fact.moment.atMs)
    }
  }

  #judge(container: ContainerState, serial: TallySerial, fact: Fact): void {
    this.#remark(this.#parts.judge.judge(container, serial, fact))
  }

  #remark({ allowed, isConditional }: Verdict): void {
    this.#parts.matcher.remark(allowed ? (isConditional ? CONDITIONAL : ALLOWED) : RAISED)
  }

  #note({ slot }: ContainerState, { subject, pid, lineage, moment }: Fact): void {
    this.#parts.timeline.note(slot, { atMs: moment.atMs, pid, lineage, subject })
  }
}

/** The fact as the ABI's. An argument is told beside its call, which counts already. */
function foreign(fact: Fact): Fact {
  const { subject, count } = fact
  if (subject.kind !== 'syscall' && subject.kind !== 'argument') return fact
  const { kind, abi, nr } = subject
  return { ...fact, subject: { kind: 'abi', abi, nr }, count: kind === 'syscall' ? count : 0 }
}
