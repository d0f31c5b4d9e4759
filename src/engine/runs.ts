/**
 * The runs of a session: which are alive, which cgroup belongs to which, and what is still unknown. Pure. Facts about a
 * cgroup of which nothing is known yet are held, bounded, until a scan tells whose it is.
 */
import type { Incompleteness } from '../observation.js'
import type { ContainerPath } from '../workload/container-path.js'
import { CgroupIndex, type CgroupOwner } from './cgroup-index.js'
import type { CgroupEntry } from './input.js'
import { Run, type Lesson } from './run.js'

/** Cgroups of unknown owner for which facts are held, and facts held for each. */
const UNKNOWN_LIMIT = 256
const UNKNOWN_HELD_LIMIT = 4096

/** What the runs need from outside. */
export interface RunsListener {
  /** A container turned up: its runtime must be asked. */
  wantsImage(container: ContainerPath): void
  /** A cgroup of unknown owner turned up: the tree must be scanned. */
  wantsScan(): void
  ended(run: Run): void
}

export class Runs {
  readonly #listener: RunsListener
  readonly #index = new CgroupIndex()
  readonly #byCgroup = new Map<number, Run>()
  readonly #byContainer = new Map<string, Run>()
  readonly #all: Run[] = []
  readonly #unknown = new Map<number, Lesson[]>()
  #scannedBefore: ReadonlySet<number> = new Set()

  constructor(listener: RunsListener) {
    this.#listener = listener
  }

  /** Every run so far that is not ignored, in order of appearance. */
  all(): readonly Run[] {
    return this.#all.filter((run) => run.state !== 'ignored')
  }

  /** Runs of that container that wait for their image. */
  waiting(containerId: string): readonly Run[] {
    return this.#all.filter((run) => run.containerId === containerId && run.state === 'waiting')
  }

  /** A run whose cgroup is known from the start: a command's. */
  add(run: Run, cgroupId: number): void {
    run.cgroups.add(cgroupId)
    this.#byCgroup.set(cgroupId, run)
    this.#all.push(run)
  }

  /** The kernel told of a new cgroup. */
  created(cgroupId: number, path: string, atMs: number): void {
    const owner = this.#index.created(cgroupId, path)
    if (owner === 'unknown') this.#hold(cgroupId)
    else this.#own(cgroupId, owner, atMs)
  }

  /** The kernel told that a cgroup went away. */
  removed(cgroupId: number, atMs: number): void {
    const run = this.#byCgroup.get(cgroupId)
    if (run === undefined || !run.cgroups.delete(cgroupId) || run.cgroups.size > 0) return
    this.#end(run, atMs)
  }

  /**
   * The whole tree at one moment. Answers what was unknown; and a cgroup that an earlier scan saw but this one does not
   * has gone away unseen, as happens while the sensor is down.
   */
  scanned(cgroups: readonly CgroupEntry[], atMs: number): void {
    const seen = new Set<number>()
    for (const entry of cgroups) {
      seen.add(entry.id)
      this.#own(entry.id, this.#index.scanned(entry), atMs)
    }
    for (const cgroupId of this.#unknown.keys()) {
      this.#index.missing(cgroupId)
      this.#unknown.delete(cgroupId)
    }
    for (const cgroupId of this.#scannedBefore) {
      if (!seen.has(cgroupId)) this.removed(cgroupId, atMs)
    }
    this.#scannedBefore = seen
  }

  /** A fact about whatever runs in that cgroup. */
  learn(cgroupId: number, atMs: number, lesson: Lesson): void {
    const run = this.#byCgroup.get(cgroupId)
    if (run !== undefined) {
      run.learn(lesson)
      return
    }
    const owner = this.#index.ownerOf(cgroupId)
    if (owner === 'unknown') this.#hold(cgroupId, lesson)
    else if (owner !== 'none') {
      this.#own(cgroupId, owner, atMs)
      this.#byCgroup.get(cgroupId)?.learn(lesson)
    }
  }

  /** Something was missed, by every run that was alive after `sinceMs`. */
  miss(incompleteness: Incompleteness, sinceMs: number): void {
    for (const run of this.#all) {
      if (run.endedMs === 0 || run.endedMs >= sinceMs) run.miss(incompleteness)
    }
  }

  #own(cgroupId: number, owner: CgroupOwner, atMs: number): void {
    if (owner !== 'none' && owner !== 'unknown' && !this.#byCgroup.has(cgroupId)) {
      const current = this.#byContainer.get(owner.containerId)
      // A container that is started again gets a new cgroup: a new run.
      const run = current?.endedMs === 0 ? current : this.#start(owner, cgroupId, atMs)
      run.cgroups.add(cgroupId)
      this.#byCgroup.set(cgroupId, run)
    }
    const held = this.#unknown.get(cgroupId)
    if (held === undefined) return
    this.#unknown.delete(cgroupId)
    for (const lesson of held) this.#byCgroup.get(cgroupId)?.learn(lesson)
  }

  #start(container: ContainerPath, cgroupId: number, atMs: number): Run {
    const run = new Run(container.containerId, atMs, !this.#index.isFresh(cgroupId))
    this.#byContainer.set(container.containerId, run)
    this.#all.push(run)
    this.#listener.wantsImage(container)
    return run
  }

  #end(run: Run, atMs: number): void {
    run.end(atMs)
    this.#listener.ended(run)
  }

  #hold(cgroupId: number, lesson?: Lesson): void {
    let held = this.#unknown.get(cgroupId)
    if (held === undefined) {
      if (this.#unknown.size >= UNKNOWN_LIMIT) return
      held = []
      this.#unknown.set(cgroupId, held)
      this.#listener.wantsScan()
    }
    if (lesson !== undefined && held.length < UNKNOWN_HELD_LIMIT) held.push(lesson)
  }
}
