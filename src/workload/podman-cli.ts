/**
 * podman's command line as a source of container facts, for hosts where its API service does not run. Each question is a
 * process of some 60 ms.
 */
import type { ProcessOutput, RunProcess } from './bounded-process.js'
import type { Resolution } from './container-facts.js'
import { EVENT_WINDOW_SECONDS } from './engine-api.js'
import { elementsAt, parseJson, stringAt } from './json-fields.js'
import { factsOfInspect, imageOfInspect, traceOfEvents } from './runtime-answers.js'
import { resolutionOfTrace } from './traced-image.js'

/** Runs `podman` for its JSON. */
export class PodmanCli {
  readonly #program: string
  readonly #run: RunProcess
  readonly #nowMs: () => number
  #version: string | undefined

  constructor(program: string, run: RunProcess, nowMs: () => number) {
    this.#program = program
    this.#run = run
    this.#nowMs = nowMs
  }

  /** podman's version, asked for once; empty when it does not answer. */
  async version(signal: AbortSignal): Promise<string> {
    if (this.#version === undefined) {
      const answer = await this.#ask(['version', '--format', 'json'], signal)
      this.#version = stringAt(parseJson(answer.stdout), 'Client', 'Version')
    }
    return this.#version ?? ''
  }

  /** What podman knows of the container, or of its past. Never rejects. */
  inspect(containerId: string, signal: AbortSignal): Promise<Resolution> {
    return this.#inspect(containerId, signal, () => this.#trace(containerId, signal))
  }

  /** The same, for a container of which nothing is to be said once it is gone. */
  inspectRunning(containerId: string, signal: AbortSignal): Promise<Resolution> {
    const gone = { kind: 'gone', problem: 'no such container' } as const
    return this.#inspect(containerId, signal, () => Promise.resolve(gone))
  }

  async #inspect(
    containerId: string,
    signal: AbortSignal,
    whenGone: () => Promise<Resolution>,
  ): Promise<Resolution> {
    const answer = await this.#ask(
      ['inspect', '--type', 'container', '--format', 'json', containerId],
      signal,
    )
    if (answer.code === 0) {
      const [container] = elementsAt({ all: parseJson(answer.stdout) }, 'all')
      const oci = stringAt(container, 'OCIRuntime')
      const version = await this.version(signal)
      const runtimeVersion = oci === undefined ? version : `${version} (${oci})`
      const facts = factsOfInspect(container, 'podman', runtimeVersion)
      if (facts !== undefined) return { kind: 'found', facts }
      return { kind: 'gone', problem: 'podman inspect names no image id' }
    }
    return saysUnknown(answer) ? whenGone() : { kind: 'unreachable', problem: answer.problem }
  }

  async #trace(containerId: string, signal: AbortSignal): Promise<Resolution> {
    const sinceSeconds = Math.floor(this.#nowMs() / 1000) - EVENT_WINDOW_SECONDS
    // No --until: with one that is not in the future podman 4.3 prints nothing.
    const events = await this.#ask(
      [
        'events',
        '--stream=false',
        '--since',
        String(sinceSeconds),
        '--filter',
        `container=${containerId}`,
        '--format',
        'json',
      ],
      signal,
    )
    if (events.code !== 0) return { kind: 'unreachable', problem: events.problem }
    const trace = traceOfEvents(events.stdout, containerId)
    if (trace === undefined) {
      return { kind: 'gone', problem: 'neither container nor events are left' }
    }
    const answer = await this.#ask(['image', 'inspect', '--', trace.imageName], signal)
    if (answer.code !== 0 && !saysUnknown(answer)) {
      return { kind: 'unreachable', problem: answer.problem }
    }
    const image = imageOfInspect(elementsAt({ all: parseJson(answer.stdout) }, 'all')[0])
    const found = resolutionOfTrace(containerId, trace, image, 'podman')
    if (found.kind !== 'found') return found
    return {
      kind: 'found',
      facts: { ...found.facts, runtimeVersion: await this.version(signal) },
    }
  }

  #ask(args: readonly string[], signal: AbortSignal): Promise<ProcessOutput> {
    return this.#run(this.#program, args, signal)
  }
}

/** podman 4.3 and 5 exit with 125 for every failure of an inspect; the text tells a missing object from others. */
function saysUnknown(answer: ProcessOutput): boolean {
  return answer.code === 125 && /no such (?:container|object)|image not known/.test(answer.problem)
}
