/**
 * What seccomp filters refused, per cgroup and per container, and what of it may have been missed. Fed with what the sensor
 * says; pure.
 */
import { LRUCache } from 'lru-cache'
import type { ByteString } from '../bytes.js'
import type {
  Abi,
  DenialHint,
  Incompleteness,
  Lineage,
  Observation,
  ObservationSink,
} from '../observation.js'
import { Decoder } from '../sensor/decoder.js'
import type { SensorFact } from './attach.js'
import { Attachment } from './attachment.js'
import { CgroupIndex } from './cgroup-index.js'
import { DenialTally, type Denials } from './denial-tally.js'
import { LossWatch } from './loss-watch.js'

/** Cgroups that are remembered: more than a host makes while a watch lasts. */
const CGROUP_LIMIT = 4096
const PROGRAM_LIMIT = 16384

export class DenialWatch implements ObservationSink {
  readonly #onReady: () => void
  readonly #cgroups = new CgroupIndex()
  readonly #tallies = new LRUCache<number, DenialTally>({ max: CGROUP_LIMIT })
  readonly #programs = new LRUCache<number, ByteString>({ max: PROGRAM_LIMIT })
  readonly #attachment = new Attachment()
  readonly #missed: Incompleteness[] = []
  #decoder: Decoder | undefined
  #losses: LossWatch | undefined
  #nowMs = 0

  /** `onReady` is called each time that every probe is attached. */
  constructor(onReady: () => void) {
    this.#onReady = onReady
  }

  /** Takes the next fact, in the order of the times. */
  apply(fact: SensorFact, atMs: number): void {
    this.#nowMs = atMs
    switch (fact.kind) {
      case 'sensor-started':
        this.#started()
        break
      case 'sensor-bytes':
        this.#decoder?.push(fact.bytes, atMs)
        break
      case 'sensor-ended':
        this.#ended(fact.expected)
        break
    }
  }

  /** Why what is told may not be all; empty if nothing was missed. Complete once the sensor has ended. */
  missed(): readonly Incompleteness[] {
    return this.#missed
  }

  /** What is known of that container; undefined where none of its cgroups was seen to be made. */
  ofContainer(containerId: string): Denials | undefined {
    return this.#sum((cgroupId) => {
      const owner = this.#cgroups.ownerOf(cgroupId)
      return typeof owner === 'object' && owner.containerId === containerId
    })
  }

  /** What is known of that cgroup; undefined where nothing is. */
  ofCgroup(cgroupId: number): Denials | undefined {
    return this.#sum((id) => id === cgroupId)
  }

  // -- observations, from the decoder --

  syscall(): void {
    // None of the probes in use tells what was let through.
  }

  argument(): void {
    // Nor with which arguments.
  }

  observe(o: Observation): void {
    if (o.kind === 'cgroup' && o.event === 'created') {
      this.#cgroups.created(o.cgroupId, o.path, true)
      this.#tallyOf(o.cgroupId)
    } else if (o.kind === 'exec') {
      this.#programs.set(o.pid, o.path === '' ? o.exe : o.path)
      if (o.lineage === 'main') this.#tallyOf(o.cgroupId).hasStarted = true
    }
  }

  denied(
    cgroupId: number,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    answer: number,
    count: number,
  ): void {
    this.#tallyOf(cgroupId).count({ lineage, abi, nr, answer }, count)
  }

  denialHint(hint: DenialHint): void {
    // What a runtime's process executed before it joined the container says less than its file does.
    const known = hint.lineage === 'runtime' ? undefined : this.#programs.get(hint.pid)
    const program = known ?? hint.program
    if (program !== '') this.#tallyOf(hint.cgroupId).name(hint, program)
  }

  filtered(cgroupId: number, _lineage: Lineage, count: number): void {
    this.#tallyOf(cgroupId).filteredThreads += count
  }

  unpaired(cgroupId: number, _lineage: Lineage, count: number): void {
    this.#tallyOf(cgroupId).unpaired += count
  }

  #tallyOf(cgroupId: number): DenialTally {
    const known = this.#tallies.get(cgroupId)
    if (known !== undefined) return known
    const tally = new DenialTally()
    this.#tallies.set(cgroupId, tally)
    return tally
  }

  #sum(belongs: (cgroupId: number) => boolean): Denials | undefined {
    const tallies = [...this.#tallies].filter(([id]) => belongs(id))
    if (tallies.length === 0) return undefined
    const sum = new DenialTally()
    for (const [, tally] of tallies) sum.add(tally)
    return sum.snapshot()
  }

  #started(): void {
    const decoder = new Decoder(this, {
      ready: (atMs) => {
        this.#attachment.made(atMs)
        this.#endGap()
        this.#onReady()
      },
      printed: () => {
        this.#losses?.report(this.#nowMs, false)
        this.#attachment.printed(this.#nowMs)
      },
      mapFull: (what) => this.#losses?.mapFull(what),
    })
    this.#decoder = decoder
    this.#losses = new LossWatch(decoder, this.#nowMs, (missed) => this.#missed.push(missed))
  }

  #ended(expected: boolean): void {
    this.#decoder?.end()
    this.#losses?.report(this.#nowMs, true)
    this.#decoder = undefined
    this.#losses = undefined
    if (!expected) this.#attachment.lost()
    else this.#endGap()
  }

  #endGap(): void {
    const gap = this.#attachment.takeGap(this.#nowMs)
    if (gap !== undefined) this.#missed.push(gap.missed)
  }
}
