/** Gives everything that the sensor says to two listeners, in order. Pure. */
import type { DenialHint, Observation, ObservationSink } from '../observation.js'

export class Tee implements ObservationSink {
  readonly #first: ObservationSink
  readonly #second: ObservationSink

  constructor(first: ObservationSink, second: ObservationSink) {
    this.#first = first
    this.#second = second
  }

  syscall(...fact: Parameters<ObservationSink['syscall']>): void {
    this.#first.syscall(...fact)
    this.#second.syscall(...fact)
  }

  argument(...fact: Parameters<ObservationSink['argument']>): void {
    this.#first.argument(...fact)
    this.#second.argument(...fact)
  }

  observe(observation: Observation, tag: number): void {
    this.#first.observe(observation, tag)
    this.#second.observe(observation, tag)
  }

  denied(...fact: Parameters<NonNullable<ObservationSink['denied']>>): void {
    this.#first.denied?.(...fact)
    this.#second.denied?.(...fact)
  }

  filtered(...fact: Parameters<NonNullable<ObservationSink['filtered']>>): void {
    this.#first.filtered?.(...fact)
    this.#second.filtered?.(...fact)
  }

  unpaired(...fact: Parameters<NonNullable<ObservationSink['unpaired']>>): void {
    this.#first.unpaired?.(...fact)
    this.#second.unpaired?.(...fact)
  }

  denialHint(hint: DenialHint): void {
    this.#first.denialHint?.(hint)
    this.#second.denialHint?.(hint)
  }
}
