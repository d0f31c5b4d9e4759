/**
 * Losses by class. The probes count every record they print and every update that found a map full, by the record's
 * letter, in kernel maps of their own; the host counts what arrives. The difference is what was lost on the way: exact once
 * the sensor has ended, and exact to the moment of an earlier print, mostly the last but one, while it runs. bpftrace's own
 * `lost_events` has no class and is missing in some versions, so it is the cross-check: what it
 * counts beyond the classes is told as lost, of unknown class, once the sensor has ended.
 */

/** Letters whose loss costs nothing, because the truth is in a map. */
const HINTS: ReadonlySet<string> = new Set(['S', 'V', 'N', 'B', 'K', 'U'])

/** What a letter stands for, in the words of the user. */
const CLASS_OF: Readonly<Record<string, string>> = {
  A: 'entry',
  E: 'exec',
  P: 'exec',
  F: 'exec',
  D: 'datagram',
  X: 'unix',
  G: 'cgroup',
  g: 'cgroup',
  S: 'syscall hint',
  V: 'argument hint',
  N: 'endpoint hint',
  L: 'lineage',
  B: 'denial hint',
  b: 'denial',
  K: 'capability hint',
  U: 'io_uring hint',
}

export interface Loss {
  /** The class, e.g. `exec`. */
  readonly what: string
  readonly count: number
  /** Only early notices were lost; what is learned is complete. */
  readonly isHint: boolean
}

/**
 * A print may be ahead of records that lie in the buffer of another processor: bpftrace reads one buffer after another, and
 * what a print shows is the map's state when it is read. Where prints had to queue, as they do while probes are still
 * being attached, several are read at one go. So long after a print all records before it have been read.
 */
export const SETTLED_MS = 1000

export class Accounting {
  readonly #received = new Map<number, number>()
  #printedMs = Number.NEGATIVE_INFINITY
  #sentBefore = new Map<number, number>()
  #sentNow = new Map<number, number>()
  readonly #refused = new Map<number, number>()
  #reportedByBpftrace = 0

  received(letter: number): void {
    this.#received.set(letter, (this.#received.get(letter) ?? 0) + 1)
  }

  /** A new print of `@sent` starts, which arrived at `atMs`; its entries follow through `sent`. */
  startSentPrint(atMs: number): void {
    if (atMs - this.#printedMs >= SETTLED_MS) this.#sentBefore = this.#sentNow
    this.#printedMs = atMs
    this.#sentNow = new Map()
  }

  sent(letter: number, count: number): void {
    if (letter > 0) this.#sentNow.set(letter, count)
  }

  refused(letter: number, count: number): void {
    if (letter > 0) this.#refused.set(letter, count)
  }

  lostByBpftrace(count: number): void {
    this.#reportedByBpftrace += count
  }

  /** Records lost so far; with `final`, up to the very last print, which the sensor makes when it ends. */
  losses(final: boolean): readonly Loss[] {
    const counts = new Map<string, Loss>()
    const print = final ? this.#sentNow : this.#sentBefore
    for (const [letter, sent] of print) {
      const missing = sent - (this.#received.get(letter) ?? 0)
      if (missing <= 0) continue
      const sign = String.fromCharCode(letter)
      const what = CLASS_OF[sign] ?? sign
      counts.set(what, {
        what,
        count: (counts.get(what)?.count ?? 0) + missing,
        isHint: HINTS.has(sign),
      })
    }
    const explained = [...counts.values()].reduce((sum, { count }) => sum + count, 0)
    const unexplained = this.#reportedByBpftrace - explained
    if (final && unexplained > 0) {
      counts.set('unknown class', { what: 'unknown class', count: unexplained, isHint: false })
    }
    return [...counts.values()]
  }

  /** Map updates refused because the map was full. */
  refusals(): readonly Loss[] {
    return [...this.#refused]
      .filter(([, count]) => count > 0)
      .map(([letter, count]) => {
        const sign = String.fromCharCode(letter)
        return { what: CLASS_OF[sign] ?? sign, count, isHint: HINTS.has(sign) }
      })
  }
}
