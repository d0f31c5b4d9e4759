/** Requests to a server on loopback, as many as asked for, over connections that stay open as browsers keep them. */
import { connect } from 'node:net'

const CONNECTIONS = 16
/** Requests on their way at a time on each connection. */
const DEPTH = 8
const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const ANSWER = Buffer.from('HTTP/1.1 200 OK')

/** Makes `count` requests for `/` and waits for every answer. Servers may end connections between answers. */
export async function load(
  port: number,
  count: number,
): Promise<{ readonly count: number; readonly ms: number }> {
  const startedMs = Date.now()
  let left = count
  let answered = 0
  const run = async (): Promise<void> => {
    while (left > 0) {
      const { answers, unanswered } = await overOne(port, () => {
        if (left <= 0) return false
        left--
        return true
      })
      answered += answers
      left += unanswered
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, run))
  return { count: answered, ms: Date.now() - startedMs }
}

/** One connection, until no more is wanted or the server ends it. */
function overOne(
  port: number,
  take: () => boolean,
): Promise<{ readonly answers: number; readonly unanswered: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answers = 0
    let underWay = 0
    let rest = Buffer.alloc(0)
    const fill = (): void => {
      let text = ''
      while (underWay < DEPTH && take()) {
        underWay++
        text += REQUEST
      }
      if (text !== '') socket.write(text)
      else if (underWay === 0) socket.end()
    }
    socket.on('connect', fill)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let at = rest.indexOf(ANSWER); at >= 0; at = rest.indexOf(ANSWER)) {
        rest = rest.subarray(at + ANSWER.length)
        answers++
        underWay--
      }
      rest = rest.subarray(Math.max(0, rest.length - ANSWER.length))
      fill()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What was on its way when the server ended the connection is asked for again.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => resolve({ answers, unanswered: underWay }))
  })
}
