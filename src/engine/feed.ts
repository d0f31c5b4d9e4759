/**
 * The one door into a live session: gives each input its time, writes it to the trace if there is one, and then lets the
 * session have it. What the session asks for in return is handed to whoever answers.
 */
import type { Input } from './input.js'
import type { LearningSession } from './session.js'
import type { Request } from './session-events.js'
import type { TraceWriter } from './trace-file.js'

/** An input before it has its time. */
export type Fact = Input extends infer One ? (One extends Input ? Omit<One, 'atMs'> : never) : never

export interface FeedOptions {
  readonly session: LearningSession
  readonly trace: TraceWriter | undefined
  readonly nowMs: () => number
  /** Must not call back into the feed synchronously. */
  readonly onRequest: (request: Request) => void
  /** Told of each chunk of the sensor's bytes how many seconds it took to be decoded and judged. */
  readonly judgedIn?: (seconds: number) => void
}

export class Feed {
  readonly #options: FeedOptions
  #lastMs = 0
  #ended = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Takes one fact. Times never go back, even where the wall clock does. After `end` nothing is taken any more. */
  give(fact: Fact): void {
    if (this.#ended) return
    const { session, trace, nowMs, onRequest, judgedIn } = this.#options
    this.#lastMs = Math.max(this.#lastMs, Math.floor(nowMs()))
    const input = { ...fact, atMs: this.#lastMs } as Input
    this.#ended = fact.kind === 'end'
    trace?.add(input)
    if (judgedIn !== undefined && fact.kind === 'sensor-bytes') {
      const begun = performance.now()
      session.apply(input)
      judgedIn((performance.now() - begun) / 1000)
    } else session.apply(input)
    for (const request of session.takeRequests()) onRequest(request)
  }
}
