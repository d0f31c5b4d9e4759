import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  bpftraceVersion,
  Sensor,
  type SensorExit,
  type SensorOptions,
} from '../../src/sensor/supervisor.js'
import { decoded } from '../support/sensor-stream.js'

const FAKES = 'test/fixtures/fake-bpftrace'
const VERSION = { major: 0, minor: 17 }

/** A sensor that runs a fake, with everything it told, and a way to wait until it has told enough. */
class Watched {
  readonly sensor: Sensor
  /** `started`, `bytes` (once for adjoining chunks) and `ended`, in order. */
  readonly order: string[] = []
  readonly exits: SensorExit[] = []
  readonly pids: number[] = []
  /** When each process started and ended, by a clock that cannot be set. */
  readonly startedAt: number[] = []
  readonly endedAt: number[] = []
  #output: Buffer[] = []
  #look: () => void = () => undefined

  constructor(t: Test, fake: string, options: Partial<SensorOptions> = {}) {
    const note = (what: string): void => {
      if (what !== 'bytes' || this.order.at(-1) !== 'bytes') this.order.push(what)
      this.#look()
    }
    this.sensor = new Sensor({
      bpftrace: join(FAKES, fake),
      version: VERSION,
      program: '',
      parameters: [],
      nowMs: () => 0,
      ...options,
      times: { firstBackoffMs: 1, lastBackoffMs: 4, ...options.times },
      listener: {
        started: (_atMs, pid) => {
          this.pids.push(pid)
          this.startedAt.push(performance.now())
          note('started')
        },
        bytes: (chunk) => {
          this.#output.push(Buffer.from(chunk))
          note('bytes')
        },
        ended: (_atMs, exit) => {
          this.exits.push(exit)
          this.endedAt.push(performance.now())
          note('ended')
        },
      },
    })
    t.teardown(() => this.sensor.stop())
    this.sensor.start()
  }

  get output(): Buffer {
    return Buffer.concat(this.#output)
  }

  /** Settles at the first thing told after which `holds`. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = (): void => {
        if (holds()) resolve()
      }
      this.#look()
    })
  }

  ended(times: number): Promise<void> {
    return this.until(() => this.exits.length >= times)
  }
}

/** Back-off that no test would outlive: there is no second start. */
const ONCE = { times: { firstBackoffMs: 3_600_000, lastBackoffMs: 3_600_000 } }

t.test('bpftrace gets the program, its parameters and the limits of its version', async (t) => {
  const program = 'BEGIN { }\n'.repeat(20_000)
  for (const version of [VERSION, { major: 0, minor: 23 }]) {
    const watched = new Watched(t, 'echo.sh', {
      ...ONCE,
      version,
      program,
      parameters: ['42', '0'],
    })
    await watched.ended(1)
    const expected = `arguments -f json - 42 0\nstrings 200, keys 65536\n${program}`
    t.ok(watched.output.equals(Buffer.from(expected)), `version 0.${version.minor}`)
    t.match(watched.exits, [{ code: 0, signal: undefined, reason: '', expected: false }])
  }
})

t.test('a program that bpftrace refuses ends with the line that says why', async (t) => {
  const watched = new Watched(t, 'fails-early.sh', { ...ONCE, program: 'x'.repeat(1_000_000) })
  await watched.ended(1)
  t.strictSame(watched.order, ['started', 'ended'])
  t.strictSame(watched.exits, [
    {
      code: 1,
      signal: undefined,
      reason: "stdin:12:3-9: ERROR: Unknown struct/union: 'struct nothing'",
      expected: false,
    },
  ])
})

t.test('a bpftrace that cannot be run is an end with a reason, and no start', async (t) => {
  const watched = new Watched(t, 'there-is-no-such-file', ONCE)
  await watched.ended(1)
  t.strictSame(watched.order, ['ended'])
  t.match(watched.exits, [{ code: undefined, reason: /ENOENT/, expected: false }])
})

t.test('lines arrive whole from halves, and half a line at the end is counted', async (t) => {
  const watched = new Watched(t, 'half-line.sh', ONCE)
  await watched.ended(1)
  const { told, malformed } = decoded([watched.output])
  t.match(told, [['observe', { event: 'removed', cgroupId: 5 }]])
  t.equal(malformed, 1)
})

t.test('a flood arrives to the last byte before the end is told', async (t) => {
  const watched = new Watched(t, 'flood.sh', ONCE)
  await watched.ended(1)
  t.strictSame(watched.order, ['started', 'bytes', 'ended'])
  const line = '{"type": "printf", "data": "H 1000000\\n"}\n'
  t.ok(watched.output.equals(Buffer.from(line.repeat(250_000))), `${watched.output.length} bytes`)
})

t.test('a stop asks once, and waits for the last maps', async (t) => {
  const watched = new Watched(t, 'last-maps.sh', ONCE)
  await watched.until(() => watched.output.length > 0)
  const first = watched.sensor.stop()
  await Promise.all([first, watched.sensor.stop()])
  t.strictSame(watched.order, ['started', 'bytes', 'ended'])
  t.equal(watched.output.length, 'here\nasked\n'.length + 1_000_001)
  t.match(watched.exits, [{ code: 0, signal: undefined, expected: true }])
  await watched.sensor.stop()
  t.equal(watched.order.length, 3, 'a stop after the end does nothing')
})

t.test('one that ignores SIGINT is killed in the end', async (t) => {
  const watched = new Watched(t, 'ignores-sigint.sh', { times: { ...ONCE.times, stopMs: 50 } })
  await watched.until(() => watched.output.length > 0)
  await watched.sensor.stop()
  t.match(watched.exits, [{ code: undefined, signal: 'SIGKILL', expected: true }])
  t.throws(() => process.kill(watched.pids[0] ?? 0, 0), { code: 'ESRCH' }, 'it is gone')
})

t.test('one that never says anything, or falls silent, is killed and started again', async (t) => {
  const silent = new Watched(t, 'silent.sh', { times: { startMs: 50 } })
  await silent.until(() => silent.pids.length === 2)
  t.strictSame(silent.order, ['started', 'ended', 'started'])
  t.match(silent.exits, [{ signal: 'SIGKILL', expected: false }])

  const stuck = new Watched(t, 'ignores-sigint.sh', { times: { silenceMs: 50 } })
  await stuck.until(() => stuck.pids.length === 2)
  t.strictSame(stuck.order, ['started', 'bytes', 'ended', 'started'])
})

t.test('one that dies is started again, later each time', async (t) => {
  const watched = new Watched(t, 'is-killed.sh', {
    times: { firstBackoffMs: 20, lastBackoffMs: 60 },
  })
  await watched.ended(5)
  t.strictSame(watched.order.slice(0, 15), Array(5).fill(['started', 'bytes', 'ended']).flat())
  t.match(watched.exits[0], { code: undefined, signal: 'SIGKILL', expected: false })
  const pauses = watched.startedAt.slice(1).map((at, i) => at - (watched.endedAt[i] ?? 0))
  // Timers count whole milliseconds and may fire up to one early.
  const least = [20, 40, 60, 60].map((ms) => ms - 1)
  t.ok(
    least.every((ms, i) => (pauses[i] ?? 0) >= ms),
    pauses.map(Math.round).join(', '),
  )
})

t.test('a process that lived long enough starts the back-off over', async (t) => {
  let nowMs = 0
  const watched = new Watched(t, 'is-killed.sh', {
    // Doubled each time, the pauses before the 20th start would add up to nine minutes.
    times: { firstBackoffMs: 1, lastBackoffMs: 3_600_000, stableMs: 60_000 },
    nowMs: () => (nowMs += 60_000),
  })
  await watched.ended(20)
  t.equal(new Set(watched.pids).size, 20)
})

t.test('a stop during the back-off ends it at once', async (t) => {
  const watched = new Watched(t, 'is-killed.sh', ONCE)
  await watched.ended(1)
  await watched.sensor.stop()
  t.strictSame(watched.order, ['started', 'bytes', 'ended'])
})

t.test('a sensor that was stopped before it was started stays idle', async (t) => {
  const watched: string[] = []
  const sensor = new Sensor({
    bpftrace: join(FAKES, 'is-killed.sh'),
    version: VERSION,
    program: '',
    parameters: [],
    nowMs: () => 0,
    listener: {
      started: () => void watched.push('started'),
      bytes: () => void watched.push('bytes'),
      ended: () => void watched.push('ended'),
    },
  })
  await sensor.stop()
  sensor.start()
  await sensor.stop()
  t.strictSame(watched, [])
})

t.test('the version is what bpftrace prints, or the error that says how to get one', async (t) => {
  t.equal(
    await bpftraceVersion(join(FAKES, 'no-version.sh')),
    'not the program that you are looking for',
  )
  for (const fake of ['there-is-no-such-file', 'fails-early.sh']) {
    await t.rejects(bpftraceVersion(join(FAKES, fake)), { code: 'NO_BPFTRACE' }, fake)
  }
})
