/**
 * Which container a cgroup id stands for, from the kernel's events and from scans of the tree. Pure. Removed cgroups stay
 * known for a while, because the sensor's maps are printed after the fact.
 */
import { LRUCache } from 'lru-cache'
import { containerOf, type ContainerPath } from '../workload/container-path.js'
import type { CgroupEntry } from './input.js'

/** `none`: a cgroup that belongs to no container. `unknown`: nothing is known of it yet, a scan may tell. */
export type CgroupOwner = ContainerPath | 'none' | 'unknown'

/** Live cgroups of the largest hosts are some ten thousand; an entry costs about 200 bytes. */
const CGROUP_LIMIT = 65536

interface Known {
  readonly owner: CgroupOwner
  /** Created while the probes were attached, so that nothing of it was missed. */
  readonly isFresh: boolean
}

export class CgroupIndex {
  readonly #known = new LRUCache<number, Known>({ max: CGROUP_LIMIT })

  /**
   * The kernel told of a new cgroup; an empty path means that it could not carry it, and a scan is needed. `isFresh` if
   * every probe was attached by then.
   */
  created(id: number, path: string, isFresh: boolean): CgroupOwner {
    const owner = path === '' ? this.ownerOf(id) : (containerOf(path) ?? 'none')
    this.#known.set(id, { owner, isFresh })
    return owner
  }

  /** A scan saw the cgroup. Keeps what is known of its birth. */
  scanned(entry: CgroupEntry): CgroupOwner {
    const known = this.#known.get(entry.id)
    if (known !== undefined && known.owner !== 'unknown') return known.owner
    const owner = containerOf(entry.path) ?? 'none'
    this.#known.set(entry.id, { owner, isFresh: known?.isFresh ?? false })
    return owner
  }

  /** It went away before anything told whose it was: it is taken for none of ours. */
  missing(id: number): void {
    this.#known.set(id, { owner: 'none', isFresh: this.isFresh(id) })
  }

  ownerOf(id: number): CgroupOwner {
    return this.#known.get(id)?.owner ?? 'unknown'
  }

  isFresh(id: number): boolean {
    return this.#known.get(id)?.isFresh ?? false
  }
}
