/**
 * A learning session by script: facts are given in the order in which they are told, a clock of its own counts the
 * milliseconds, and what the session wants to know is kept for the test to look at.
 */
import { createHash } from 'node:crypto'
import type { Baseline } from '../../src/baseline/baseline.js'
import { ITEM_KINDS } from '../../src/baseline/item-key.js'
import type { ImageIdentity } from '../../src/baseline/image-identity.js'
import type { Fact } from '../../src/engine/feed.js'
import type { CgroupEntry, ContainerAnswer, Input, Selection } from '../../src/engine/input.js'
import { LearningSession } from '../../src/engine/session.js'
import type { Request, SessionEvents } from '../../src/engine/session-events.js'
import { keyOf, mapPrint, record } from './sensor-lines.js'

/** When scripts begin: wall clock. The kernel's clock is at 0 then. */
export const START_MS = 1_700_000_000_000

/** A container id, the same for the same word. */
export function containerId(word: string): string {
  return createHash('sha256').update(`container ${word}`).digest('hex')
}

/** An image digest, the same for the same word. */
export function digestOf(word: string): string {
  return `sha256:${createHash('sha256').update(`image ${word}`).digest('hex')}`
}

/** The cgroup of podman's container of that word. */
export function pathOf(word: string): string {
  return `/libpod_parent/libpod-${containerId(word)}`
}

export class LearningScript {
  readonly session: LearningSession
  readonly inputs: Input[] = []
  readonly requests: Request[] = []
  nowMs = START_MS

  constructor(selection: Partial<Selection> = { all: true }, events: Partial<SessionEvents> = {}) {
    this.session = new LearningSession(events)
    this.give({
      kind: 'session',
      facts: {
        sessionId: 'script',
        plimsoll: '0.1.0',
        kernel: '6.1.0',
        bpftrace: 'bpftrace v0.17.0',
        selection: { all: false, image: '', container: '', ...selection },
        kinds: ITEM_KINDS,
      },
    })
  }

  /** Time of the kernel's clock now. */
  get nsecs(): number {
    return (this.nowMs - START_MS) * 1e6
  }

  give(fact: Fact): void {
    const input = { ...fact, atMs: this.nowMs } as Input
    this.inputs.push(input)
    this.session.apply(input)
    this.requests.push(...this.session.takeRequests())
  }

  pass(ms: number): this {
    this.nowMs += ms
    return this
  }

  /** The first scan is in, the sensor has started and every probe is attached. */
  attach(...there: readonly CgroupEntry[]): this {
    this.scan(...there)
    return this.pass(100)
      .restart()
      .scan(...there)
  }

  /** A sensor process starts and attaches. */
  restart(): this {
    this.give({ kind: 'sensor-started' })
    return this.pass(500).bytes(record('R', this.nsecs))
  }

  bytes(...lines: readonly string[]): this {
    this.give({ kind: 'sensor-bytes', bytes: Buffer.from(lines.join(''), 'latin1') })
    return this
  }

  scan(...cgroups: readonly CgroupEntry[]): this {
    this.give({ kind: 'cgroups', cgroups })
    return this
  }

  created(cgroupId: number, path: string): this {
    return this.bytes(record('G', cgroupId, this.nsecs, path))
  }

  removed(cgroupId: number): this {
    return this.bytes(record('g', cgroupId, this.nsecs))
  }

  /** A map print: further calls of numbers by this cgroup's application. The values are cumulative. */
  calls(cgroupId: number, counts: Readonly<Record<number, number>>, epoch: 'a' | 'b' = 'a'): this {
    const entries = Object.entries(counts).map(
      ([nr, count]) => [keyOf(cgroupId, 'main', Number(nr)), count] as const,
    )
    return this.bytes(mapPrint(`calls_${epoch}`, Object.fromEntries(entries)))
  }

  /** An early notice of a call. */
  hint(cgroupId: number, nr: number, pid = 100, program = 'app'): this {
    return this.bytes(record('S', keyOf(cgroupId, 'main', nr), pid, 1, 0, this.nsecs, program))
  }

  answer(word: string, changes: Partial<ContainerAnswer> = {}): this {
    const answer: ContainerAnswer = {
      runtime: 'podman',
      containerId: containerId(word),
      found: true,
      problem: '',
      runtimeVersion: '4.3.1',
      name: word,
      imageDigest: digestOf('web'),
      imageName: 'localhost/web:1.0',
      entrypoint: ['/bin/app'],
      healthChecks: [],
      labels: undefined,
      ...changes,
    }
    this.give({ kind: 'container', answer })
    return this
  }

  unanswered(word: string, problem: string): this {
    const nothing = { name: '', imageDigest: '', imageName: '', entrypoint: [], healthChecks: [] }
    return this.answer(word, { found: false, problem, ...nothing })
  }

  /** What the cgroup took when it was sampled. */
  sampled(cgroupId: number, memoryBytes: number, cpuMilli: number, pids: number): this {
    this.give({ kind: 'resources', cgroupId, memoryBytes, cpuMilli, pids })
    return this
  }

  /** A map print: further refusals of a call by this cgroup's application, answered with EPERM. */
  denied(cgroupId: number, nr: number, count: number): this {
    return this.bytes(mapPrint('denials_a', { [`${keyOf(cgroupId, 'main', nr)},1`]: count }))
  }

  command(cgroupId: number, image: ImageIdentity): this {
    this.give({ kind: 'command', cgroupId, image })
    return this
  }

  sensorEnded(expected: boolean): this {
    this.give({ kind: 'sensor-ended', expected, reason: expected ? '' : 'killed' })
    return this
  }

  /** The sensor ends as it should, and so does the session. */
  end(): readonly Baseline[] {
    this.sensorEnded(true)
    this.give({ kind: 'end' })
    return this.session.baselines()
  }

  /** Words of the containers that were asked for, and `scan`s, in order; forgotten with the call. */
  asked(words: readonly string[] = []): readonly string[] {
    const names = new Map(words.map((word) => [containerId(word), word]))
    return this.requests
      .splice(0)
      .map((request) =>
        request.kind === 'scan' ? 'scan' : (names.get(request.containerId) ?? request.containerId),
      )
  }
}
