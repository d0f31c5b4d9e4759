/**
 * Images that are started and stopped one by one while a session learns containers. The session is told as of any other fact, so
 * that a trace replays to the same bytes; containers that run already are left as they are.
 */
import { failure } from '../errors.js'
import type { LearningChange, LearningModes } from '../service/baseline-actions.js'
import { type OnRecord, onRecord } from './on-record.js'
import type { Selection, SelectionChange } from './input.js'

/** Images that can be started or stopped; each is compared with every container that starts. */
const CHANGES_LIMIT = 64

interface Session {
  readonly selection: Selection
  readonly give: (change: SelectionChange) => void
}

export class SelectionModes implements LearningModes {
  readonly #record: OnRecord
  readonly #changes = new Map<string, boolean>()
  #session: Session | undefined
  #problem = 'it learns a command, or has not begun'

  constructor(record: OnRecord) {
    this.#record = record
  }

  /** Its probes are attached: from now on changes are given to it. */
  begin(selection: Selection, give: (change: SelectionChange) => void): void {
    this.#session = { selection, give }
  }

  /** It is over, or about to be. Idempotent. */
  end(): void {
    this.#session = undefined
    this.#problem = 'it is over'
  }

  start(ref: string, by: string, reason: string): Promise<LearningChange> {
    return this.#change({ image: ref, isLearned: true }, 'StartLearning', by, reason)
  }

  stop(ref: string, by: string, reason: string): Promise<LearningChange> {
    return this.#change({ image: ref, isLearned: false }, 'StopLearning', by, reason)
  }

  #change(
    change: SelectionChange,
    action: string,
    by: string,
    reason: string,
  ): Promise<LearningChange> {
    const intent = { actor: by, action, target: change.image, reason }
    return onRecord(
      this.#record,
      intent,
      async () => {
        const session = this.#session
        if (session === undefined) throw failure('LEARNING_FIXED', { problem: this.#problem })
        const changed = this.#note(change, session)
        if (changed) session.give(change)
        return { key: '', changed }
      },
      ({ changed }) => ({ changed }),
    )
  }

  /** Whether it is one; the session hears only of those. */
  #note({ image, isLearned }: SelectionChange, { selection }: Session): boolean {
    const changes = this.#changes
    const wasAsked = changes.size === 0 && (selection.all || selection.image === image)
    const last = [...changes.keys()].at(-1)
    if (isLearned && wasAsked) return false
    if (last === image && changes.get(image) === isLearned) return false
    if (!changes.has(image) && changes.size >= CHANGES_LIMIT) {
      const problem = `${changes.size} images were started or stopped already`
      throw failure('LEARNING_FIXED', { problem })
    }
    // The latest counts, so it goes to the end.
    changes.delete(image)
    changes.set(image, isLearned)
    return true
  }
}
