/**
 * Floods of the service: connections that say nothing, or begin TLS and stop; frames without end. It stays up, serves others
 * meanwhile, and its memory is bounded. Says the rates that were reached.
 */
import { type ChildProcess, execFile, execFileSync, fork } from 'node:child_process'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { ServerNews } from '../support/access-server.js'
import { Certificates, type Presented } from '../support/certificates.js'
import { frame, headers, poured } from '../support/http2-frames.js'
import { until } from '../support/live/until.js'
import { seeded } from '../support/seeded.js'
import { socketClient, socketDirectory, tlsClient } from '../support/served-stubs.js'
import { METHODS } from '../support/stub-services.js'

const RATE = 10_000
const SECONDS = 10
const MIB = 1024 * 1024

interface Flooded {
  readonly certificates: Certificates
  readonly presented: Presented
  readonly path: string
  readonly child: ChildProcess
  readonly news: ServerNews[]
  readonly port: number
}

async function started(t: Test): Promise<Flooded> {
  const certificates = await Certificates.make(t, '{ role: viewer, subject: { CN: "*" } }')
  const presented = await certificates.add({ name: 'siem' })
  const path = join(socketDirectory(t), 's')
  const child = fork(join(import.meta.dirname, '../support/access-server.js'), [
    certificates.directory,
    path,
  ])
  t.teardown(() => child.kill())
  const news: ServerNews[] = []
  child.on('message', (message) => news.push(message as ServerNews))
  await until('the server', () => news.length > 0, 60_000)
  return { certificates, presented, path, child, news, port: news[0]?.port ?? 0 }
}

function statsMethod(): (typeof METHODS)[number] {
  const found = METHODS.find(({ name }) => name === 'plimsoll.v1.Monitor/GetStats')
  if (found === undefined) throw new Error('no such method')
  return found
}

/** Milliseconds of each call, made one after the other until the flood is over. */
async function timed(call: () => Promise<unknown>, isOver: () => boolean): Promise<number[]> {
  const took: number[] = []
  while (!isOver()) {
    const before = performance.now()
    await call()
    took.push(performance.now() - before)
    await pause(20)
  }
  return took.sort((one, other) => one - other)
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

/** A TLS connection from another address than the flood's; true if it was made. */
function newcomer({ port, certificates, presented }: Flooded): Promise<boolean> {
  const socket = connectTls({
    socket: connectSocket({ host: '127.0.0.1', localAddress: '127.0.0.2', port }),
    ...presented,
    ca: certificates.ca,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
  })
  return new Promise((resolve) => {
    // The server's settings: only a client that was let in gets them.
    socket.once('secureConnect', () =>
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0'),
    )
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

const KINDS: readonly [name: string, bytes: string][] = [
  ['say nothing', ''],
  ['begin TLS and stop', '\u0016\u0003\u0001\u0002'],
]

for (const [kind, bytes] of KINDS) {
  t.test(`10000 connections a second that ${kind} take nothing from others`, async (t) => {
    const flooded = await started(t)
    const { certificates, presented, path, news, port, child } = flooded
    const flooder = join(certificates.directory, 'connect-flood')
    execFileSync('gcc', ['-O2', '-o', flooder, 'test/fixtures/connect-flood.c'])
    const [overTls, overSocket] = [
      tlsClient(t, port, certificates.ca, presented),
      socketClient(t, path),
    ]
    const method = statsMethod()
    t.match(await overTls.call(method), { status: 0 })
    const before = news.at(-1)
    news.length = 0
    let isOver = false
    const failures: number[] = []
    const call = async (): Promise<void> => {
      for (const client of [overTls, overSocket]) {
        const { status } = await client.call(method)
        if (status !== 0) failures.push(status)
      }
    }
    const newcomers: boolean[] = []
    const comeNew = async (): Promise<void> => {
      newcomers.push(await newcomer(flooded))
      await pause(100)
    }
    const args = [String(port), String(RATE), String(SECONDS), bytes]
    const flood = promisify(execFile)(flooder, args).finally(() => (isOver = true))
    const [{ stdout }, calls, coming] = await Promise.all([
      flood,
      timed(call, () => isOver),
      timed(comeNew, () => isOver),
    ])
    const [connects = 0, refused = 0, seconds = 1] = stdout.trim().split(' ').map(Number)
    const seen = Math.max(...news.map(({ memoryBytes }) => memoryBytes))
    const pending = Math.max(...news.map(({ counts }) => counts[0]?.pending ?? 0))
    const delayMs = Math.max(...news.map((each) => each.delayMs))
    const accepted = (news.at(-1)?.counts[0]?.accepted ?? 0) - (before?.counts[0]?.accepted ?? 0)
    t.comment(
      `${Math.round(connects / seconds)} connects/s tried for ${seconds.toFixed(1)} s, ${Math.round(accepted / seconds)}/s accepted, ${refused} refused by the kernel; ` +
        `loop held up for ${Math.round(delayMs)} ms at most; memory ${Math.round((before?.memoryBytes ?? 0) / MIB)} -> ${Math.round(seen / MIB)} MiB at most`,
    )
    t.comment(
      `pairs of calls meanwhile: ${calls.length}, median ${quantile(calls, 0.5)} ms, 99 % ${quantile(calls, 0.99)} ms, longest ${quantile(calls, 1)} ms; ` +
        `new connections: ${newcomers.filter(Boolean).length} of ${newcomers.length}, longest ${quantile(coming, 1)} ms`,
    )
    t.same(failures, [], 'who was there is served')
    t.ok(calls.length > 5)
    t.ok(newcomers.filter(Boolean).length >= newcomers.length * 0.9, 'who comes is let in')
    t.ok(pending <= 256)
    t.ok(seen < (before?.memoryBytes ?? 0) + 300 * MIB)
    await until('all to be gone', () => news.at(-1)?.counts[0]?.pending === 0, 20_000)
    t.match(await overTls.call(method), { status: 0 })
    t.equal(child.exitCode, null)
  })
}

t.test('frames without end, or without sense, end their own connection at most', async (t) => {
  const { path, news, child, port, certificates, presented } = await started(t)
  // Another caller: those of one socket are one, and share what one may have on its way.
  const client = tlsClient(t, port, certificates.ca, presented)
  const method = statsMethod()
  const call = headers(method.definition.path)
  const random = seeded(7)
  const times = (count: number, make: (index: number) => Buffer): Buffer[] =>
    Array.from({ length: count }, (_, index) => make(index))
  const CANCEL = Buffer.of(0, 0, 0, 8)
  const streamOf = (index: number): number => 1 + 2 * index
  const cases: readonly [name: string, chunks: Buffer[]][] = [
    [
      'rapid reset (CVE-2023-44487)',
      times(20_000, (index) =>
        Buffer.concat([frame(1, 4, streamOf(index), call), frame(3, 0, streamOf(index), CANCEL)]),
      ),
    ],
    [
      'rapid reset of what is no method',
      times(20_000, (index) =>
        Buffer.concat([
          frame(1, 5, streamOf(index), headers('/x/y')),
          frame(3, 0, streamOf(index), CANCEL),
        ]),
      ),
    ],
    ['pings', times(100_000, () => frame(6, 0, 0, Buffer.alloc(8)))],
    ['settings', times(100_000, () => frame(4, 0, 0))],
    ['empty data', [frame(1, 4, 1, call), ...times(100_000, () => frame(0, 0, 1))]],
    [
      'continuations',
      [frame(1, 0, 1, call), ...times(10_000, () => frame(9, 0, 1, Buffer.alloc(9)))],
    ],
    ['priorities', times(100_000, () => frame(2, 0, 3, Buffer.of(0, 0, 0, 5, 1)))],
    ['window updates', times(100_000, () => frame(8, 0, 0, Buffer.of(0, 0, 0, 1)))],
    ['calls that never end', times(1000, (index) => frame(1, 4, streamOf(index), call))],
    [
      'long headers',
      times(200, (index) =>
        frame(
          1,
          5,
          streamOf(index),
          headers(
            method.definition.path,
            Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'y'.repeat(120)]),
          ),
        ),
      ),
    ],
    [
      'odd paths',
      times(200, (index) => frame(1, 5, streamOf(index), headers(`/\x80\xff%\n ${index}`))),
    ],
    [
      'random frames',
      times(5000, () =>
        frame(
          Math.floor(random() * 12),
          Math.floor(random() * 256),
          Math.floor(random() * 16),
          Buffer.from(
            Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)),
          ),
        ),
      ),
    ],
  ]
  for (const [name, chunks] of cases) {
    await Promise.all([poured(path, chunks), poured(path, chunks)])
    t.match(await client.call(method), { status: 0 }, `${name}: others are served`)
    t.equal(child.exitCode, null)
  }
  await until('all to be gone', () => news.at(-1)?.counts[1]?.open === 0, 60_000)
  const most = Math.max(...news.map(({ memoryBytes }) => memoryBytes))
  t.comment(`memory at most ${Math.round(most / MIB)} MiB`)
  t.ok(most < 500 * MIB)
})
