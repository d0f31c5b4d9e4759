/**
 * What each container did first of late: a ring of first-seen facts, kept all the time, so that an anomaly can say what
 * came before it. Pure; not for every system call.
 *
 *   entries   ring of the last 64 facts, oldest at `next` once it is full
 *   seen      Uint32Array(1024)   hashes of facts, each at the place that its low bits name
 *
 * A fact whose place another one has taken meanwhile is kept once more: this is for people to read. Per container that did
 * anything 4.1 KB and its facts; `capacity` bounds the containers.
 */
import type { TimelineEntry } from './anomaly.js'
import { subjectKey } from './subject-key.js'

const ENTRY_LIMIT = 64
const ENTRY_MASK = ENTRY_LIMIT - 1
const SEEN_PLACES = 1024

interface Ring {
  readonly entries: TimelineEntry[]
  next: number
  readonly seen: Uint32Array
}

export class Timeline {
  /** By slot of a container. */
  readonly #rings: (Ring | undefined)[]

  constructor(capacity: number) {
    this.#rings = Array.from({ length: capacity }, () => undefined)
  }

  /** Keeps the fact if it is the first of its kind and lineage in the container; whether it was. Out of bounds it is not kept. */
  note(slot: number, entry: TimelineEntry): boolean {
    if (slot < 0 || slot >= this.#rings.length) return false
    const ring = (this.#rings[slot] ??= {
      entries: [],
      next: 0,
      seen: new Uint32Array(SEEN_PLACES),
    })
    const hash = hashOf(entry)
    if (ring.seen[hash % SEEN_PLACES] === hash) return false
    ring.seen[hash % SEEN_PLACES] = hash
    ring.entries[ring.next] = entry
    ring.next = (ring.next + 1) & ENTRY_MASK
    return true
  }

  /** The last `count` facts of the container, oldest first, as a copy. */
  last(slot: number, count: number): readonly TimelineEntry[] {
    const ring = this.#rings[slot]
    if (ring === undefined || count <= 0) return []
    const { entries, next } = ring
    return [...entries.slice(next), ...entries.slice(0, next)].slice(-count)
  }

  /** The container is gone; its slot may become another's. */
  clear(slot: number): void {
    if (slot >= 0 && slot < this.#rings.length) this.#rings[slot] = undefined
  }
}

/** Of lineage and subject; never 0, which stands for nothing seen. FNV-1a (draft-eastlake-fnv). */
function hashOf({ lineage, subject }: TimelineEntry): number {
  let hash = 0x811c_9dc5
  const text = `${lineage}\0${subjectKey(subject)}`
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  }
  return (hash ^ (hash >>> 16)) >>> 0 || 1
}
