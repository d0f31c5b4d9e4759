/**
 * A server with the real journal to which anomalies flow, and `plimsoll watch --out` that follows it, both killed at random
 * moments and started again at once; then the file of the client is compared with the journal.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { LevelJournal } from '../../src/service/journal/level-journal.js'
import { until } from './live/until.js'
import { seeded } from './seeded.js'
import { FIXTURES, MAIN } from './repository.js'

/** A client whose service was killed tries again every 10 s at worst, and processes start slowly on a busy machine. */
const PATIENCE_MS = 60_000

const SERVER = join(FIXTURES, 'kill-resume/server.mjs')

const VICTIMS = ['client', 'server', 'both'] as const
type Victim = (typeof VICTIMS)[number]

export interface KillReport {
  readonly kills: Readonly<Record<Victim, number>>
  /** Lines of the file of the client that are no anomaly of the journal in its place. */
  readonly lost: number
  readonly twice: number
  readonly isOrdered: boolean
  readonly gaps: number
  readonly events: number
  readonly journaled: number
  /** From a server that listens again until the client, which lived on, has its next event; milliseconds. */
  readonly reconnects: readonly number[]
  /** How the client ended when it was asked to, and what it said. */
  readonly exit: number | null
}

/** A process that is started again whenever it was killed. */
class Kept {
  readonly #args: readonly string[]
  #child: ChildProcess
  #said = ''

  constructor(args: readonly string[]) {
    this.#args = args
    this.#child = this.#start()
  }

  get said(): string {
    return this.#said
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The exit code, once it ended. */
  async ended(): Promise<number | null> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise<void>((resolve) => child.once('exit', () => resolve()))
    }
    return child.exitCode
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended()
  }

  again(): void {
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    this.#said = ''
    const child = spawn(process.execPath, this.#args, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    return child
  }
}

/** Kills so many times, by the seed. */
export async function killAndResume(t: Test, kills: number, seed: number): Promise<KillReport> {
  const random = seeded(seed)
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  const [socket, journal, out] = ['s', 'journal', 'out.jsonl'].map((name) => join(directory, name))
  if (socket === undefined || journal === undefined || out === undefined) throw new Error('no path')
  const server = new Kept([SERVER, socket, journal])
  const client = new Kept([
    MAIN,
    'watch',
    '--address',
    `unix:${socket}`,
    '--from',
    'earliest',
    '--out',
    out,
  ])
  t.teardown(async () => {
    await Promise.all([server.kill(), client.kill()])
    rmSync(directory, { recursive: true, force: true })
  })
  const size = (): number => statSync(out, { throwIfNoEntry: false })?.size ?? 0
  const grown = async (): Promise<void> => {
    const before = size()
    await until('the client goes on', () => size() > before, PATIENCE_MS)
  }
  const counts = { client: 0, server: 0, both: 0 }
  const reconnects: number[] = []
  await grown()
  for (let kill = 0; kill < kills; kill++) {
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'both'
    counts[victim]++
    if (victim !== 'client') await server.kill()
    if (victim !== 'server') await client.kill()
    if (victim !== 'client') server.again()
    if (victim !== 'server') client.again()
    // Some die before they have begun, most while events flow. Which moment it is does not matter, only that it is another each
    // time.
    const isEarly = random() < 0.25
    const moment = random()
    if (isEarly) await setTimeout(moment * 400)
    else {
      if (victim !== 'client')
        await until('the server listens', () => server.said.includes('ready'), PATIENCE_MS)
      const startedMs = performance.now()
      await grown()
      if (victim === 'server') reconnects.push(performance.now() - startedMs)
      await setTimeout(moment * 150)
    }
  }
  await until('the server listens', () => server.said.includes('ready'), PATIENCE_MS)
  server.signal('SIGUSR2')
  await until('all is durable', () => server.said.includes('last '), PATIENCE_MS)
  const last = Number(/last (\d+)/.exec(server.said)?.[1])
  await until(
    'the client has the last',
    () => readFileSync(out, 'utf8').includes(`-${last}",`),
    PATIENCE_MS,
  )
  client.signal('SIGTERM')
  const exit = await client.ended()
  await server.kill()
  return { kills: counts, reconnects, exit, ...(await compared(out, journal)) }
}

type Comparison = Omit<KillReport, 'kills' | 'reconnects' | 'exit'>

interface Line {
  readonly type: string
  readonly cursor: string
  readonly id: string
}

async function compared(out: string, directory: string): Promise<Comparison> {
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
  const all = lines.map((line) => JSON.parse(line) as Line)
  const had = all
    .filter(({ type }) => type === 'anomaly')
    .map(({ cursor, id }) => `${cursor} ${id}`)
  const kept = await journaled(directory)
  const once = new Set(had)
  return {
    events: had.length,
    journaled: kept.length,
    lost: kept.filter((each) => !once.has(each)).length,
    twice: had.length - once.size,
    isOrdered: had.length === kept.length && had.every((each, i) => each === kept[i]),
    gaps: all.filter(({ type }) => type === 'gap').length,
  }
}

async function journaled(directory: string): Promise<readonly string[]> {
  const clock = {
    nowMs: Date.now,
    sleep: (ms: number, signal?: AbortSignal) =>
      setTimeout(ms, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) }).catch(
        () => undefined,
      ),
  }
  const journal = await LevelJournal.open({ directory, clock })
  const found: string[] = []
  for (let after = 0; ;) {
    const page = await journal.read(after, 1000)
    for (const { message } of page)
      found.push(`${message.cursor ?? ''} ${message.anomaly?.id ?? ''}`)
    after = page.at(-1)?.sequence ?? 0
    if (page.length === 0) break
  }
  await journal.close()
  return found
}
