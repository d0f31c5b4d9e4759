/**
 * podman or docker as one that runs containers, by the command line that the two share. Made for running one image several
 * times and asking afterwards how it went: containers are created, started, asked and removed, one step each, because
 * `run --rm` cannot tell a runtime that failed from a program that did.
 */
import { type ByteString, displayOf } from '../bytes.js'
import { OFF, OFF_ANNOTATION } from './created-container.js'
import { dockerSocketOf } from './docker.js'
import { runEngine, type EngineOutput } from './engine-process.js'
import { elementsAt, memberAt, parseJson, stringAt, timeAt } from './json-fields.js'

export const ENGINES = ['podman', 'docker'] as const
export type EngineName = (typeof ENGINES)[number]

/** One container to run. */
export interface ContainerSpec {
  /** Image id. */
  readonly image: string
  /** Takes the place of the image's own command; empty for that. */
  readonly command: readonly string[]
  readonly name: string
  /** Path of a seccomp profile. */
  readonly seccomp: string
  readonly network: 'none' | 'host'
  readonly user: string | undefined
  readonly noNewPrivileges: boolean
  /** Given to the engine as they are. */
  readonly engineArguments: readonly string[]
}

/** How a container ended, as the engine says. */
export interface ContainerState {
  /** The runtime started its first process. */
  readonly hasStarted: boolean
  readonly exitCode: number
  /** The engine's own words about what went wrong; mostly empty. */
  readonly error: string
}

/** The OCI runtime that an engine starts containers with. */
export interface OciRuntime {
  /** A path, or a name that is found on the PATH. */
  readonly program: string
  /** Name and version, `runc 1.1.5`; empty where it does not tell. */
  readonly version: string
  /** All that it says of its version. */
  readonly versionText: string
}

/** Creating one takes long when a storage driver copies the image (vfs). */
const CREATE_MS = 180_000
const COMMAND_MS = 60_000
const ANSWER_BYTES = 4 * 1024 * 1024
/** What is kept of a container's own output: enough for what a runtime or a program says when it fails. */
const SAID_BYTES = 4096

export class ContainerEngine {
  readonly name: EngineName
  readonly #env: NodeJS.ProcessEnv

  constructor(name: EngineName, env: NodeJS.ProcessEnv) {
    this.name = name
    this.#env = env
  }

  /** The id of that image; or why there is none, in the engine's words. */
  async imageId(image: string): Promise<{ readonly id: string } | { readonly problem: string }> {
    if (this.name === 'docker' && dockerSocketOf(this.#env['DOCKER_HOST']) === undefined) {
      return { problem: 'its daemon is not on this host' }
    }
    const answer = await this.#ask(['image', 'inspect', '--format', '{{.Id}}', '--', image])
    const id = answer.stdout.trim()
    if (answer.code === 0 && /^(?:sha256:)?[0-9a-f]{64}$/.test(id)) return { id }
    return { problem: lastLineOf(answer.stderr) }
  }

  /** Version of the engine, and its OCI runtime; empty texts where it does not tell. */
  async versions(): Promise<{ readonly engine: string; readonly runtime: OciRuntime }> {
    const answer = parseJson((await this.#ask(['info', '--format', '{{json .}}'])).stdout)
    if (this.name === 'podman') {
      const runtime = memberAt(answer, 'host', 'ociRuntime')
      const engine = stringAt(answer, 'version', 'Version') ?? ''
      const versionText = stringAt(runtime, 'version') ?? ''
      return { engine, runtime: runtimeOf(stringAt(runtime, 'path') ?? '', versionText) }
    }
    const chosen = stringAt(answer, 'DefaultRuntime') ?? 'runc'
    const program = stringAt(answer, 'Runtimes', chosen, 'path') ?? chosen
    const said = await this.#run(program, ['--version'], COMMAND_MS, ANSWER_BYTES)
    return {
      engine: stringAt(answer, 'ServerVersion') ?? '',
      runtime: runtimeOf(program, said.code === 0 ? said.stdout : ''),
    }
  }

  /** Makes a container; nothing of it runs yet. */
  async create(
    spec: ContainerSpec,
  ): Promise<{ readonly containerId: string } | { readonly problem: ByteString }> {
    const answer = await this.#run(
      this.name,
      [
        'create',
        `--name=${spec.name}`,
        `--network=${spec.network}`,
        `--security-opt=seccomp=${spec.seccomp}`,
        // Or the hook would put the applied profile in the place of the given one.
        ...(this.name === 'podman' ? [`--annotation=${OFF_ANNOTATION}=${OFF}`] : []),
        ...(spec.noNewPrivileges ? ['--security-opt=no-new-privileges'] : []),
        ...(spec.user === undefined ? [] : [`--user=${spec.user}`]),
        ...spec.engineArguments,
        spec.image,
        ...spec.command,
      ],
      CREATE_MS,
      ANSWER_BYTES,
    )
    const containerId = answer.stdout.trim().split('\n').at(-1) ?? ''
    if (answer.code === 0 && /^[0-9a-f]{64}$/.test(containerId)) return { containerId }
    return { problem: answer.stderr.slice(-SAID_BYTES) as ByteString }
  }

  /** Starts it and waits for its end; gives the end of what it, or the runtime in its place, wrote to standard error. */
  async start(containerId: string, signal: AbortSignal): Promise<ByteString> {
    const { stderr } = await runEngine({
      program: this.name,
      args: ['start', '--attach', containerId],
      env: this.#env,
      signal,
      keptBytes: SAID_BYTES,
    })
    return stderr
  }

  /** How it ended; undefined where the engine does not say. */
  async state(containerId: string): Promise<ContainerState | undefined> {
    const answer = await this.#ask(['container', 'inspect', containerId])
    const [container] = elementsAt({ all: parseJson(answer.stdout) }, 'all')
    const exitCode = memberAt(container, 'State', 'ExitCode')
    if (answer.code !== 0 || typeof exitCode !== 'number') return undefined
    return {
      hasStarted: timeAt(container, 'State', 'StartedAt') !== undefined,
      exitCode,
      error: stringAt(container, 'State', 'Error') ?? '',
    }
  }

  /** Asks it to end as the image wants to be asked, and kills it after the grace. */
  async stop(containerId: string, graceSeconds: number): Promise<void> {
    await this.#ask(['stop', '-t', String(graceSeconds), containerId])
  }

  /** Removes it, killed if need be. */
  async remove(containerId: string): Promise<void> {
    // Killed first: `rm` alone gives a first process that ignores SIGTERM ten seconds.
    await this.#ask(['kill', containerId])
    await this.#ask(['rm', '--force', '--volumes', containerId])
  }

  #ask(args: readonly string[]): Promise<EngineOutput> {
    return this.#run(this.name, args, COMMAND_MS, ANSWER_BYTES)
  }

  #run(
    program: string,
    args: readonly string[],
    timeoutMs: number,
    keptBytes: number,
  ): Promise<EngineOutput> {
    return runEngine({
      program,
      args,
      env: this.#env,
      signal: AbortSignal.timeout(timeoutMs),
      keptBytes,
    })
  }
}

function runtimeOf(program: string, versionText: string): OciRuntime {
  const [, name, version] = /^(\S+) version (\S+)/m.exec(versionText) ?? []
  return {
    program,
    version: name === undefined || version === undefined ? '' : `${name} ${version}`,
    versionText,
  }
}

function lastLineOf(text: ByteString): string {
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  return displayOf(line.slice(0, 300) as ByteString)
}
