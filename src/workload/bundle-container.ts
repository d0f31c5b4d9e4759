/**
 * One container of a bundle, made by an OCI runtime itself, in a cgroup of its own whose id is known before the runtime
 * does anything. `remove` takes all of it away, in whatever state it is.
 */
import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeBundle, processOf, type ProcessOptions } from './bundle.js'
import { cgroupFailure, isPopulated, killCgroup, removeCgroup } from './cgroup-files.js'
import { ConsoleSocket } from './console-socket.js'
import { type OciRuntime, RuntimeError, type Streams } from './oci-runtime.js'
import { removeEmptyV1 } from './v1-cgroups.js'

/** What containers need to be made. */
export interface Workshop {
  readonly runtime: OciRuntime
  /** Holds the bundles; the file system of `makeRoot` is in `root`. */
  readonly directory: string
  readonly root: string
  /** cgroup2 mount point, and a cgroup below it that is ours: the containers' are made in there. */
  readonly mount: string
  readonly cgroup: string
  /** The filter that the runtime loads. */
  readonly seccomp: unknown
}

/** What a process may be connected to. */
export type StreamKind = 'null' | 'pipe' | 'terminal'

export type ContainerProcess = Omit<ProcessOptions, 'terminal'> & { readonly streams: StreamKind }

const POLL_MS = 5
/** The programs end at once; on a host that is overloaded they may have to wait. */
const END_MS = 20_000

export class BundleContainer {
  readonly id: string
  readonly #workshop: Workshop
  /** Its cgroup, and where `renewCgroup` puts what was in it. */
  readonly #cgroup: string
  readonly #parking: string
  readonly #consoles: ConsoleSocket[] = []
  #cgroupId = 0
  #processes = 0
  #isParked = false

  private constructor(workshop: Workshop) {
    // Never used again, whoever makes containers at the same time.
    this.id = randomUUID()
    this.#workshop = workshop
    this.#cgroup = join(workshop.cgroup, this.id)
    this.#parking = join(workshop.cgroup, `${this.id}-parking`)
  }

  /** Prepares one; nothing runs yet. Throws `CGROUP_FAILED`. */
  static async prepare(workshop: Workshop, process: ContainerProcess): Promise<BundleContainer> {
    const container = new BundleContainer(workshop)
    container.#cgroupId = await made(container.#cgroup)
    await writeBundle(container.#bundle, {
      process: { ...process, terminal: process.streams === 'terminal' },
      root: workshop.root,
      cgroupsPath: container.#cgroup.slice(workshop.mount.length),
      seccomp: workshop.seccomp,
    })
    return container
  }

  /** The id of the cgroup that the runtime puts it in. */
  get cgroupId(): number {
    return this.#cgroupId
  }

  /** Starts it in the two steps in which engines do, or in one. Throws `RuntimeError`. */
  async start(streams: StreamKind, steps: 'create-start' | 'run'): Promise<void> {
    const { runtime } = this.#workshop
    const connected = await this.#connected(streams)
    if (steps === 'run') return runtime.run(this.id, this.#bundle, connected)
    await runtime.create(this.id, this.#bundle, connected)
    return runtime.start(this.id)
  }

  /**
   * Moves what runs in it to another cgroup and puts a new one in the place of its own: what is injected from now on has a
   * cgroup id that nothing else ever had. Returns that id. The runtime, which goes by the path, sees no difference.
   */
  async renewCgroup(): Promise<number> {
    if (!this.#isParked) await made(this.#parking)
    this.#isParked = true
    const members = await readFile(join(this.#cgroup, 'cgroup.procs'), 'utf8')
    for (const pid of members.split('\n').filter((line) => line !== '')) {
      await writeFile(join(this.#parking, 'cgroup.procs'), pid)
    }
    await rmdir(this.#cgroup)
    this.#cgroupId = await made(this.#cgroup)
    return this.#cgroupId
  }

  /** Injects a process into it. Throws `RuntimeError`. */
  async exec(process: ContainerProcess): Promise<void> {
    const file = join(this.#workshop.directory, `${this.id}-process-${this.#processes++}`)
    const terminal = process.streams === 'terminal'
    await writeFile(file, JSON.stringify(processOf({ ...process, terminal })))
    await this.#workshop.runtime.exec(this.id, file, await this.#connected(process.streams))
  }

  /** Waits until nothing runs in its cgroup any more. Throws `RuntimeError` where that never comes. */
  async ended(): Promise<void> {
    for (let waitedMs = 0; await isPopulated(this.#cgroup); waitedMs += POLL_MS) {
      if (waitedMs > END_MS) throw new RuntimeError('a container that does nothing did not end')
      await sleep(POLL_MS)
    }
  }

  /** Takes it away with all that belongs to it. Throws `CGROUP_FAILED` where a cgroup cannot be removed. */
  async remove(): Promise<void> {
    // One that was never made, or that its runtime cannot take away, still has a cgroup.
    await this.#workshop.runtime.remove(this.id).catch(() => undefined)
    for (const console of this.#consoles) await console.close()
    for (const cgroup of [this.#cgroup, this.#parking]) {
      await killCgroup(cgroup)
      await removeCgroup(cgroup)
    }
    await removeEmptyV1(this.#cgroup.slice(this.#workshop.mount.length))
    await rm(this.#bundle, { recursive: true, force: true })
  }

  get #bundle(): string {
    return join(this.#workshop.directory, this.id)
  }

  async #connected(kind: StreamKind): Promise<Streams> {
    if (kind !== 'terminal') return kind
    // Not in the bundle's directory: the path of a socket must be short.
    const path = join(this.#workshop.directory, `tty-${this.#cgroupId}-${this.#consoles.length}`)
    const console = await ConsoleSocket.listen(path)
    this.#consoles.push(console)
    return { consoleSocket: path }
  }
}

/** Makes a cgroup; its id, which is the inode of its directory. */
async function made(cgroup: string): Promise<number> {
  try {
    await mkdir(cgroup)
    return (await lstat(cgroup)).ino
  } catch (thrown) {
    throw cgroupFailure(cgroup, thrown)
  }
}
