/** The images of which containers are watched, and what each is held to: kept compiled in the matcher's terms. Pure. */
import { allowedOf } from './allowed-of.js'
import type { ImageState } from './detector-state.js'
import { DOUBT } from './findings.js'
import type { HeldTo } from './held-to.js'
import type { CompiledPolicy } from './policy-compile.js'
import type { Roster } from './roster.js'

export class Images {
  readonly #roster: Roster
  #policy: CompiledPolicy
  readonly #held = new Map<string, HeldTo>()
  readonly #used = new Map<string, ImageState>()

  constructor(roster: Roster, policy: CompiledPolicy) {
    this.#roster = roster
    this.#policy = policy
  }

  /** Whether the image has a sealed baseline. */
  isHeld(digest: string): boolean {
    return this.#held.has(digest)
  }

  /** Another policy holds from now on. False if some image found no room. */
  setPolicy(policy: CompiledPolicy): boolean {
    this.#policy = policy
    let fit = true
    for (const image of this.#used.values()) if (!this.#compile(image)) fit = false
    return fit
  }

  /** What the image is held to from now on. False if it found no room. */
  hold(digest: string, held: HeldTo | undefined): boolean {
    if (held === undefined) this.#held.delete(digest)
    else this.#held.set(digest, held)
    const image = this.#used.get(digest)
    if (image === undefined) return true
    image.held = held
    return this.#compile(image)
  }

  /** One more container of the image, which is not without a digest; `full` if there are too many images. */
  use(digest: string): { readonly image: ImageState; readonly fits: boolean } | 'full' {
    const known = this.#used.get(digest)
    if (known !== undefined) {
      known.users++
      return { image: known, fits: true }
    }
    const handle = this.#roster.addImage()
    if (handle === 'full') return 'full'
    const image: ImageState = { handle, digest, held: this.#held.get(digest), users: 1 }
    this.#used.set(digest, image)
    return { image, fits: this.#compile(image) }
  }

  /** One container less, which the roster has released. */
  leave(image: ImageState): void {
    if (--image.users > 0) return
    this.#roster.releaseImage(image.handle)
    this.#used.delete(image.digest)
  }

  /** An image that finds no room is judged by the policy alone. */
  #compile({ handle, held }: ImageState): boolean {
    const allowed = held === undefined ? undefined : allowedOf(held, this.#policy)
    this.#roster.markAll(handle, DOUBT)
    if (this.#roster.setImage(handle, allowed) !== 'full') return true
    this.#roster.setImage(handle, undefined)
    return false
  }
}
