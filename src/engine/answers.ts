/**
 * Answers what a live session asks: which cgroups there are, and what a runtime says of a container. Nothing here ever
 * rejects or blocks the sensor; what cannot be answered is said to be so.
 */
import { once } from 'node:events'
import type { ContainerResolver } from '../workload/resolver.js'
import type { CgroupEntry, ContainerAnswer } from './input.js'
import type { Fact } from './feed.js'
import type { Request } from './session-events.js'

export interface AnswersOptions {
  readonly resolver: ContainerResolver
  readonly scan: () => Promise<readonly CgroupEntry[]>
  readonly give: (fact: Fact) => void
}

export class Answers {
  readonly #options: AnswersOptions
  readonly #pending = new Set<Promise<void>>()
  #scanning = false
  #scanAgain = false

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  request(request: Request): void {
    if (request.kind === 'scan') this.scan()
    else this.#track(this.#resolve(request))
  }

  /** Scans the tree; a wish that comes while a scan is under way leads to one more, for it may have missed the cause. */
  scan(): void {
    if (this.#scanning) {
      this.#scanAgain = true
      return
    }
    this.#scanning = true
    this.#track(this.#scan())
  }

  /** Resolves when all questions so far are answered, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    const timeUp = AbortSignal.timeout(timeoutMs)
    const isOver = once(timeUp, 'abort')
    while (this.#pending.size > 0 && !timeUp.aborted) {
      await Promise.race([Promise.all(this.#pending), isOver])
    }
  }

  async #scan(): Promise<void> {
    do {
      this.#scanAgain = false
      const cgroups = await this.#options.scan()
      this.#options.give({ kind: 'cgroups', cgroups })
    } while (this.#scanAgain)
    this.#scanning = false
  }

  async #resolve(request: Request & { kind: 'resolve' }): Promise<void> {
    const { runtime, containerId } = request
    const resolution = await this.#options.resolver.resolve(runtime, containerId)
    const answer: ContainerAnswer =
      resolution.kind === 'found'
        ? {
            runtime,
            containerId,
            found: true,
            problem: '',
            runtimeVersion: resolution.facts.runtimeVersion,
            name: resolution.facts.name,
            imageDigest: resolution.facts.imageDigest,
            imageName: resolution.facts.imageName,
            entrypoint: resolution.facts.entrypoint,
            healthChecks: resolution.facts.healthChecks,
            labels: resolution.facts.labels,
          }
        : {
            runtime,
            containerId,
            found: false,
            problem: resolution.problem,
            runtimeVersion: '',
            name: '',
            imageDigest: '',
            imageName: '',
            entrypoint: [],
            healthChecks: [],
            labels: undefined,
          }
    this.#options.give({ kind: 'container', answer })
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#pending.delete(done))
    this.#pending.add(done)
  }
}
