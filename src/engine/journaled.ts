/** What goes into the journal of all that enforcement tells, and how. */
import type { Anomaly } from '../detect/anomaly.js'
import type { ResponseResult } from '../respond/request.js'
import { anomalyMessage } from '../service/anomaly-message.js'
import type { BaselineChanged } from '../service/baseline-actions.js'
import { actionResultOf } from '../service/control/action-result.js'
import type { ImageMode, Released, ReleaseOrder } from '../service/control/control-source.js'
import type { Journal } from '../service/journal/journal.js'

/** Writes events to a journal; returns at once, see `Journal.append`. */
export class Journaled {
  readonly #journal: Pick<Journal, 'append'>
  readonly #nowMs: () => number

  constructor(journal: Pick<Journal, 'append'>, nowMs: () => number) {
    this.#journal = journal
    this.#nowMs = nowMs
  }

  raised(anomaly: Anomaly): void {
    this.#journal.append({ atMs: this.#nowMs(), anomaly: anomalyMessage(anomaly, 'new') })
  }

  repeated(anomaly: Anomaly): void {
    this.#journal.append({ atMs: this.#nowMs(), anomaly: anomalyMessage(anomaly, 'repeated') })
  }

  responded(result: ResponseResult): void {
    this.#journal.append({ atMs: this.#nowMs(), actionResult: actionResultOf(result) })
  }

  released({ incident, outcome, details }: Released, { actor, reason }: ReleaseOrder): void {
    const detail = details.join('; ')
    const done = outcome === 'released' ? 'done' : outcome
    const actionResult = { incident, action: 'release', outcome: done, actor, reason, detail }
    this.#journal.append({ atMs: this.#nowMs(), actionResult })
  }

  baselineChanged(change: BaselineChanged): void {
    this.#journal.append({ atMs: this.#nowMs(), baselineChange: { ...change } })
  }

  modeSet({ key, imageName, mode, actor, reason }: ImageMode): void {
    const what = `mode ${mode}`
    const baselineChange = { baselineKey: key, imageName, what, actor, reason }
    this.#journal.append({ atMs: this.#nowMs(), baselineChange })
  }
}
