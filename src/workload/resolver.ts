/**
 * Asks runtimes what containers are: once per container, a few at a time, with an end to every question. One runtime
 * that hangs delays nobody who asks about another's containers, and its own queue only once per pause.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.js'
import type { Resolution, RuntimeClient } from './container-facts.js'
import { isContainerId } from './container-facts.js'
import type { ContainerRuntime } from './container-path.js'
import { Gate } from './gate.js'

/** Collaborators and limits of a `ContainerResolver`. A runtime without a client is always `unreachable`. */
export interface ResolverOptions {
  readonly docker?: RuntimeClient
  readonly podman?: RuntimeClient
  readonly clock: Clock
  /** For one container with all retries, once its turn has come. */
  readonly timeoutMs?: number
  /** Questions to one runtime at the same time. */
  readonly concurrency?: number
  readonly maxRemembered?: number
}

interface Source {
  readonly client: RuntimeClient
  readonly gate: Gate
  /** Until when questions are answered `unreachable` without asking. */
  pausedUntilMs: number
  pauseReason: string
}

/** After a question that ended without an answer, for so long nobody waits for that runtime again. */
const PAUSE_MS = 5000
const FIRST_RETRY_MS = 100

/** Container facts by runtime and id. */
export class ContainerResolver {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #sources = new Map<ContainerRuntime, Source>()
  /** Promises, so that those who ask while a question is under way share its answer. */
  readonly #known: LRUCache<string, Promise<Resolution>>

  constructor(options: ResolverOptions) {
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#known = new LRUCache({ max: options.maxRemembered ?? 4096 })
    const { docker, podman, concurrency = 8 } = options
    for (const [runtime, client] of [['docker', docker] as const, ['podman', podman] as const]) {
      if (client === undefined) continue
      const gate = new Gate(concurrency)
      this.#sources.set(runtime, { client, gate, pausedUntilMs: 0, pauseReason: '' })
    }
  }

  /**
   * What that container is. Never rejects. `found` and `gone` are remembered; `unreachable` (after retries up to the
   * timeout) is not, so asking again asks again, but not within five seconds of the runtime's last silence.
   */
  resolve(runtime: ContainerRuntime, containerId: string): Promise<Resolution> {
    const source = this.#sources.get(runtime)
    if (source === undefined) {
      return Promise.resolve({ kind: 'unreachable', problem: `${runtime} cannot be asked` })
    }
    if (!isContainerId(containerId)) {
      return Promise.resolve({ kind: 'gone', problem: 'not a container id' })
    }
    const key = `${runtime} ${containerId}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const asked = this.#ask(source, containerId).then((resolution) => {
      if (resolution.kind === 'unreachable') this.#known.delete(key)
      return resolution
    })
    this.#known.set(key, asked)
    return asked
  }

  async #ask(source: Source, containerId: string): Promise<Resolution> {
    const leave = await source.gate.enter()
    const ended = new AbortController()
    try {
      if (this.#clock.nowMs() < source.pausedUntilMs) {
        return { kind: 'unreachable', problem: source.pauseReason }
      }
      const resolution = await this.#withRetries(source.client, containerId, ended.signal)
      if (resolution.kind === 'unreachable') {
        source.pausedUntilMs = this.#clock.nowMs() + PAUSE_MS
        source.pauseReason = resolution.problem
      }
      return resolution
    } finally {
      ended.abort()
      leave()
    }
  }

  /** Asks until there is an answer or the time is up; a client that ignores its signal is left behind. */
  async #withRetries(
    client: RuntimeClient,
    containerId: string,
    ended: AbortSignal,
  ): Promise<Resolution> {
    const deadline = new AbortController()
    let last: Resolution = { kind: 'unreachable', problem: `no answer in ${this.#timeoutMs} ms` }
    const timeUp = this.#clock.sleep(this.#timeoutMs, ended).then(() => {
      deadline.abort()
    })
    for (let pauseMs = FIRST_RETRY_MS; !deadline.signal.aborted; pauseMs *= 2) {
      const answer = await Promise.race([attempt(client, containerId, deadline.signal), timeUp])
      if (answer === undefined) break
      if (answer.kind !== 'unreachable') return answer
      last = answer
      await Promise.race([this.#clock.sleep(pauseMs, deadline.signal), timeUp])
    }
    return last
  }
}

/** The contract of a client is to never reject; one that breaks it must not take the engine along. */
async function attempt(
  client: RuntimeClient,
  containerId: string,
  signal: AbortSignal,
): Promise<Resolution> {
  try {
    return await client.inspect(containerId, signal)
  } catch (thrown) {
    return {
      kind: 'unreachable',
      problem: thrown instanceof Error ? thrown.message : String(thrown),
    }
  }
}
