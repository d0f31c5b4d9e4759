/**
 * Enforcement as the service sees it: what it may be told to do, and what it says of itself. Made of the parts of a running
 * enforcement; has no state of its own.
 */
import { isDigest } from '../baseline/image-identity.js'
import { matchesOf } from '../baseline/reference.js'
import type { BaselineStore } from '../baseline/store.js'
import type { TimelineEntry } from '../detect/anomaly.js'
import { failure } from '../errors.js'
import type { ResponseResult } from '../respond/request.js'
import type { Clock } from '../workload/clock.js'
import type {
  ControlSource,
  ImageMode,
  ModeChange,
  PolicyChange,
  PolicyChanged,
  PolicyInForce as PolicyShown,
  Released,
  ReleaseOrder,
  ResponseOrder,
} from '../service/control/control-source.js'
import type { Detection, WatchedContainer } from './detection.js'
import { findContainer } from './find-container.js'
import type { ImageModes } from './image-modes.js'
import type { PolicyInForce } from './policy-in-force.js'
import type { Requests } from './requests.js'
import type { SealedImages } from './sealed-images.js'

/** What the sensor lost, by reasons of `Incompleteness`. */
export type Losses = ReadonlyMap<string, number>

/** What a service needs of a running enforcement. */
export interface EnforcementControl extends ControlSource {
  /** Containers that are watched now. */
  containersWatched(): number
  /** Images that are held to a sealed baseline. */
  imagesHeld(): number
  /** The last first-seen facts of a container that is watched, oldest first; undefined where none matches. */
  timelineOf(container: string, limit: number): readonly TimelineEntry[] | undefined
  /** Facts that were judged since the start. */
  observations(): number
  losses(): Losses
}

/** Told of what people had done; the other parties of enforcement are not asked. */
export interface ControlEvents {
  acted?(result: ResponseResult): void
  released?(released: Released, order: ReleaseOrder): void
  modeSet?(mode: ImageMode): void
}

export interface ControlParts {
  readonly store: BaselineStore
  readonly clock: Clock
  readonly policy: PolicyInForce
  readonly modes: ImageModes
  readonly sealed: Pick<SealedImages, 'count' | 'reconsider'>
  readonly requests: Requests
  /** Undefined before the session begins. */
  readonly detection: () => Detection | undefined
  readonly timeline: (container: WatchedContainer, limit: number) => readonly TimelineEntry[]
  readonly losses: Losses
  readonly events: ControlEvents
}

/** An image that a mode can be set for. */
interface KnownImage {
  readonly key: string
  readonly name: string
}

export class Control implements EnforcementControl {
  readonly #parts: ControlParts

  constructor(parts: ControlParts) {
    this.#parts = parts
  }

  policy(): PolicyShown {
    return this.#parts.policy.shown()
  }

  setPolicy(change: PolicyChange): Promise<PolicyChanged> {
    return this.#parts.policy.replace(change)
  }

  modes(): readonly ImageMode[] {
    return this.#parts.modes.all()
  }

  async setMode({ image, mode, actor, reason }: ModeChange): Promise<ImageMode> {
    const { modes, sealed, clock, events } = this.#parts
    const { key, name } = await this.#imageOf(image)
    const set = { key, imageName: name, mode, actor, reason, atMs: clock.nowMs() }
    await modes.set(set)
    sealed.reconsider(digestOf(key))
    events.modeSet?.(set)
    return set
  }

  async respond(order: ResponseOrder): Promise<ResponseResult> {
    const result = await this.#parts.requests.respond(order)
    this.#parts.events.acted?.(result)
    return result
  }

  async release(order: ReleaseOrder): Promise<Released> {
    const released = await this.#parts.requests.release(order)
    this.#parts.events.released?.(released, order)
    return released
  }

  containersWatched(): number {
    return this.#parts.detection()?.containerCount ?? 0
  }

  imagesHeld(): number {
    return this.#parts.sealed.count
  }

  timelineOf(ref: string, limit: number): readonly TimelineEntry[] | undefined {
    try {
      const found = findContainer(ref, this.#parts.detection()?.containers() ?? [])
      return this.#parts.timeline(found, limit)
    } catch {
      return undefined
    }
  }

  observations(): number {
    return this.#parts.detection()?.judged ?? 0
  }

  losses(): Losses {
    return this.#parts.losses
  }

  /** Of the store, of the containers that are watched, and of the modes. Throws `BASELINE_NOT_FOUND`, `BASELINE_AMBIGUOUS`. */
  async #imageOf(ref: string): Promise<KnownImage> {
    const { store, modes, detection } = this.#parts
    const known = new Map<string, string>()
    for (const { key, imageName } of modes.all()) known.set(key, imageName)
    for (const { workload } of detection()?.containers() ?? []) {
      const { imageDigest, imageName } = workload
      if (isDigest(imageDigest)) known.set(keyOf(imageDigest), imageName)
    }
    for (const entry of await store.list()) {
      // A file that cannot be read is of an image all the same.
      known.set(entry.key, entry.kind === 'baseline' ? entry.image.name : '')
    }
    const candidates = [...known]
      .filter(([key]) => key.startsWith('container-'))
      .map(([key, name]) => {
        const digest = digestOf(key)
        return { key, name, image: { kind: 'container' as const, digest, name, entrypoint: [] } }
      })
    const matches = matchesOf(ref, candidates)
    const [only] = matches
    if (only === undefined) throw failure('BASELINE_NOT_FOUND', { ref })
    if (matches.length > 1) {
      const shown = matches.slice(0, 5).map(({ key }) => key.slice(0, 'container-'.length + 12))
      throw failure('BASELINE_AMBIGUOUS', {
        ref,
        count: matches.length,
        candidates: shown.join(', '),
      })
    }
    return only
  }
}

function keyOf(digest: string): string {
  return `container-${digest.slice('sha256:'.length)}`
}

function digestOf(key: string): string {
  return `sha256:${key.slice('container-'.length)}`
}
