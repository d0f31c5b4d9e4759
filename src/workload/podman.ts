/**
 * podman as a source of container facts. podman has no daemon that must be there, so there are three ways, the fastest
 * first: the record of its storage library, its API where the service runs, its command line. The first that knows the
 * container answers; for one that is gone the last two have the event log. Only the last two know of health checks
 * and labels.
 */
import type { ContainerFacts, Resolution, RuntimeClient } from './container-facts.js'
import { isContainerId } from './container-facts.js'
import { EngineApi } from './engine-api.js'
import { PodmanCli } from './podman-cli.js'
import { readStorageRecord } from './podman-storage.js'
import type { RunProcess } from './bounded-process.js'
import { runBounded } from './bounded-process.js'

/** Where podman is asked. The defaults are those of a root podman. */
export interface PodmanOptions {
  readonly nowMs: () => number
  readonly socketPath?: string
  /** `graphroot` of storage.conf. */
  readonly storageRoot?: string
  readonly program?: string
  readonly run?: RunProcess
}

/** Time for the question after what the record lacks; the API answers in milliseconds, the command line in some 50. */
const HEALTH_CHECK_MS = 3000

/** Asks this host's podman, as the user that plimsoll runs as. */
export class PodmanClient implements RuntimeClient {
  readonly #api: EngineApi
  readonly #storageRoot: string
  readonly #cli: PodmanCli

  constructor(options: PodmanOptions) {
    const { nowMs, socketPath = '/run/podman/podman.sock' } = options
    this.#api = new EngineApi({ runtime: 'podman', socketPath, nowMs })
    this.#storageRoot = options.storageRoot ?? '/var/lib/containers/storage'
    this.#cli = new PodmanCli(options.program ?? 'podman', options.run ?? runBounded, nowMs)
  }

  async inspect(containerId: string, signal: AbortSignal): Promise<Resolution> {
    if (!isContainerId(containerId)) return { kind: 'gone', problem: 'not a container id' }
    const record = await readStorageRecord(this.#storageRoot, containerId)
    if (record !== undefined) {
      const { args, ...named } = record
      const runtimeVersion = await this.#cli.version(signal)
      const facts = {
        ...named,
        runtime: 'podman',
        runtimeVersion,
        containerId,
        entrypoint: args,
        ...(await this.#unrecorded(containerId, signal)),
        source: 'container',
      } as const
      return { kind: 'found', facts }
    }
    const answer = await this.#api.inspect(containerId, signal)
    return answer.kind === 'unreachable' ? this.#cli.inspect(containerId, signal) : answer
  }

  /** What the record does not have. Which image it is must not depend on podman having the time to say. */
  async #unrecorded(
    containerId: string,
    signal: AbortSignal,
  ): Promise<Pick<ContainerFacts, 'healthChecks' | 'labels'>> {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_CHECK_MS)])
    let answer = await this.#api.inspectRunning(containerId, soon)
    if (answer.kind === 'unreachable') answer = await this.#cli.inspectRunning(containerId, soon)
    if (answer.kind !== 'found') return { healthChecks: [], labels: undefined }
    const { healthChecks, labels } = answer.facts
    return { healthChecks, labels }
  }
}
