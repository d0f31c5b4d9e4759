/** Docker as a source of container facts: its API on its socket, nothing else. */
import type { Resolution, RuntimeClient } from './container-facts.js'
import { EngineApi } from './engine-api.js'

const DEFAULT_SOCKET = '/var/run/docker.sock'

/**
 * The socket that `DOCKER_HOST` names, as Docker's own client reads it; the default when it is unset. Undefined for a
 * daemon that is reached over the network: its containers are not on this host.
 */
export function dockerSocketOf(dockerHost: string | undefined): string | undefined {
  if (dockerHost === undefined || dockerHost === '') return DEFAULT_SOCKET
  return dockerHost.startsWith('unix://') ? dockerHost.slice('unix://'.length) : undefined
}

/** Asks one Docker daemon. */
export class DockerClient implements RuntimeClient {
  readonly #api: EngineApi

  constructor(nowMs: () => number, socketPath: string = DEFAULT_SOCKET) {
    this.#api = new EngineApi({ runtime: 'docker', socketPath, nowMs })
  }

  inspect(containerId: string, signal: AbortSignal): Promise<Resolution> {
    return this.#api.inspect(containerId, signal)
  }
}
