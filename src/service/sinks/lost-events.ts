/**
 * What a sink could not keep for its target and has not told it of yet, as one gap per cause. Bounded; no I/O.
 */
import { plimsoll } from '../../gen/plimsoll.js'
import type { SinkMessage } from './target.js'

/** Why events are lost to a sink: dropped by the journal, or further behind than its queue. */
export type LossCause = 'retention' | 'queue'

interface Loss {
  count: number
  from: number
  to: number
  /** By kind and severity, where the events were seen. */
  readonly anomalies: Map<string, plimsoll.v1.GapCount.$Properties>
}

export class LostEvents {
  readonly #losses = new Map<LossCause, Loss>()
  readonly #isFiltered: boolean

  /** `isFiltered`: the sink does not want all anomalies, so that of events that were not seen it might not have wanted some. */
  constructor(isFiltered: boolean) {
    this.#isFiltered = isFiltered
  }

  get isEmpty(): boolean {
    return this.#losses.size === 0
  }

  /** The journal keeps none of those any more, both included. */
  dropped(from: number, to: number): void {
    this.#add('retention', from, to, to - from + 1)
  }

  /** The event is left out, because the sink is too far behind. */
  skipped(sequence: number, { anomaly }: SinkMessage): void {
    const loss = this.#add('queue', sequence, sequence, 1)
    if (anomaly == null) return
    const { kind, severity } = anomaly
    const key = `${kind ?? 0}-${severity ?? 0}`
    const counted = loss.anomalies.get(key)
    loss.anomalies.set(key, {
      kind: kind ?? 0,
      severity: severity ?? 0,
      count: Number(counted?.count ?? 0) + 1,
    })
  }

  /** The gaps, in the order of their first sequences, as messages that are in no journal. */
  messages(atMs: number): readonly { readonly cause: LossCause; readonly message: SinkMessage }[] {
    return [...this.#losses]
      .toSorted(([, one], [, other]) => one.from - other.from)
      .map(([cause, loss]) => ({
        cause,
        message: { cursor: '', atMs, gap: this.#gap(cause, loss) },
      }))
  }

  /** The target has the gap of that cause. */
  told(cause: LossCause): void {
    this.#losses.delete(cause)
  }

  #add(cause: LossCause, from: number, to: number, count: number): Loss {
    const loss = this.#losses.get(cause) ?? { count: 0, from, to, anomalies: new Map() }
    loss.count += count
    loss.from = Math.min(loss.from, from)
    loss.to = Math.max(loss.to, to)
    this.#losses.set(cause, loss)
    return loss
  }

  #gap(cause: LossCause, { count, from, to, anomalies }: Loss): plimsoll.v1.Gap.$Properties {
    const { GAP_CAUSE_RETENTION, GAP_CAUSE_SINK } = plimsoll.v1.GapCause
    const some = this.#isFiltered ? '; some of them may not have been for this sink' : ''
    return {
      cause: cause === 'queue' ? GAP_CAUSE_SINK : GAP_CAUSE_RETENTION,
      count,
      fromSequence: from,
      toSequence: to,
      anomalies: [...anomalies.values()],
      detail:
        cause === 'queue'
          ? 'the target was away for longer than the queue of the sink holds'
          : `the journal does not keep them any more${some}`,
    }
  }
}
