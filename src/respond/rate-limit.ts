/**
 * How often the same thing may be acted upon. What was never acted upon before in a container is never held back, whatever
 * the rate; only what was is counted. Bounded; a container or a key that is forgotten counts as new.
 */
import { LRUCache } from 'lru-cache'

export interface RateLimitOptions {
  /** Repeats per container and minute. */
  readonly perMinute?: number
  readonly maxContainers?: number
  readonly maxKeys?: number
}

interface Container {
  readonly keys: LRUCache<string, true>
  /** When repeats were let through, within the last minute. */
  repeats: number[]
}

const MINUTE_MS = 60_000

export class RateLimit {
  readonly #perMinute: number
  readonly #maxKeys: number
  readonly #containers: LRUCache<string, Container>

  constructor({ perMinute = 5, maxContainers = 4096, maxKeys = 1024 }: RateLimitOptions = {}) {
    this.#perMinute = perMinute
    this.#maxKeys = maxKeys
    this.#containers = new LRUCache({ max: maxContainers })
  }

  /** Milliseconds until this may be acted upon; 0: now. Changes nothing. */
  waitMs(containerId: string, key: string, nowMs: number): number {
    const container = this.#containers.get(containerId)
    if (container === undefined || !container.keys.has(key)) return 0
    const recent = container.repeats.filter((atMs) => atMs > nowMs - MINUTE_MS)
    if (recent.length < this.#perMinute) return 0
    return (recent[recent.length - this.#perMinute] ?? nowMs) + MINUTE_MS - nowMs
  }

  /** Notes that it was acted upon. */
  acted(containerId: string, key: string, nowMs: number): void {
    let container = this.#containers.get(containerId)
    if (container === undefined) {
      container = { keys: new LRUCache({ max: this.#maxKeys }), repeats: [] }
      this.#containers.set(containerId, container)
    }
    if (container.keys.has(key)) {
      container.repeats = container.repeats.filter((atMs) => atMs > nowMs - MINUTE_MS)
      container.repeats.push(nowMs)
    }
    container.keys.set(key, true)
  }
}
