/**
 * Whether a container takes more of its host than its image was seen to take: over a window, because a spike says nothing.
 * A sample is high if it lies above the largest peak that was learned, by a factor and a slack; a resource deviates when
 * most samples of the window are high, and is itself again when few are. Pure; one per container.
 */

/** What is sampled: bytes, thousandths of a processor, processes. */
export interface ResourceSample {
  readonly memory: number
  readonly cpu: number
  readonly pids: number
}
export type ResourceName = keyof ResourceSample

/** What was learned, and from how many samples. */
export interface LearnedResources extends ResourceSample {
  readonly samples: number
}

export interface Deviation {
  readonly resource: ResourceName
  readonly value: number
  readonly learned: number
}

export const RESOURCES = ['memory', 'cpu', 'pids'] as const satisfies readonly ResourceName[]

/** Fewer samples have not seen what is usual. */
const MIN_SAMPLES = 12
/** Samples looked at: at one in five seconds, one minute. */
const WINDOW = 12
const DEVIATES_AT = 9
const RECOVERS_AT = 3
const FACTOR = 1.5
/** What makes no difference to a host, whatever the factor. */
const SLACK: ResourceSample = { memory: 32 * 1024 * 1024, cpu: 250, pids: 8 }

interface Track {
  /** Whether each of the last samples was high, one bit each. */
  bits: number
  deviates: boolean
}

export class ResourceWatch {
  readonly #tracks: Readonly<Record<ResourceName, Track>> = {
    memory: { bits: 0, deviates: false },
    cpu: { bits: 0, deviates: false },
    pids: { bits: 0, deviates: false },
  }

  /** Takes the next sample; what begins to deviate with it. Nothing does while too little was learned. */
  take(sample: ResourceSample, learned: LearnedResources): readonly Deviation[] {
    if (learned.samples < MIN_SAMPLES) return []
    return RESOURCES.flatMap((resource) => {
      const value = sample[resource]
      const limit = learned[resource] * FACTOR + SLACK[resource]
      const track = this.#tracks[resource]
      track.bits = ((track.bits << 1) | (value > limit ? 1 : 0)) & ((1 << WINDOW) - 1)
      const high = onesIn(track.bits)
      if (track.deviates) {
        if (high <= RECOVERS_AT) track.deviates = false
        return []
      }
      if (high < DEVIATES_AT) return []
      track.deviates = true
      return [{ resource, value, learned: learned[resource] }]
    })
  }
}

function onesIn(bits: number): number {
  let ones = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) ones++
  return ones
}
