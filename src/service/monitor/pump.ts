/**
 * Turns for many readers on one thread: each that is ready takes a short step, and goes to the end of the queue if it has more
 * to do. After some steps the event loop gets its turn, so that what was written is sent and a reader with much to catch up on
 * delays nobody.
 */
export interface Stepper {
  /** Does a bounded piece of work; true if there is more to be done right away. Does not throw. */
  step(): boolean
}

/** Steps between two turns of the event loop; one writes 16 events at most, some 200 microseconds. */
const STEPS_AT_A_TIME = 32

export class Pump {
  /** In the order in which they became ready. */
  readonly #ready = new Set<Stepper>()
  #isScheduled = false

  /** Gives it a turn soon; once, however often it is added before. */
  add(stepper: Stepper): void {
    this.#ready.add(stepper)
    this.#schedule()
  }

  remove(stepper: Stepper): void {
    this.#ready.delete(stepper)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    let left = STEPS_AT_A_TIME
    for (const stepper of this.#ready) {
      if (left-- === 0) break
      this.#ready.delete(stepper)
      if (stepper.step()) this.#ready.add(stepper)
    }
    if (this.#ready.size > 0) this.#schedule()
  }
}
