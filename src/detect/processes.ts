/**
 * The processes of containers, as far as observations told of them: who descends from whom. Bounded; of a container with
 * too many, the one that was not heard of for longest is forgotten. The kernel tells of no end, so a pid may have been given
 * out again: an entry is never taken for a process of another container, lineage or family. Pure; not for every system call.
 */
import type { ByteString } from '../bytes.js'
import type { Lineage } from '../observation.js'
import type { ProcessFacts } from './anomaly.js'
import { FairCache } from './fair-cache.js'

/** Some 300 bytes each, beside their texts. */
const PROCESS_LIMIT = 32_768
/** Generations that are followed upwards. */
const ANCESTOR_LIMIT = 64

const NO_TEXT = '' as ByteString

/** What one observation tells of a process; what it does not tell stays as it was. */
export interface ProcessSighting {
  /** Of a container with several, the same one for all its processes: ancestors are looked for in one cgroup only. */
  readonly cgroupId: number
  readonly pid: number
  /** The kernel's, to which a health check is an `exec` like any other. */
  readonly lineage: Lineage
  readonly ppid?: number
  readonly uid?: number
  readonly comm?: ByteString
  readonly exe?: ByteString
  readonly path?: ByteString
}

interface Known {
  readonly cgroupId: number
  readonly pid: number
  lineage: Lineage
  ppid: number
  /** The first parent: it stays when the process is given to a reaper. */
  parent: number
  uid: number | undefined
  comm: ByteString
  exe: ByteString
  path: ByteString
}

export class Processes {
  readonly #known: FairCache<number, Known>

  constructor(limit = PROCESS_LIMIT) {
    this.#known = new FairCache(limit)
  }

  get size(): number {
    return this.#known.size
  }

  /** Takes in what an observation tells. */
  saw(sighting: ProcessSighting): void {
    const { cgroupId, pid, lineage, ppid = 0, uid, comm, exe, path } = sighting
    if (pid === 0) return
    let process = this.#known.get(pid)
    if (process === undefined || !this.#isSame(process, sighting)) {
      const texts = { comm: NO_TEXT, exe: NO_TEXT, path: NO_TEXT }
      process = { cgroupId, pid, lineage, ppid: 0, parent: 0, uid: undefined, ...texts }
      this.#known.set(pid, cgroupId, process)
    }
    process.lineage = lineage
    if (ppid !== 0) {
      process.ppid = ppid
      if (process.parent === 0) process.parent = ppid
    }
    if (uid !== undefined) process.uid = uid
    if (comm !== undefined) process.comm = comm
    if (exe !== undefined) process.exe = exe
    if (path !== undefined) process.path = path
  }

  /** The container is gone. */
  forget(cgroupId: number): void {
    this.#known.forget(cgroupId)
  }

  /** What is known of a process that did something; its lineage is the observation's. */
  factsOf(cgroupId: number, pid: number, lineage: Lineage): ProcessFacts {
    const process = this.#find(cgroupId, pid)
    if (process === undefined) {
      return { pid, ppid: 0, uid: undefined, comm: NO_TEXT, exe: NO_TEXT, path: NO_TEXT, lineage }
    }
    const { ppid, uid, comm, exe, path } = process
    return { pid, ppid, uid, comm, exe, path, lineage }
  }

  /** The lineage of a process that is known. */
  lineageOf(cgroupId: number, pid: number): Lineage | undefined {
    return this.#find(cgroupId, pid)?.lineage
  }

  /** The known ancestors of a process in its cgroup, parent first, as far as the chain is known; at most 64. */
  ancestors(cgroupId: number, pid: number): readonly number[] {
    const pids: number[] = []
    let process = this.#find(cgroupId, pid)
    while (process !== undefined && pids.length < ANCESTOR_LIMIT) {
      process = this.#find(cgroupId, process.parent)
      // Pids that were given out again may have made a ring of the chain.
      if (process === undefined || process.pid === pid || pids.includes(process.pid)) break
      pids.push(process.pid)
    }
    return pids
  }

  #find(cgroupId: number, pid: number): Known | undefined {
    const process = this.#known.peek(pid)
    return process?.cgroupId === cgroupId ? process : undefined
  }

  /**
   * Whether the sighting is of that very process. One of the runtime becomes another lineage by its first exec; a lineage
   * is kept else. Another parent is a reaper, if it is an ancestor (a subreaper) or at the top of its tree (the first
   * process of the container): those are whom the kernel gives orphans to.
   */
  #isSame(process: Known, { cgroupId, lineage, ppid = 0 }: ProcessSighting): boolean {
    if (process.cgroupId !== cgroupId) return false
    if (process.lineage !== lineage && process.lineage !== 'runtime') return false
    if (ppid === 0 || process.parent === 0 || ppid === process.parent) return true
    if (this.ancestors(cgroupId, process.pid).includes(ppid)) return true
    const parent = this.#find(cgroupId, ppid)
    return parent === undefined || this.#find(cgroupId, parent.parent) === undefined
  }
}
