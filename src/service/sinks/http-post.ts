/**
 * One POST at a time over a connection that is kept: what the answer means, and nothing of what is posted. Redirects are not
 * followed, and of the answer's body no more is read than it takes to use the connection again.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { asProblem } from '../../errors.js'
import { readHeaderFile, readTlsFiles, type TlsFiles } from './credentials.js'
import type { SinkClock, Trouble } from './target.js'

export interface HttpPostOptions {
  readonly url: URL
  readonly contentType: string
  readonly userAgent: string
  readonly headerFile: string | undefined
  readonly tls: TlsFiles
  /** From the beginning of a request until its answer. */
  readonly timeoutMs: number
  readonly clock: SinkClock
}

/** What the answer means for what was posted. */
export type Answer =
  | { readonly kind: 'taken' }
  /** It will never be taken as it is. */
  | { readonly kind: 'refused'; readonly problem: string }
  | ({ readonly kind: 'failed' } & Trouble)

const BODY_BYTES_LIMIT = 64 * 1024

interface Connection {
  readonly agent: HttpAgent
  readonly headers: Readonly<Record<string, string>>
}

export class HttpPost {
  readonly #options: HttpPostOptions
  #connection: Connection | undefined

  constructor(options: HttpPostOptions) {
    this.#options = options
  }

  /** Reads what is needed to connect; rejects if that cannot be used. */
  async prepare(): Promise<void> {
    const { url, tls, headerFile } = this.#options
    if (this.#connection !== undefined) return
    const headers = headerFile === undefined ? {} : await readHeaderFile(headerFile)
    const pool = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 }
    const agent =
      url.protocol === 'https:'
        ? new HttpsAgent({ ...pool, ...(await readTlsFiles(tls)), minVersion: 'TLSv1.2' })
        : new HttpAgent(pool)
    this.#connection = { agent, headers }
  }

  /** Posts the body. Never rejects. */
  async post(body: string, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#posted(body, signal).catch((thrown: unknown): Answer => ({
      kind: 'failed',
      problem: asProblem(thrown),
    }))
    // The next attempt reads the files again, and looks up the host again.
    if (answer.kind === 'failed') this.close()
    return answer
  }

  close(): void {
    this.#connection?.agent.destroy()
    this.#connection = undefined
  }

  async #posted(body: string, signal: AbortSignal): Promise<Answer> {
    await this.prepare()
    const sent = await this.#send(body, signal)
    // The server had closed the kept connection, as it may at any time.
    return sent === 'stale' ? this.#final(await this.#send(body, signal)) : sent
  }

  #final(sent: Answer | 'stale'): Answer {
    return sent === 'stale' ? { kind: 'failed', problem: 'the connection was reset' } : sent
  }

  #send(body: string, signal: AbortSignal): Promise<Answer | 'stale'> {
    const { url, clock, timeoutMs, contentType, userAgent } = this.#options
    const { agent, headers } = this.#connection ?? {}
    const bytes = Buffer.from(body)
    return new Promise((resolve) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest
      const request = send(url, {
        method: 'POST',
        agent,
        headers: {
          'User-Agent': userAgent,
          ...headers,
          'Content-Type': contentType,
          'Content-Length': bytes.length,
        },
      })
      const end = (answer: Answer | 'stale'): void => {
        cancel()
        signal.removeEventListener('abort', giveUp)
        resolve(answer)
      }
      let known: Answer | undefined
      const fail = (problem: string): void => {
        request.destroy()
        end(known ?? { kind: 'failed', problem })
      }
      const giveUp = (): void => fail('the sink stops')
      const cancel = clock.after(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`))
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp)
      request.on('response', (response) => {
        const answer = answerOf(response, clock.nowMs())
        known = answer
        letGo(response, () => end(answer))
      })
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && error.code === 'ECONNRESET') end('stale')
        else fail(asProblem(error) || (error.code ?? 'cannot connect'))
      })
      request.end(bytes)
    })
  }
}

/** Reads the rest of the answer, so that the connection can be kept; of a long one it is given up. */
function letGo(response: IncomingMessage, done: () => void): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > BODY_BYTES_LIMIT) response.destroy()
  })
  response.on('error', () => undefined)
  response.on('close', done)
}

/** Answers that say nothing about what was posted: the target is busy, or does not let us in (yet). */
const NOT_ITS_FAULT: ReadonlySet<number> = new Set([401, 403, 407, 408, 425, 429])

function answerOf({ statusCode = 0, headers }: IncomingMessage, nowMs: number): Answer {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'taken' }
  const problem = `the target answered ${statusCode}`
  if (statusCode >= 400 && statusCode < 500 && !NOT_ITS_FAULT.has(statusCode)) {
    return { kind: 'refused', problem }
  }
  if (statusCode >= 300 && statusCode < 400) {
    return { kind: 'failed', problem: `${problem}, and redirects are not followed` }
  }
  const retryAfterMs = retryAfter(headers['retry-after'], nowMs)
  return { kind: 'failed', problem, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : undefined
}
