/**
 * What was answered to which request, by caller and key, so that a request that comes again is answered and not done again: kept in
 * `STATE/control/idempotency.jsonl`, also across restarts, for a day and for the latest 10,000.
 *
 *   {"id":..,"request":..,"atMs":..}                 on disk before anything is done
 *   {"id":..,"request":..,"atMs":..,"answer":".."}   when it is done
 *
 * The later line of an id counts. The file is written anew, whole or not at all, when it has grown to twice what it needs. A line that
 * a crash left unfinished is no line: nothing had been done, or its end is not known, which `begin` says.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asProblem, failure } from '../../errors.js'
import { memberAt, parseJson, stringAt } from '../../workload/json-fields.js'

/** What is known of a request that comes. */
export type Begun =
  | { readonly kind: 'new' }
  /** It was begun, and what came of it is not on record: the process ended meanwhile. */
  | { readonly kind: 'unfinished' }
  /** The bytes that `done` was given. */
  | { readonly kind: 'answered'; readonly answer: Uint8Array }

interface Kept {
  readonly id: string
  readonly request: string
  readonly atMs: number
  /** base64. */
  readonly answer?: string
}

const KEPT_LIMIT = 10_000
const KEPT_MS = 24 * 60 * 60 * 1000
/** Lines beyond those that count. */
const SLACK = 1000

export class Idempotency {
  readonly #path: string
  readonly #nowMs: () => number
  /** By id, in the order of `atMs`. */
  #kept: Map<string, Kept> | undefined
  #lines = 0
  #working: Promise<unknown> = Promise.resolve()

  /** Nothing is read before the first request. */
  constructor(stateDirectory: string, nowMs: () => number) {
    this.#path = join(stateDirectory, 'control', 'idempotency.jsonl')
    this.#nowMs = nowMs
  }

  /**
   * Takes the request down, durably, if it is new; `request` is all that it asks for. Throws `IDEMPOTENCY_KEY_USED` if another
   * request had the key, `FILE_UNWRITABLE` if it cannot be taken down: then nothing may be done.
   */
  begin(id: string, request: string): Promise<Begun> {
    return this.#afterwards(async () => {
      const kept = (this.#kept ??= await this.#load())
      const known = kept.get(id)
      const nowMs = this.#nowMs()
      const hash = createHash('sha256').update(request).digest('hex')
      if (known !== undefined && nowMs - known.atMs < KEPT_MS) {
        if (known.request !== hash) {
          throw failure('IDEMPOTENCY_KEY_USED', { problem: 'that one asked for something else' })
        }
        if (known.answer === undefined) return { kind: 'unfinished' }
        return { kind: 'answered', answer: Buffer.from(known.answer, 'base64') }
      }
      await this.#keep({ id, request: hash, atMs: nowMs })
      return { kind: 'new' }
    })
  }

  /** What came of the request is known, and durable when this resolves. Rejects with `FILE_UNWRITABLE`. */
  done(id: string, answer: Uint8Array): Promise<void> {
    return this.#afterwards(async () => {
      const begun = this.#kept?.get(id)
      if (begun === undefined) return
      await this.#keep({ ...begun, answer: Buffer.from(answer).toString('base64') })
    })
  }

  async #keep(one: Kept): Promise<void> {
    const kept = (this.#kept ??= await this.#load())
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      await append(this.#path, lineOf(one))
      this.#lines++
      kept.delete(one.id)
      kept.set(one.id, one)
      this.#forget(kept)
      if (this.#lines > 2 * kept.size + SLACK) await this.#rewrite(kept)
    } catch (thrown) {
      throw failure('FILE_UNWRITABLE', { path: this.#path, problem: asProblem(thrown) }, thrown)
    }
  }

  #forget(kept: Map<string, Kept>): void {
    const beforeMs = this.#nowMs() - KEPT_MS
    for (const [id, { atMs }] of kept) {
      if (kept.size <= KEPT_LIMIT && atMs > beforeMs) return
      kept.delete(id)
    }
  }

  async #load(): Promise<Map<string, Kept>> {
    const kept = new Map<string, Kept>()
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return kept
      throw failure('FILE_UNREADABLE', { path: this.#path, problem: asProblem(thrown) }, thrown)
    }
    const lines = text.split('\n')
    for (const line of lines) {
      const one = keptOf(line)
      if (one === undefined) continue
      kept.delete(one.id)
      kept.set(one.id, one)
    }
    this.#forget(kept)
    // What is appended must not continue an unfinished line.
    await this.#rewrite(kept).catch((thrown: unknown) => {
      throw failure('FILE_UNWRITABLE', { path: this.#path, problem: asProblem(thrown) }, thrown)
    })
    return kept
  }

  async #rewrite(kept: ReadonlyMap<string, Kept>): Promise<void> {
    const draft = `${this.#path}.${randomUUID()}.tmp`
    try {
      await append(draft, [...kept.values()].map(lineOf).join(''))
      await rename(draft, this.#path)
    } catch (thrown) {
      await unlink(draft).catch(() => undefined)
      throw thrown
    }
    this.#lines = kept.size
  }

  #afterwards<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#working.then(work)
    this.#working = done.catch(() => undefined)
    return done
  }
}

function lineOf(one: Kept): string {
  return `${JSON.stringify(one)}\n`
}

function keptOf(line: string): Kept | undefined {
  const json = parseJson(line)
  const [id, request] = [stringAt(json, 'id'), stringAt(json, 'request')]
  const atMs = memberAt(json, 'atMs')
  if (id === undefined || request === undefined || typeof atMs !== 'number') return undefined
  const answer = stringAt(json, 'answer')
  return { id, request, atMs, ...(answer === undefined ? {} : { answer }) }
}

async function append(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
