/**
 * The Docker Engine API, as Docker and podman's service both speak it, as far as it takes to tell what a container is.
 * Paths carry no version, so the daemon answers in its own: the fields read here have been there since API 1.24.
 */
import type { Resolution, RuntimeClient } from './container-facts.js'
import { isContainerId } from './container-facts.js'
import { parseJson, stringAt } from './json-fields.js'
import { factsOfInspect, imageOfInspect, traceOfEvents, versionOf } from './runtime-answers.js'
import { resolutionOfTrace } from './traced-image.js'
import type { SocketAnswer } from './unix-http.js'
import { getFromSocket } from './unix-http.js'

/** How far back the event log is read for a container that is gone; questions come within seconds of its end. */
export const EVENT_WINDOW_SECONDS = 600

/** Answers to `/version` are kept for so long: podman's service takes 0.4 s for one. */
const VERSION_KEPT_MS = 60_000

/** Whose service answers; Docker and podman differ in how a query for past events is ended. */
export interface EngineApiOptions {
  readonly runtime: 'docker' | 'podman'
  readonly socketPath: string
  readonly nowMs: () => number
}

const GONE: Resolution = { kind: 'gone', problem: 'no such container' }

type Get = (path: string) => Promise<SocketAnswer>

/** The service behind one socket. Holds no connection between questions. */
export class EngineApi implements RuntimeClient {
  readonly #options: EngineApiOptions
  #version = { text: '', askedMs: Number.NEGATIVE_INFINITY }

  constructor(options: EngineApiOptions) {
    this.#options = options
  }

  /**
   * What the service says of a container; when it no longer knows it, what its event log and the image named there say.
   * Never rejects: no listener, a refusal or nonsense is `unreachable`.
   */
  inspect(containerId: string, signal: AbortSignal): Promise<Resolution> {
    return this.#ask(containerId, signal, (get) => this.#trace(containerId, get))
  }

  /** The same, for a container of which nothing is to be said once it is gone. */
  inspectRunning(containerId: string, signal: AbortSignal): Promise<Resolution> {
    return this.#ask(containerId, signal, () => Promise.resolve(GONE))
  }

  async #ask(
    containerId: string,
    signal: AbortSignal,
    whenGone: (get: Get) => Promise<Resolution>,
  ): Promise<Resolution> {
    if (!isContainerId(containerId)) return { kind: 'gone', problem: 'not a container id' }
    const get: Get = (path) => getFromSocket(this.#options.socketPath, path, signal)
    try {
      const container = await get(`/containers/${containerId}/json`)
      if (container.status === 404) return await whenGone(get)
      const answer = accepted(container)
      const facts = factsOfInspect(answer, this.#options.runtime, await this.#askVersion(get))
      return facts === undefined
        ? { kind: 'gone', problem: 'the answer names no image id' }
        : { kind: 'found', facts }
    } catch (thrown) {
      return {
        kind: 'unreachable',
        problem: thrown instanceof Error ? thrown.message : String(thrown),
      }
    }
  }

  async #trace(containerId: string, get: Get): Promise<Resolution> {
    const { runtime, nowMs } = this.#options
    const untilMs = nowMs()
    const sinceSeconds = Math.floor(untilMs / 1000) - EVENT_WINDOW_SECONDS
    // Docker ends the stream at `until`, at once if that is not in the future; podman 4.3 then answers nothing at all,
    // but ends with `stream=false`, which Docker does not know.
    const end = runtime === 'docker' ? `until=${(untilMs / 1000).toFixed(3)}` : 'stream=false'
    const filters = encodeURIComponent(JSON.stringify({ container: [containerId] }))
    const events = await get(`/events?since=${sinceSeconds}&${end}&filters=${filters}`)
    const trace = traceOfEvents(events.body, containerId)
    if (trace === undefined) {
      return { kind: 'gone', problem: 'neither container nor events are left' }
    }
    const answer = await get(`/images/${encodeURIComponent(trace.imageName)}/json`)
    const image = answer.status === 404 ? undefined : imageOfInspect(accepted(answer))
    const found = resolutionOfTrace(containerId, trace, image, runtime)
    if (found.kind !== 'found') return found
    return {
      kind: 'found',
      facts: { ...found.facts, runtimeVersion: await this.#askVersion(get) },
    }
  }

  async #askVersion(get: Get): Promise<string> {
    const nowMs = this.#options.nowMs()
    if (nowMs - this.#version.askedMs > VERSION_KEPT_MS) {
      const text = versionOf(parseJson((await get('/version')).body))
      this.#version = { text, askedMs: nowMs }
    }
    return this.#version.text
  }
}

function accepted(answer: SocketAnswer): unknown {
  const parsed = parseJson(answer.body)
  if (answer.status === 200 && parsed !== undefined) return parsed
  const message = stringAt(parsed, 'message') ?? 'not JSON'
  throw new Error(`answered ${answer.status}: ${message.slice(0, 200)}`)
}
