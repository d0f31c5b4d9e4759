/**
 * What one round of a calibration does: containers that do nothing, started and entered in every way that makes a
 * difference to the runtime. A few at a time, because a runtime that has to wait for a processor makes calls that one
 * alone on the host hardly ever makes.
 */
import type { Measure } from '../seccomp/floor-document.js'
import { BundleContainer, type StreamKind, type Workshop } from '../workload/bundle-container.js'
import { Gate } from '../workload/gate.js'
import type { Watched } from './calibrate-rounds.js'

/** Root, and any other user, to whom a runtime hands over the standard streams. */
const UIDS = [0, 1000]
const STREAMS: readonly StreamKind[] = ['null', 'pipe', 'terminal']
const AT_A_TIME = 4

/** Told of each cgroup before anything runs in it. */
export type Watch = (watched: Watched) => void

/** Without and with no_new_privs. */
const SETTINGS = [false, true]

export class CalibrationContainers {
  readonly #workshop: Workshop
  /** Those that processes are injected into, by setting; they sleep for as long as the calibration takes. */
  readonly #sleeping = new Map<boolean, BundleContainer>()

  private constructor(workshop: Workshop) {
    this.#workshop = workshop
  }

  /** Starts the containers that last. Throws `RuntimeError` where the runtime cannot start any; nothing is left then. */
  static async open(workshop: Workshop): Promise<CalibrationContainers> {
    const containers = new CalibrationContainers(workshop)
    try {
      for (const noNewPrivileges of SETTINGS) await containers.#startSleeping(noNewPrivileges)
      return containers
    } catch (thrown) {
      await containers.close()
      throw thrown
    }
  }

  /** One round; returns when everything that it started has ended. Throws the first failure then. */
  async round(watch: Watch): Promise<void> {
    const gate = new Gate(AT_A_TIME)
    await allDone(
      this.#tasks(watch).map(async (task) => {
        const leave = await gate.enter()
        await task().finally(leave)
      }),
    )
  }

  /** Takes the lasting containers away. */
  async close(): Promise<void> {
    await allDone([...this.#sleeping.values()].map((container) => container.remove()))
  }

  #tasks(watch: Watch): readonly (() => Promise<void>)[] {
    const starts = SETTINGS.flatMap((noNewPrivileges) =>
      UIDS.flatMap((uid) => [
        ...STREAMS.map(
          (streams) => () => this.#start(watch, uid, noNewPrivileges, streams, 'create-start'),
        ),
        () => this.#start(watch, uid, noNewPrivileges, 'pipe', 'run'),
      ]),
    )
    const execs = SETTINGS.map((setting) => () => this.#enter(watch, setting))
    return [...starts, ...execs]
  }

  async #start(
    watch: Watch,
    uid: number,
    noNewPrivileges: boolean,
    streams: StreamKind,
    steps: 'create-start' | 'run',
  ): Promise<void> {
    const container = await BundleContainer.prepare(this.#workshop, {
      program: 'exit',
      uid,
      noNewPrivileges,
      streams,
    })
    try {
      const measure: Measure = { operation: 'start', noNewPrivileges }
      watch({ cgroupId: container.cgroupId, measure, programs: 1 })
      await container.start(streams, steps)
      await container.ended()
    } finally {
      await container.remove()
    }
  }

  async #enter(watch: Watch, noNewPrivileges: boolean): Promise<void> {
    const container = this.#sleeping.get(noNewPrivileges)
    if (container === undefined) return
    const cgroupId = await container.renewCgroup()
    const processes = UIDS.flatMap((uid) => STREAMS.map((streams) => ({ uid, streams })))
    const measure: Measure = { operation: 'exec', noNewPrivileges }
    watch({ cgroupId, measure, programs: processes.length })
    for (const process of processes) {
      await container.exec({ program: 'exit', noNewPrivileges, ...process })
    }
    await container.ended()
  }

  async #startSleeping(noNewPrivileges: boolean): Promise<void> {
    const streams: StreamKind = 'null'
    const container = await BundleContainer.prepare(this.#workshop, {
      program: 'pause',
      uid: 0,
      noNewPrivileges,
      streams,
    })
    this.#sleeping.set(noNewPrivileges, container)
    await container.start(streams, 'create-start')
  }
}

/** Waits for all of them, and only then throws the first failure. */
async function allDone(tasks: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(tasks)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}
