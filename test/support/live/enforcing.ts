/**
 * Containers held to a sealed baseline: nginx with a shell and test/fixtures/programs/acts.c in its image, learned serving a
 * page, sealed, enforced, and started again. What plimsoll finds is read from its JSON lines as they come.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AnomalyView } from '../../../src/detect/anomaly-view.js'
import { REPOSITORY } from '../repository.js'
import { containerName, type ContainerRuntime } from './container-runtime.js'
import { extended, imageOf, NGINX, nginxConf } from './images.js'
import { load } from './load.js'
import { freePort, page } from './loopback.js'
import { type Attached, Session } from './plimsoll.js'
import { failureOf, type Finished, type RunOptions, type Running } from './process.js'
import { buildProgram } from './programs.js'
import { addBusybox } from './rootfs.js'
import { until } from './until.js'

/** Lets every call through: what the engines' own filters refuse would never reach the matcher. */
export const PERMISSIVE = join(REPOSITORY, 'profiles/learning.json')

const SERVED = extended(NGINX, 'nginx-acts', async (root) => {
  addBusybox(root)
  mkdirSync(join(root, 'bin'), { recursive: true })
  await buildProgram('acts', join(root, 'bin/acts'))
  // Setuid root, as ping and su are.
  await buildProgram('acts', join(root, 'bin/raised'))
  chmodSync(join(root, 'bin/raised'), 0o4755)
})

/** A container of nginx that serves. */
export interface Serving {
  readonly name: string
  readonly port: number
  /** Runs a command in the container from outside. */
  exec(
    command: readonly string[],
    flags?: readonly string[],
    options?: RunOptions,
  ): Promise<Finished>
  /** Ends it as its operator would. */
  quit(): Promise<Finished>
}

/** An image with a sealed baseline, and the port on which it was learned. */
export interface Sealed {
  readonly image: string
  readonly port: number
}

/** Learns `variant` of the image under some load, and seals what was learned. */
export async function sealedNginx(
  session: Session,
  runtime: ContainerRuntime,
  variant: string,
): Promise<Sealed> {
  const image = await imageOf(runtime, SERVED, variant)
  const port = await freePort()
  const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
  const serving = await serve(session, runtime, { image, port })
  await page(port)
  await load(port, 20_000)
  await serving.quit()
  const learned = await session.ended(learning)
  if (learned.code !== 0) throw new Error(failureOf(learned))
  await seal(session, image)
  return { image, port }
}

/** Seals the baseline of the image as it stands. */
export async function seal(session: Session, image: string): Promise<void> {
  const { stdout } = await session.mustRun(['baseline', 'candidates', image, '--json'])
  const { contentHash } = JSON.parse(stdout) as { readonly contentHash: string }
  await session.mustRun(['baseline', 'seal', image, '--hash', contentHash])
}

/** Starts nginx and waits for its first page. */
export async function serve(
  session: Session,
  runtime: ContainerRuntime,
  { image, port }: Sealed,
  seccomp = PERMISSIVE,
): Promise<Serving> {
  const name = containerName('served')
  const conf = session.path(`${name}.conf`)
  writeFileSync(conf, nginxConf(port))
  const running: Running = runtime.launch({
    image,
    name,
    network: 'host',
    seccomp,
    volumes: [`${conf}:/etc/nginx/nginx.conf:ro`],
  })
  await until(`a page of ${name}`, () => {
    if (running.child.exitCode !== null) throw new Error(running.stderr())
    return page(port)
  })
  return {
    name,
    port,
    exec: (command, flags = [], options = {}) =>
      runtime.cli(['exec', ...flags, name, ...command], options),
    quit: async () => {
      await runtime.cli(['kill', '--signal=QUIT', name])
      return running.finished
    },
  }
}

/** `plimsoll enforce` whose probes are attached. */
export class Enforcing {
  readonly attached: Attached

  private constructor(attached: Attached) {
    this.attached = attached
  }

  static async start(t: Test, session: Session, args: readonly string[]): Promise<Enforcing> {
    const attached = await session.attach(['enforce', ...args])
    t.comment(`probes attached in ${attached.attachSeconds} s`)
    return new Enforcing(attached)
  }

  /** All lines so far. */
  lines(): readonly Record<string, unknown>[] {
    return this.attached
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** Anomalies so far, each as it was first told. */
  anomalies(): readonly AnomalyView[] {
    return this.lines()
      .filter(({ type }) => type === 'anomaly')
      .map((line) => line as unknown as AnomalyView)
  }

  /** Waits for an anomaly. */
  async anomaly(
    what: string,
    matches: (anomaly: AnomalyView) => boolean,
    timeoutMs = 10_000,
  ): Promise<AnomalyView> {
    return until(
      `the anomaly ${what}; so far ${this.anomalies()
        .map(({ what: each }) => each)
        .join(', ')}`,
      () => this.anomalies().find(matches),
      timeoutMs,
    )
  }

  stop(): Promise<Finished> {
    return this.attached.stop()
  }
}
