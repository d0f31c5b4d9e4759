/** When the probes were attached, up to when everything is in, and since when nothing is seen. Pure. */
import type { Incompleteness } from '../observation.js'
import type { Run } from './run.js'

/** All times are wall-clock milliseconds; 0 stands for "not yet" or "not". */
export class Attachment {
  #firstMs = 0
  #latestMs = 0
  /** The sensor's last print of its maps. */
  #seenUntilMs = 0
  #blindSinceMs = 0

  /** Every probe has been attached once. */
  get isMade(): boolean {
    return this.#firstMs > 0
  }

  /** Every probe is attached, for the first time or again. */
  made(atMs: number): void {
    if (this.#firstMs === 0) this.#firstMs = atMs
    this.#latestMs = atMs
    this.#seenUntilMs = atMs
  }

  /** The maps were printed. */
  printed(atMs: number): void {
    this.#seenUntilMs = atMs
  }

  /** The sensor went away. What its maps gained after their last print died with it: the gap begins there. */
  lost(): void {
    if (this.#blindSinceMs === 0) this.#blindSinceMs = this.#seenUntilMs
  }

  /**
   * The gap that ends now, once, and since when a run must have been alive to be touched by it. Before the first attachment
   * there is none: what runs by then is late anyway.
   */
  takeGap(atMs: number): { readonly missed: Incompleteness; readonly sinceMs: number } | undefined {
    const sinceMs = this.#blindSinceMs
    if (sinceMs === 0) return undefined
    this.#blindSinceMs = 0
    return {
      missed: { reason: 'sensor-restarted', count: 1, fromMs: sinceMs, toMs: atMs },
      sinceMs,
    }
  }

  /** When the probes that watch the run were attached. */
  of(run: Run): number {
    const isFirst = !run.isLate && run.startedMs < this.#latestMs
    return isFirst ? this.#firstMs : this.#latestMs
  }
}
