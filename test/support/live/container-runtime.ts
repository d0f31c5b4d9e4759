/**
 * Containers by the command line that podman and docker share. What differs (global flags, limits, where the daemon is)
 * is in podman.ts and docker.ts; tests take a `ContainerRuntime` and do not know which it is.
 */
import { mustRun, run, start, type Finished, type Running, type RunOptions } from './process.js'

/** One container to run. It is removed when it ends. */
export interface ContainerSpec {
  readonly image: string
  /** Arguments behind the image's entrypoint, or the command itself where it has none. */
  readonly command?: readonly string[]
  readonly name?: string
  /** Default `none`; `host` for services on loopback, `ns:PATH` for a namespace that the test made. */
  readonly network?: 'none' | 'host' | `ns:${string}`
  /** Path of a seccomp profile, or `unconfined`; without it the runtime's default filter. */
  readonly seccomp?: string
  readonly capAdd?: readonly string[]
  /** `uid` or `uid:gid`; without it the image's. */
  readonly user?: string
  readonly noNewPrivileges?: boolean
  /** `host:container[:ro]`. */
  readonly volumes?: readonly string[]
  /** Text of a health check, which a shell runs: by docker's daemon each second, under podman when it is asked to. */
  readonly healthCommand?: string
  /** Further flags of `run`. */
  readonly flags?: readonly string[]
  readonly timeoutMs?: number
}

/** How one runtime is called. */
export interface RuntimeCall {
  readonly name: 'podman' | 'docker'
  readonly program: string
  /** Before the subcommand. */
  readonly globalFlags: readonly string[]
  /** After `run`. */
  readonly runFlags: readonly string[]
  /** What plimsoll and the runtime's own client need to find it. */
  readonly env: Readonly<Record<string, string>>
}

let containers = 0

/** A container name that no other process and no other container of this process has. */
export function containerName(what: string): string {
  containers += 1
  return `plimsoll-test-${what}-${process.pid}-${containers}`
}

/** One runtime that works. */
export class ContainerRuntime {
  readonly name: 'podman' | 'docker'
  readonly env: Readonly<Record<string, string>>
  readonly #call: RuntimeCall

  constructor(call: RuntimeCall) {
    this.name = call.name
    this.env = call.env
    this.#call = call
  }

  async hasImage(image: string): Promise<boolean> {
    return (await this.cli(['image', 'inspect', image])).code === 0
  }

  /** `archive` is a tar of the root; `changes` are Dockerfile lines such as `CMD ["x"]`. */
  async importImage(archive: string, image: string, changes: readonly string[]): Promise<void> {
    const flags = changes.flatMap((change) => ['--change', change])
    await this.mustCli(['import', ...flags, archive, image])
  }

  /** `sha256:` and the image's id: the digest by which plimsoll knows it. */
  async imageDigest(image: string): Promise<string> {
    const { stdout } = await this.mustCli(['image', 'inspect', '--format', '{{.Id}}', image])
    return `sha256:${stdout.trim().replace(/^sha256:/, '')}`
  }

  /** Runs a container to its end, whatever that is; in the foreground, without stdin. */
  run(spec: ContainerSpec): Promise<Finished> {
    return this.cli(['run', ...this.#flagsOf(spec)], optionsOf(spec))
  }

  /** Runs a container that has to succeed. */
  mustRun(spec: ContainerSpec): Promise<Finished> {
    return this.mustCli(['run', ...this.#flagsOf(spec)], optionsOf(spec))
  }

  /** Starts a container and stays connected to it: its output and its exit code are those of the result. */
  launch(spec: ContainerSpec & { readonly name: string }): Running {
    const { program, globalFlags, env } = this.#call
    const running = start(program, [...globalFlags, 'run', ...this.#flagsOf(spec)], { env })
    running.child.stdin?.end()
    return running
  }

  /** Kills and removes a container; says nothing if there is none. */
  async remove(name: string): Promise<void> {
    // Killed first: `rm` alone gives a first process that ignores SIGTERM ten seconds.
    await this.cli(['kill', name])
    await this.cli(['rm', '--force', name])
  }

  cli(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { program, globalFlags, env } = this.#call
    return run(program, [...globalFlags, ...args], { ...options, env: { ...env, ...options.env } })
  }

  mustCli(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { program, globalFlags, env } = this.#call
    return mustRun(program, [...globalFlags, ...args], {
      ...options,
      env: { ...env, ...options.env },
    })
  }

  #flagsOf(spec: ContainerSpec): readonly string[] {
    return [
      '--rm',
      `--network=${spec.network ?? 'none'}`,
      ...this.#call.runFlags,
      ...(spec.name === undefined ? [] : [`--name=${spec.name}`]),
      ...(spec.seccomp === undefined ? [] : [`--security-opt=seccomp=${spec.seccomp}`]),
      ...(spec.user === undefined ? [] : [`--user=${spec.user}`]),
      ...(spec.noNewPrivileges === true ? ['--security-opt=no-new-privileges'] : []),
      ...(spec.healthCommand === undefined
        ? []
        : [`--health-cmd=${spec.healthCommand}`, '--health-interval=1s']),
      ...(spec.capAdd ?? []).map((capability) => `--cap-add=${capability}`),
      ...(spec.volumes ?? []).map((volume) => `--volume=${volume}`),
      ...(spec.flags ?? []),
      spec.image,
      ...(spec.command ?? []),
    ]
  }
}

function optionsOf(spec: ContainerSpec): RunOptions {
  return spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs }
}
