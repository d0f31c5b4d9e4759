/** The journal on real disks that are full or become read-only: it says so, loses nothing that it told, and goes on by itself. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CLOCK } from '../../src/engine/host.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { UNKNOWN_EPOCH } from '../../src/service/journal/cursor.js'
import { LevelJournal } from '../../src/service/journal/level-journal.js'
import { allOf, anomalyEvent, nameOf } from '../support/journal-events.js'
import { mustRun, run } from '../support/live/process.js'
import { liveTest } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'

const PENDING = 200

async function opened(t: Test, directory: string): Promise<LevelJournal> {
  const pendingLimit = { count: PENDING, bytes: 64 * 1024 * 1024 }
  // So few in memory that readers need the disk.
  const ringLimit = { count: 5, bytes: 1024 * 1024 }
  const journal = await LevelJournal.open({ directory, clock: CLOCK, pendingLimit, ringLimit })
  t.teardown(() => journal.close())
  return journal
}

/** Appends events that no compression makes smaller, each with a number. */
class Source {
  readonly #journal: LevelJournal
  count = 0

  constructor(journal: LevelJournal) {
    this.#journal = journal
  }

  append(howMany: number): void {
    for (let n = 0; n < howMany; n++) {
      const incident = randomBytes(3000).toString('base64')
      // Not older than what is kept.
      const atMs = CLOCK.nowMs()
      this.#journal.append({ ...anomalyEvent(`a${++this.count}`, 1, { incident }), atMs })
    }
  }

  /** Until the disk refuses. */
  async appendUntilProblem(): Promise<string> {
    for (let tries = 0; this.#journal.state().problem === undefined; tries++) {
      if (tries > 2000) throw new Error('the disk takes everything')
      this.append(1)
      await this.#journal.flushed()
    }
    return this.#journal.state().problem ?? ''
  }
}

/** What must be there in the end: all that was appended, but for `lost` behind the first `kept`, which a gap stands for. */
async function expectAll(
  t: Test,
  journal: LevelJournal,
  { kept, lost, last }: { kept: number; lost: number; last: number },
): Promise<void> {
  const numbers = Array.from({ length: last }, (_, at) => at + 1)
  const expected = [
    ...numbers.slice(0, kept).map((n) => `a${n} 1`),
    `gap ${lost}`,
    ...numbers.slice(kept + lost).map((n) => `a${n} 1`),
  ]
  const entries = await allOf(journal)
  t.same(entries.map(nameOf), expected, 'each once, in order, and a gap where some are missing')
  t.same(
    entries.map(({ sequence }) => sequence),
    entries.map((_, at) => at + 1),
  )
  const { GAP_CAUSE_JOURNAL } = plimsoll.v1.GapCause
  const gap = entries[kept]?.message.gap
  t.match(gap, { cause: GAP_CAUSE_JOURNAL, anomalies: [{ kind: 4, severity: 4, count: lost }] })
}

async function recovered(journal: LevelJournal): Promise<number> {
  const sinceMs = Date.now()
  await until('the journal', () => {
    const { problem, pending, lost } = journal.state()
    return problem === undefined && pending === 0 && lost === 0
  })
  return Date.now() - sinceMs
}

/** A directory with a `disk` in it to mount on, which is unmounted at the end of the test. */
function workshop(t: Test): string {
  const base = mkdtempSync(join(tmpdir(), 'plimsoll-disk-'))
  mkdirSync(join(base, 'disk'))
  t.teardown(async () => {
    await run('umount', ['--lazy', join(base, 'disk')])
    rmSync(base, { recursive: true })
  })
  return base
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = 65_536; size >= 1;) {
      try {
        writeSync(file, Buffer.alloc(size, 1))
        fsyncSync(file)
      } catch {
        size = Math.floor(size / 2)
      }
    }
  } finally {
    closeSync(file)
  }
}

liveTest('a full disk', ['root'], async (t) => {
  const disk = join(workshop(t), 'disk')
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
  const directory = join(disk, 'journal')
  const journal = await opened(t, directory)
  const source = new Source(journal)
  source.append(100)
  await journal.flushed()
  t.equal(journal.state().last, 100)
  fill(join(disk, 'filler'))

  t.equal(await source.appendUntilProblem(), 'No space left on device')
  const { last: durable } = journal.state()
  t.same((await journal.read(0, 3)).map(nameOf), ['a1 1', 'a2 1', 'a3 1'], 'it can be read')
  t.match(await journal.anomaly('a7'), { sequence: 7 })
  source.append(1000)
  const { pending, lost } = journal.state()
  t.same({ pending, lost }, { pending: PENDING, lost: source.count - durable - PENDING })

  const late = await opened(t, join(disk, 'late'))
  t.match(late.state(), { problem: String }, 'one that begins on a full disk begins')
  t.equal(late.epoch, UNKNOWN_EPOCH)
  late.append({ ...anomalyEvent('early'), atMs: CLOCK.nowMs() })

  rmSync(join(disk, 'filler'))
  t.comment(`went on ${await recovered(journal)} ms after there was space`)
  source.append(1)
  await journal.flushed()
  await expectAll(t, journal, { kept: durable + PENDING, lost, last: source.count })
  await recovered(late)
  t.same((await allOf(late)).map(nameOf), ['early 1'])

  await journal.close()
  const again = await opened(t, directory)
  t.same(again.opened, { kind: 'continued' })
  await expectAll(t, again, { kept: durable + PENDING, lost, last: source.count })
})

liveTest('a disk that becomes read-only', ['root', 'ext4'], async (t) => {
  const base = workshop(t)
  const [image, disk] = [join(base, 'image'), join(base, 'disk')]
  await mustRun('truncate', ['--size', '32M', image])
  await mustRun('mkfs.ext4', ['-q', image])
  const mounted = async (): Promise<void> => {
    const { stdout } = await mustRun('losetup', ['--find', '--show', image])
    const device = stdout.trim()
    await mustRun('mount', [device, disk])
    // It goes with the last that uses it.
    await mustRun('losetup', ['--detach', device])
  }
  await mounted()
  const directory = join(disk, 'journal')
  const journal = await opened(t, directory)
  const source = new Source(journal)
  source.append(100)
  await journal.flushed()
  // What the kernel does itself after errors of the device.
  await mustRun('mount', ['-o', 'remount,abort', disk])

  t.equal(await source.appendUntilProblem(), 'Read-only file system')
  const { last: durable } = journal.state()
  t.equal(durable, 100)
  t.same((await journal.read(0, 2)).map(nameOf), ['a1 1', 'a2 1'], 'it can be read')
  source.append(1000)
  const { pending, lost } = journal.state()
  t.same({ pending, lost }, { pending: PENDING, lost: source.count - durable - PENDING })
  await t.rejects(journal.setPosition('sink', 1), { code: 'JOURNAL_UNWRITABLE' })

  await mustRun('umount', ['--lazy', disk])
  await mounted()
  t.comment(`went on ${await recovered(journal)} ms after the disk was back`)
  await journal.setPosition('sink', 1)
  await expectAll(t, journal, { kept: durable + PENDING, lost, last: source.count })
  await journal.close()

  await mustRun('mount', ['-o', 'remount,ro', disk])
  const late = await opened(t, directory)
  t.match(late.state(), { problem: /Read-only file system|read-only file system/, last: 0 })
  late.append({ ...anomalyEvent('late'), atMs: CLOCK.nowMs() })
  await mustRun('mount', ['-o', 'remount,rw', disk])
  await recovered(late)
  t.equal(late.epoch, journal.epoch, 'the journal that is there goes on')
  t.equal(nameOf((await late.read(late.state().last - 1, 1))[0] ?? failed()), 'late 1')
  t.equal(await late.position('sink'), 1)
  await late.close()
})

function failed(): never {
  throw new Error('nothing is there')
}
