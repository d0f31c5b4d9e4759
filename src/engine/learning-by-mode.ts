/** Starting and stopping to learn an image that is enforced: its mode becomes `learn`, and `enforce` again. On record. */
import type { LearningChange, LearningModes } from '../service/baseline-actions.js'
import type { ControlSource, Mode } from '../service/control/control-source.js'
import { type OnRecord, onRecord } from './on-record.js'

export class LearningByMode implements LearningModes {
  readonly #record: OnRecord
  readonly #control: Pick<ControlSource, 'modes' | 'setMode'>

  constructor(record: OnRecord, control: Pick<ControlSource, 'modes' | 'setMode'>) {
    this.#record = record
    this.#control = control
  }

  start(ref: string, by: string, reason: string): Promise<LearningChange> {
    return this.#set(ref, 'learn', { actor: by, action: 'StartLearning', target: ref, reason })
  }

  stop(ref: string, by: string, reason: string): Promise<LearningChange> {
    return this.#set(ref, 'enforce', { actor: by, action: 'StopLearning', target: ref, reason })
  }

  #set(image: string, mode: Mode, intent: Parameters<typeof onRecord>[1]): Promise<LearningChange> {
    const { actor, reason } = intent
    return onRecord(
      this.#record,
      intent,
      async () => {
        const before = new Map(this.#control.modes().map((each) => [each.key, each.mode]))
        const { key } = await this.#control.setMode({ image, mode, actor, reason })
        return { key, changed: (before.get(key) ?? 'enforce') !== mode }
      },
      ({ key, changed }) => ({ key, changed }),
    )
  }
}
