/**
 * Samples what the containers of a session take of the host, at intervals, and gives it to the session as inputs. Processor
 * time is the difference of two readings, so that a container's first reading gives no sample.
 */
import type { ControllerMounts, ResourceReading } from '../workload/resources.js'
import { readResources } from '../workload/resources.js'
import type { Fact } from './feed.js'

/** A container's cgroup. */
export interface SampledCgroup {
  readonly cgroupId: number
  /** Below the cgroup2 mount. */
  readonly path: string
}

export interface SamplerOptions {
  readonly mounts: ControllerMounts
  /** The containers that run now. */
  readonly cgroups: () => readonly SampledCgroup[]
  readonly give: (fact: Fact) => void
  readonly nowMs: () => number
}

/** Long enough that a burst of a second is averaged out, short enough that a container of a minute gives samples. */
export const SAMPLE_MS = 5000

interface Earlier {
  readonly atMs: number
  readonly cpuUs: number
}

export class ResourceSampler {
  readonly #options: SamplerOptions
  #earlier = new Map<number, Earlier>()
  #timer: NodeJS.Timeout | undefined
  #sampling: Promise<void> = Promise.resolve()
  #isSampling = false

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      if (!this.#isSampling) this.#sampling = this.sample()
    }, SAMPLE_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#sampling
  }

  /** One round over all containers. Never rejects. */
  async sample(): Promise<void> {
    const { cgroups, mounts, nowMs } = this.#options
    this.#isSampling = true
    const seen = new Map<number, Earlier>()
    for (const { cgroupId, path } of cgroups()) {
      const reading = await readResources(mounts, path)
      const atMs = nowMs()
      this.#take(cgroupId, reading, atMs)
      if (reading.cpuUs !== undefined) seen.set(cgroupId, { atMs, cpuUs: reading.cpuUs })
    }
    this.#earlier = seen
    this.#isSampling = false
  }

  #take(cgroupId: number, reading: ResourceReading, atMs: number): void {
    const { memoryBytes, cpuUs, pids } = reading
    const earlier = this.#earlier.get(cgroupId)
    if (earlier === undefined || cpuUs === undefined || atMs <= earlier.atMs) return
    // Microseconds per millisecond are thousandths of a processor.
    const cpuMilli = Math.max(0, Math.round((cpuUs - earlier.cpuUs) / (atMs - earlier.atMs)))
    this.#options.give({
      kind: 'resources',
      cgroupId,
      memoryBytes: memoryBytes ?? 0,
      cpuMilli,
      pids: pids ?? 0,
    })
  }
}
