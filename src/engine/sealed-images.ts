/**
 * The sealed baselines of a store, given to a detector, and given again when they change: what a person approves holds from
 * the next look on. An image that is set free is held to nothing until it is not free any more.
 */
import type { BaselineStore } from '../baseline/store.js'
import type { Detector } from '../detect/detector.js'
import { type HeldTo, heldToOf } from '../detect/held-to.js'
import { asPlimsollError, type PlimsollError } from '../errors.js'
import { argumentCallOf } from '../kernel/arguments.js'

export class SealedImages {
  readonly #store: BaselineStore
  readonly #detector: Pick<Detector, 'hold'>
  /** By key of the image: the revision that was looked at, and the image's digest. */
  readonly #seen = new Map<string, { readonly revision: number; readonly digest: string }>()
  /** By digest: what is in the store, whether the image is free or not. */
  readonly #held = new Map<string, HeldTo>()
  readonly #isFree: (digest: string) => boolean
  /** Those of them whose requests of ioctl are known. */
  readonly #ioctl = new Set<string>()

  /** `isFree` says which images are not held for now, whatever is sealed. */
  constructor(
    store: BaselineStore,
    detector: Pick<Detector, 'hold'>,
    isFree: (digest: string) => boolean = () => false,
  ) {
    this.#store = store
    this.#detector = detector
    this.#isFree = isFree
  }

  /** Images that are held to a sealed baseline. */
  get count(): number {
    let count = 0
    for (const digest of this.#held.keys()) if (!this.#isFree(digest)) count++
    return count
  }

  /** What the sealed baseline of the image says, also while the image is free; undefined where it has none. */
  sealedOf(digest: string): HeldTo | undefined {
    return this.#held.get(digest)
  }

  /** The image has become free, or is not any more: that holds from now on. */
  reconsider(digest: string): void {
    this.#detector.hold(digest, this.#isFree(digest) ? undefined : this.#held.get(digest))
  }

  /** Whether some of them may call ioctl with certain requests only, so that it has to be looked at which are made. */
  get needsIoctl(): boolean {
    return this.#ioctl.size > 0
  }

  /**
   * Looks what changed since the last time. Returns what could not be read; those images are held to what was known of them
   * before. Cost: a directory per image, and a file per image that changed.
   */
  async refresh(): Promise<readonly PlimsollError[]> {
    const failures: PlimsollError[] = []
    const newest = await this.#store.newest()
    for (const [key, revision] of newest) {
      if (this.#seen.get(key)?.revision === revision) continue
      try {
        const baseline = await this.#store.load(key)
        const { digest } = baseline.image
        this.#hold(key, revision, digest, heldToOf(baseline))
      } catch (thrown) {
        failures.push(asPlimsollError(thrown))
        const digest = this.#seen.get(key)?.digest ?? ''
        this.#seen.set(key, { revision, digest })
      }
    }
    for (const [key, { digest }] of this.#seen) {
      if (newest.has(key)) continue
      this.#seen.delete(key)
      this.#release(digest)
    }
    return failures
  }

  #hold(key: string, revision: number, digest: string, held: HeldTo | undefined): void {
    this.#seen.set(key, { revision, digest })
    if (held === undefined) {
      this.#release(digest)
      return
    }
    this.#held.set(digest, held)
    if (knowsIoctl(held)) this.#ioctl.add(digest)
    else this.#ioctl.delete(digest)
    this.reconsider(digest)
  }

  #release(digest: string): void {
    if (!this.#held.delete(digest)) return
    this.#ioctl.delete(digest)
    this.#detector.hold(digest, undefined)
  }
}

function knowsIoctl({ items }: HeldTo): boolean {
  return items.some(
    (item) => item.kind === 'argument' && argumentCallOf(item.abi, item.nr) === 'ioctl',
  )
}
