/**
 * One client that watches the session. Its stream is written to only as long as it takes more; the rest waits in a bounded
 * queue, so that a client which does not read costs a fixed amount of memory and delays nobody.
 */
import { EventQueue } from './event-queue.js'
import { eventMessage, stateMessage, type WatchMessage } from './learning-message.js'
import type { LearningEvent, LearningSource, ServiceClock } from './learning-source.js'

/** Events that wait for a slow client; a container that starts brings some hundreds at once. */
export const QUEUE_LIMIT = 2048

/** The side of a gRPC stream that is written to. */
export interface WatchStream {
  /** False if no more should be written until `drain`. */
  write(message: WatchMessage): boolean
  /** Ends the stream with OK once all is sent. */
  end(): void
  on(event: 'drain', listener: () => void): unknown
}

export interface WatchOptions {
  readonly stream: WatchStream
  readonly source: LearningSource
  readonly clock: ServiceClock
  readonly heartbeatMs: number
  readonly queueLimit: number
}

export class LearningWatch {
  readonly #stream: WatchStream
  readonly #clock: ServiceClock
  readonly #queue: EventQueue<LearningEvent>
  readonly #releases: readonly (() => void)[]
  /** The stream wants to be left alone until it drains. */
  #isBlocked = false
  #state: 'open' | 'finishing' | 'closed' = 'open'

  /** Begins at once: writes how things stand, then every event from now on. */
  constructor({ stream, source, clock, heartbeatMs, queueLimit }: WatchOptions) {
    this.#stream = stream
    this.#clock = clock
    this.#queue = new EventQueue(queueLimit)
    stream.on('drain', () => {
      this.#isBlocked = false
      this.#flush()
    })
    this.#write(stateMessage(clock.nowMs(), source.state()))
    this.#releases = [
      source.subscribe((event) => this.#told(event)),
      clock.every(heartbeatMs, () => this.#beat()),
    ]
  }

  /** The session is over: what waits is sent, then `session_ended`, then the stream ends. */
  finish(): void {
    if (this.#state !== 'open') return
    this.#state = 'finishing'
    this.#release()
    this.#flush()
  }

  /** The client is gone: nothing more is written. Idempotent. */
  close(): void {
    if (this.#state === 'open') this.#release()
    this.#state = 'closed'
  }

  #told(event: LearningEvent): void {
    this.#queue.push(event)
    this.#flush()
  }

  /** A client that has events to read needs no sign of life. */
  #beat(): void {
    if (!this.#isBlocked && this.#queue.isEmpty) {
      this.#write({ atMs: this.#clock.nowMs(), heartbeat: {} })
    }
  }

  #flush(): void {
    while (!this.#isBlocked && this.#state !== 'closed') {
      const next = this.#queue.take()
      if (next === undefined) {
        if (this.#state === 'finishing') this.#end()
        return
      }
      this.#write(
        next.kind === 'event'
          ? eventMessage(next.event)
          : { atMs: this.#clock.nowMs(), skipped: { count: next.count } },
      )
    }
  }

  #end(): void {
    this.#state = 'closed'
    this.#stream.write({ atMs: this.#clock.nowMs(), sessionEnded: {} })
    this.#stream.end()
  }

  #write(message: WatchMessage): void {
    this.#isBlocked = !this.#stream.write(message)
  }

  #release(): void {
    for (const release of this.#releases) release()
  }
}
