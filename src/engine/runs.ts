/**
 * The runs of a session: which are alive, which cgroup belongs to which, and what is still unknown. Pure. Facts about a
 * cgroup of which nothing is known yet are held, bounded, until a scan tells whose it is.
 */
import type { Incompleteness } from '../observation.js'
import type { ContainerPath } from '../workload/container-path.js'
import { CgroupIndex, type CgroupOwner } from './cgroup-index.js'
import type { CgroupEntry } from './input.js'
import { Held } from './held.js'
import { Run } from './run.js'

/** Cgroups of unknown owner for which facts are held, and facts held for each. */
const UNKNOWN_LIMIT = 256
const UNKNOWN_HELD_LIMIT = 4096

/** What is to be told to the run that it is about. */
type Fact = (run: Run) => void

/** A cgroup whose owner is unknown. */
interface Unknown {
  readonly held: Held<Fact>
  /** When it went away; 0 as long as it is there. */
  removedMs: number
}

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
  #all: Run[] = []
  /** Cgroups of runs that are gone but of which facts may still come, in the order in which they went. */
  #removed: { readonly cgroupId: number; readonly atMs: number }[] = []
  readonly #unknown = new Map<number, Unknown>()
  /** Facts about cgroups of unknown owner that found no room. */
  #unplaced = 0
  /** Cgroups that were there, as far as is known, when the last scan was in. */
  #thereBefore: ReadonlySet<number> = new Set()
  #scannedMs = 0

  constructor(listener: RunsListener) {
    this.#listener = listener
  }

  /** Every run so far that is not ignored, in order of appearance. */
  all(): readonly Run[] {
    return this.#all.filter((run) => run.state !== 'ignored')
  }

  /** Every run that has not ended, the ignored ones included. */
  alive(): readonly Run[] {
    return this.#all.filter((run) => run.endedMs === 0)
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

  /** The kernel told of a new cgroup; `isFresh` if every probe was attached by then. */
  created(cgroupId: number, path: string, atMs: number, isFresh: boolean): void {
    const owner = this.#index.created(cgroupId, path, isFresh)
    // A scan may be quicker than the kernel's record.
    if (isFresh) this.#byCgroup.get(cgroupId)?.wasSeenBeginning()
    if (owner === 'unknown') this.#hold(cgroupId)
    else this.#own(cgroupId, owner, atMs)
  }

  /** The kernel told that a cgroup went away. */
  removed(cgroupId: number, atMs: number): void {
    const unknown = this.#unknown.get(cgroupId)
    if (unknown !== undefined) unknown.removedMs = atMs
    const run = this.#byCgroup.get(cgroupId)
    if (run === undefined || !run.cgroups.delete(cgroupId)) return
    this.#removed.push({ cgroupId, atMs })
    if (run.cgroups.size === 0) this.#end(run, atMs)
  }

  /**
   * The whole tree, as a walk that began after the last one was in has found it. Answers what was unknown. A cgroup that it
   * did not find has gone away unseen, as happens while the sensor is down - if it was known when the last walk was in;
   * else it may have been made behind this walk's back, and another one tells.
   */
  scanned(cgroups: readonly CgroupEntry[], atMs: number): void {
    const seen = new Set<number>()
    for (const entry of cgroups) {
      seen.add(entry.id)
      this.#own(entry.id, this.#index.scanned(entry), atMs)
    }
    let isDoubtful = false
    for (const cgroupId of this.#there()) {
      if (seen.has(cgroupId)) continue
      if (this.#thereBefore.has(cgroupId)) this.#goneUnseen(cgroupId, atMs)
      else isDoubtful = true
    }
    if (this.#unplaced > 0) {
      const count = this.#unplaced
      this.#unplaced = 0
      this.miss({ reason: 'lost-events', count, detail: 'of unknown cgroups' }, this.#scannedMs)
    }
    this.#thereBefore = new Set(this.#there())
    this.#scannedMs = atMs
    if (isDoubtful) this.#listener.wantsScan()
  }

  /** A fact about whatever runs in that cgroup: told to its run, at once or when it is known. */
  tell(cgroupId: number, atMs: number, fact: Fact): void {
    const run = this.#byCgroup.get(cgroupId)
    if (run !== undefined) {
      fact(run)
      return
    }
    const owner = this.#index.ownerOf(cgroupId)
    if (owner === 'unknown') this.#hold(cgroupId, fact)
    else if (owner !== 'none') {
      this.#own(cgroupId, owner, atMs)
      const started = this.#byCgroup.get(cgroupId)
      if (started !== undefined) fact(started)
    }
  }

  /** The sensor has printed its maps. */
  printed(): void {
    for (const run of this.#all) run.printed()
  }

  /** The sensor has ended: all that is known about entries is in. */
  decide(): void {
    for (const run of this.#all) run.decide(true)
  }

  /**
   * Lets go of what ended before `beforeMs`: all facts about it are in by then. One that still waits for its image stays.
   * A container may make and remove cgroups of its own without end, so those go one by one.
   */
  forget(beforeMs: number): void {
    const stillDue = this.#removed.findIndex(({ atMs }) => atMs >= beforeMs)
    const due = this.#removed.splice(0, stillDue < 0 ? this.#removed.length : stillDue)
    for (const { cgroupId } of due) this.#byCgroup.delete(cgroupId)
    const isOver = (run: Run): boolean =>
      run.endedMs > 0 && run.endedMs < beforeMs && run.state !== 'waiting'
    if (!this.#all.some(isOver)) return
    this.#all = this.#all.filter((run) => !isOver(run))
    for (const [id, run] of this.#byContainer) if (isOver(run)) this.#byContainer.delete(id)
  }

  /** Something was missed, by every run that was alive after `sinceMs`. */
  miss(incompleteness: Incompleteness, sinceMs: number): void {
    for (const run of this.#all) {
      if (run.endedMs === 0 || run.endedMs >= sinceMs) run.miss(incompleteness)
    }
  }

  /** Entries may have been missed, by every run that was alive after `sinceMs`. */
  missEntries(sinceMs: number): void {
    for (const run of this.#all) {
      if (run.endedMs === 0 || run.endedMs >= sinceMs) run.missEntries()
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
    const unknown = this.#unknown.get(cgroupId)
    if (unknown === undefined) return
    this.#unknown.delete(cgroupId)
    const run = this.#byCgroup.get(cgroupId)
    if (run === undefined) return
    for (const fact of unknown.held.take()) fact(run)
    const { dropped } = unknown.held
    if (dropped > 0) {
      run.miss({
        reason: 'lost-events',
        count: dropped,
        detail: 'held while the cgroup was looked up',
      })
    }
    if (unknown.removedMs > 0) this.removed(cgroupId, unknown.removedMs)
  }

  /** Cgroups that are there, as far as is known: those of containers that last, and those of unknown owner. */
  #there(): readonly number[] {
    const there = [...this.#unknown.keys()]
    for (const run of this.#all) if (run.containerId !== '') there.push(...run.cgroups)
    return there
  }

  #goneUnseen(cgroupId: number, atMs: number): void {
    if (this.#unknown.delete(cgroupId)) this.#index.missing(cgroupId)
    else this.removed(cgroupId, atMs)
  }

  #start(container: ContainerPath, cgroupId: number, atMs: number): Run {
    const run = new Run(
      container.containerId,
      atMs,
      !this.#index.isFresh(cgroupId),
      container.scopePath,
    )
    this.#byContainer.set(container.containerId, run)
    this.#all.push(run)
    this.#listener.wantsImage(container)
    return run
  }

  #end(run: Run, atMs: number): void {
    run.end(atMs)
    this.#listener.ended(run)
  }

  #hold(cgroupId: number, fact?: Fact): void {
    let unknown = this.#unknown.get(cgroupId)
    if (unknown === undefined) {
      if (this.#unknown.size >= UNKNOWN_LIMIT) {
        if (fact !== undefined) this.#unplaced++
        return
      }
      unknown = { held: new Held(UNKNOWN_HELD_LIMIT), removedMs: 0 }
      this.#unknown.set(cgroupId, unknown)
      this.#listener.wantsScan()
    }
    if (fact !== undefined) unknown.held.add(fact)
  }
}
