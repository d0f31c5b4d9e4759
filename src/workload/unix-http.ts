/**
 * One GET over a Unix socket, with a bound on time (the caller's signal) and on size. A runtime's answer can hold what a
 * container's author wrote (labels, environment), so it is never read without a bound.
 */
import { request } from 'node:http'

/** Status and body of an answer. */
export interface SocketAnswer {
  readonly status: number
  readonly body: string
}

/** Answers larger than this are refused: an inspect answer has a few KiB, one with huge labels some hundred. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * The answer to `GET path` on the socket. `path` must be encoded already. Rejects when there is no listener, the
 * connection breaks, `signal` is aborted or the body exceeds `maxBytes`.
 */
export function getFromSocket(
  socketPath: string,
  path: string,
  signal: AbortSignal,
  maxBytes: number = MAX_ANSWER_BYTES,
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      // No agent: a kept-alive connection would outlive the daemon's restart and fail the next question.
      { socketPath, path, signal, agent: false, headers: { Host: 'localhost' } },
      (answer) => {
        const chunks: Buffer[] = []
        let size = 0
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > maxBytes) answer.destroy(new Error(`answer is larger than ${maxBytes} bytes`))
          else chunks.push(chunk)
        })
        answer.on('error', reject)
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') })
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
