/**
 * Which anomalies belong together: all that one act sets off - an injected shell and what is started from it - is one
 * incident. It is open as long as anomalies are added to it; bounded, and the wall clock is given in. Pure.
 */
import { LRUCache } from 'lru-cache'
import type { Lineage } from '../observation.js'
import { FairCache } from './fair-cache.js'
import type { Processes } from './processes.js'

/** An incident closes when nothing was added for so long. */
const OPEN_MS = 60_000
/** A fact of no known process belongs to what its container did a moment before. */
const NEARBY_MS = 5000
/** Processes whose incidents are kept, of all containers. */
const MEMBER_LIMIT = 32_768
const CONTAINER_LIMIT = 4096

interface Incident {
  readonly id: string
  readonly cgroupId: number
  /** When the last anomaly was added. */
  lastMs: number
}

export class Incidents {
  readonly #prefix: string
  readonly #processes: Processes
  /** By pid: the processes that took part, and the one with which it began. */
  readonly #members = new FairCache<number, Incident>(MEMBER_LIMIT)
  /** By cgroup: where the last anomaly was added. */
  readonly #latest = new LRUCache<number, Incident>({ max: CONTAINER_LIMIT })
  #last = 0

  /** `prefix` is of this session and no other. */
  constructor(prefix: string, processes: Processes) {
    this.#prefix = prefix
    this.#processes = processes
  }

  /**
   * The id of the incident of a new anomaly: that of the nearest ancestor, itself included, with an open one; else a new one,
   * which begins with the topmost known ancestor that was injected too, if it is of lineage `exec`, or with the process.
   * `pid` is 0 where no process is known; `cgroupId` is as in `ProcessSighting`.
   */
  idOf(cgroupId: number, pid: number, lineage: Lineage, atMs: number): string {
    const incident =
      pid === 0 ? this.#nearby(cgroupId, atMs) : this.#of(cgroupId, pid, lineage, atMs)
    // Neither the clock nor the order of reports is to be relied on.
    incident.lastMs = Math.max(incident.lastMs, atMs)
    this.#latest.set(cgroupId, incident)
    return incident.id
  }

  /** The container is gone. */
  forget(cgroupId: number): void {
    this.#members.forget(cgroupId)
    this.#latest.delete(cgroupId)
  }

  #nearby(cgroupId: number, atMs: number): Incident {
    const latest = this.#latest.get(cgroupId)
    return latest !== undefined && atMs - latest.lastMs < NEARBY_MS
      ? latest
      : this.#begin(cgroupId, atMs)
  }

  #of(cgroupId: number, pid: number, lineage: Lineage, atMs: number): Incident {
    const ancestors = this.#processes.ancestors(cgroupId, pid)
    const known = this.#open(cgroupId, [pid, ...ancestors], atMs)
    const incident = known ?? this.#begin(cgroupId, atMs)
    this.#members.set(pid, cgroupId, incident)
    if (known !== undefined || lineage !== 'exec') return incident
    const root = ancestors.findLast(
      (ancestor) => this.#processes.lineageOf(cgroupId, ancestor) === 'exec',
    )
    if (root !== undefined) this.#members.set(root, cgroupId, incident)
    return incident
  }

  #open(cgroupId: number, pids: readonly number[], atMs: number): Incident | undefined {
    for (const pid of pids) {
      const incident = this.#members.get(pid)
      if (incident?.cgroupId === cgroupId && atMs - incident.lastMs <= OPEN_MS) return incident
    }
    return undefined
  }

  #begin(cgroupId: number, atMs: number): Incident {
    return { id: `${this.#prefix}-${++this.#last}`, cgroupId, lastMs: atMs }
  }
}
