/**
 * `/metrics`, `/healthz` and `/readyz` over HTTP. It has no authentication and answers anybody who reaches it, so that everything
 * about it is bounded: clients, the time each has, what it may send, and how often the work is done. It never ends the process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { asProblem, failure } from '../../errors.js'
import { type PublishedSocket, publishSocket } from '../unix-socket.js'
import { componentsOf, healthText } from './health.js'
import { type MetricsAddress, metricsAddressText } from './metrics-address.js'
import type { MetricsSource } from './metrics-source.js'
import { type Metrics, metricsOf } from './registry.js'

export interface MetricsOptions {
  readonly address: MetricsAddress
  readonly source: MetricsSource
  readonly nowMs: () => number
  /** How long a client has for all it wants. Default: 5000. */
  readonly connectionMs?: number
}

export interface MetricsServer {
  /** Where it listens; the port that was chosen where 0 was asked for. */
  readonly address: MetricsAddress
  /** Takes no more clients and cuts those that there are. Idempotent, never rejects. */
  stop(): Promise<void>
}

/** Clients at a time; more are hung up on. */
const CONNECTION_LIMIT = 32
const CONNECTION_MS = 5000
const HEADER_BYTES = 8 * 1024
const HEADER_LIMIT = 64
/** The metrics are made at most this often, however many ask. */
const FRESH_MS = 500

const PLAIN = 'text/plain; charset=utf-8'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Starts to serve. Throws `METRICS_FAILED` for an address that cannot be had, `LISTEN_FAILED` for such a path. */
export async function startMetrics(options: MetricsOptions): Promise<MetricsServer> {
  const { address, source, nowMs, connectionMs = CONNECTION_MS } = options
  const metrics = metricsOf(source)
  const page = freshPage(metrics, nowMs)
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: connectionMs,
    requestTimeout: connectionMs,
  })
  server.maxConnections = CONNECTION_LIMIT
  server.maxHeadersCount = HEADER_LIMIT
  server.on('request', (request, response) => {
    answerTo(request, options, page).then(
      (answer) => send(request, response, answer),
      () => send(request, response, plain(500, 'the metrics cannot be made\n')),
    )
  })
  const open = boundConnections(server, connectionMs)
  let published: PublishedSocket | undefined
  try {
    published = await listen(server, address)
  } catch (thrown) {
    metrics.close()
    server.close()
    throw thrown
  }
  const stop = async (): Promise<void> => {
    await published?.remove()
    metrics.close()
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    for (const socket of open) socket.destroy()
    await closed
  }
  let stopped: Promise<void> | undefined
  return { address: boundTo(server, address), stop: () => (stopped ??= stop()) }
}

/** Nobody stays for longer, whatever they send or do not read; returns those that are there. */
function boundConnections(server: Server, connectionMs: number): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    const timer = setTimeout(() => socket.destroy(), connectionMs)
    socket.once('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    socket.on('error', () => socket.destroy())
  })
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  })
  return open
}

async function listen(
  server: Server,
  address: MetricsAddress,
): Promise<PublishedSocket | undefined> {
  const bind = (where: { readonly path: string } | { readonly host: string; port: number }) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(where, () => {
        server.off('error', reject)
        // Accepting fails if the process has no descriptor left; the next client may have more luck.
        server.on('error', () => undefined)
        resolve()
      })
    })
  if (address.kind === 'unix') return publishSocket(address.path, (path) => bind({ path }))
  try {
    await bind({ host: address.host, port: address.port })
  } catch (thrown) {
    const problem = asProblem(thrown)
    throw failure('METRICS_FAILED', { address: metricsAddressText(address), problem }, thrown)
  }
  return undefined
}

function boundTo(server: Server, address: MetricsAddress): MetricsAddress {
  if (address.kind === 'unix') return address
  return { ...address, port: (server.address() as AddressInfo).port }
}

async function answerTo(
  { method, url }: IncomingMessage,
  { source, nowMs }: MetricsOptions,
  page: () => Promise<Answer>,
): Promise<Answer> {
  const path = (url ?? '').split('?', 1)[0]
  const isKnown = path === '/metrics' || path === '/healthz' || path === '/readyz'
  if (!isKnown) return plain(404, 'there is /metrics, /healthz and /readyz\n')
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD\n')
  if (path === '/metrics') return page()
  const components = componentsOf(source, nowMs())
  const isWell = (component: (typeof components)[number]): boolean =>
    path === '/readyz' ? component.isReady : component.isAlive
  return plain(components.every(isWell) ? 200 : 503, healthText(components, isWell))
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

/** The page, made anew only if the last one is too old: who asks all the time costs no more than who asks twice a second. */
function freshPage(metrics: Metrics, nowMs: () => number): () => Promise<Answer> {
  let made: Promise<Answer> | undefined
  let madeMs = 0
  return () => {
    const now = nowMs()
    if (made === undefined || now - madeMs >= FRESH_MS || now < madeMs) {
      madeMs = now
      made = metrics.text().then((body) => ({ status: 200, type: metrics.contentType, body }))
      made.catch(() => (made = undefined))
    }
    return made
  }
}

function plain(status: number, body: string): Answer {
  return { status, type: PLAIN, body }
}
