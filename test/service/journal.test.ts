/** The journal on disk: what is told is durable, in order and once, whatever the disk and the process do. */
import { Buffer } from 'node:buffer'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { ClassicLevel } from 'classic-level'
import { UNKNOWN_EPOCH } from '../../src/service/journal/cursor.js'
import type { JournalEvent } from '../../src/service/journal/journal.js'
import { LevelJournal } from '../../src/service/journal/level-journal.js'
import type { LevelJournalOptions } from '../../src/service/journal/level-options.js'
import { openExistingStore } from '../../src/service/journal/open-store.js'
import {
  allOf,
  anomalyEvent,
  changeEvent,
  FailingDisk,
  NOW_MS,
  nameOf,
} from '../support/journal-events.js'
import { ManualClock } from '../support/manual-clock.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { seeded } from '../support/seeded.js'

interface Opening extends Partial<LevelJournalOptions> {
  readonly clock?: ManualClock
}

/** In a directory of the test; closed at its end. */
async function opened(t: Test, options: Opening = {}): Promise<LevelJournal> {
  const directory = options.directory ?? join(t.testdir(), 'journal')
  const journal = await LevelJournal.open({ clock: new ManualClock(), ...options, directory })
  t.teardown(() => journal.close())
  return journal
}

async function namesIn(journal: LevelJournal): Promise<readonly string[]> {
  return (await allOf(journal)).map(nameOf)
}

const numbers = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at))

t.test('events are told once they are durable, one call per commit', async (t) => {
  const journal = await opened(t)
  const { epoch } = journal
  t.match(epoch, /^[0-9a-f]{16}$/)
  t.same(journal.opened, { kind: 'new' })
  t.same(journal.recent(0, 10), [])
  t.same(await journal.read(0, 10), [])
  const told: number[] = []
  const end = journal.subscribe(() => told.push(journal.state().last))
  for (const name of numbers(1, 3)) journal.append(changeEvent(name))
  t.match(journal.state(), { first: 0, last: 0, pending: 3 }, 'nothing is seen before')
  t.same(journal.recent(0, 10), [])
  await journal.flushed()
  t.same(told, [3])
  t.match(journal.state(), { problem: undefined, first: 1, last: 3, pending: 0, lost: 0 })
  t.same(journal.recent(1, 10)?.map(nameOf), ['2', '3'])
  t.same(journal.recent(0, 2)?.map(nameOf), ['1', '2'])
  t.equal(journal.recent(2, 1)?.[0]?.message.cursor, `${epoch}-3`)
  end()
  journal.append({ gap: { count: 1 } })
  await journal.flushed()
  t.equal(told.length, 1)
  t.equal((await journal.read(3, 1))[0]?.message.atMs, NOW_MS, 'what has no time gets it')
})

t.test('it goes on where it was, with its epoch and where readers were', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const first = await opened(t, { directory })
  first.append(anomalyEvent('a'))
  t.equal(await first.position('sink'), undefined)
  await first.setPosition('sink', 1)
  t.equal(await first.position('sink'), 1)
  await first.close()
  await first.close()
  first.append(anomalyEvent('late'))
  await first.flushed()
  await t.rejects(first.setPosition('sink', 2), { code: 'JOURNAL_UNWRITABLE' })
  await t.rejects(first.anomaly('b'), { code: 'JOURNAL_UNREADABLE' })
  t.equal(statSync(directory).mode & 0o777, 0o700)
  const second = await opened(t, { directory })
  t.same(second.opened, { kind: 'continued' })
  t.equal(second.epoch, first.epoch)
  t.match(second.state(), { first: 1, last: 1, bytes: first.state().bytes })
  t.equal(second.recent(0, 1), undefined, 'what came before is only on disk')
  t.same(second.recent(1, 1), [])
  second.append(anomalyEvent('a', 2))
  await second.flushed()
  t.same(await namesIn(second), ['a 1', 'a 2'])
  t.equal(await second.position('sink'), 1)
})

t.test('an anomaly has its first occurrence and its latest count', async (t) => {
  const journal = await opened(t)
  for (const event of [
    anomalyEvent('a'),
    anomalyEvent('b'),
    anomalyEvent('a', 2),
    anomalyEvent('a', 7),
    anomalyEvent('unheard-of', 3),
  ]) {
    journal.append(event)
  }
  await journal.flushed()
  const a = await journal.anomaly('a')
  t.match(a, { sequence: 1, anomaly: { id: 'a', state: 1, count: 7, lastSeenMs: NOW_MS + 7 } })
  t.equal(a?.anomaly.timeline?.length, 1)
  t.match(await journal.anomaly('b'), { sequence: 2, anomaly: { count: 1 } })
  t.equal(await journal.anomaly('c'), undefined)
  t.equal(await journal.anomaly('unheard-of'), undefined)
})

t.test('it agrees with a journal without a disk', async (t) => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('anomaly' as const), id }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('change' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('fail' as const),
        fate: fc.constantFrom('before' as const, 'after' as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('read' as const),
        after: fc.nat({ max: 30 }),
        limit: fc.integer({ min: 1, max: 10 }),
      }),
    },
  )
  let run = 0
  const base = t.testdir()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const clock = new ManualClock()
      const disk = new FailingDisk()
      const { openStore, probeDisk } = disk
      const directory = join(base, String(run++))
      const ringLimit = { count: 4, bytes: 2000 }
      const open = (): Promise<LevelJournal> =>
        LevelJournal.open({ directory, clock, ringLimit, openStore, probeDisk })
      let journal = await open()
      const twin = new MemoryJournal(journal.epoch)
      const counts = new Map<string, number>()
      const settle = (): Promise<void> =>
        clock.until(() => journal.state().pending === 0 && journal.state().problem === undefined)
      for (const each of steps) {
        if (each.kind === 'anomaly') {
          const count = (counts.get(each.id) ?? 0) + 1
          counts.set(each.id, count)
          for (const to of [journal, twin]) to.append(anomalyEvent(each.id, count))
        } else if (each.kind === 'change') {
          for (const to of [journal, twin]) to.append(changeEvent('x'))
        } else if (each.kind === 'fail') disk.fates.push(each.fate)
        else {
          await settle()
          if (each.kind === 'restart') {
            await journal.close()
            journal = await open()
          }
          if (each.kind !== 'read') continue
          const [mine, its] = [
            await journal.read(each.after, each.limit),
            await twin.read(each.after, each.limit),
          ]
          if (!same(mine, its)) return false
          const recent = journal.recent(each.after, each.limit)
          if (recent !== undefined && !same(recent, its)) return false
        }
      }
      await settle()
      const ids = ['a', 'b', 'c', 'd']
      const mine = await Promise.all(ids.map((each) => journal.anomaly(each)))
      const its = await Promise.all(ids.map((each) => twin.anomaly(each)))
      const [all, last] = [await allOf(journal), journal.state().last]
      await journal.close()
      return (
        same(all, await allOf(twin)) &&
        last === twin.state().last &&
        JSON.stringify(mine.map((each) => [each?.sequence, Number(each?.anomaly.count)])) ===
          JSON.stringify(its.map((each) => [each?.sequence, Number(each?.anomaly.count)]))
      )
    }),
    { numRuns: Number(process.env['JOURNAL_RUNS'] ?? 20) },
  )
  t.pass('always')
})

function same(
  a: readonly { readonly sequence: number; readonly bytes: Uint8Array }[],
  b: readonly { readonly sequence: number; readonly bytes: Uint8Array }[],
): boolean {
  const text = (list: typeof a): string =>
    list.map(({ sequence, bytes }) => `${sequence}:${Buffer.from(bytes).toString('hex')}`).join()
  return text(a) === text(b)
}

t.test('a message that was read has plain numbers, as one that was appended', async (t) => {
  const journal = await opened(t)
  journal.append(anomalyEvent('a', 1, { firstSeenMs: 2 ** 52, subject: { value: 7, port: 1 } }))
  await journal.flushed()
  const [read] = await journal.read(0, 1)
  const [kept] = journal.recent(0, 1) ?? []
  t.strictSame(JSON.parse(JSON.stringify(read?.message)), kept?.message)
})

t.test('a full disk loses nothing that was kept, and a gap counts the rest exactly', async (t) => {
  const [clock, disk] = [new ManualClock(), new FailingDisk()]
  const { openStore, probeDisk } = disk
  const pendingLimit = { count: 5, bytes: 1_000_000 }
  const journal = await opened(t, { clock, openStore, probeDisk, pendingLimit })
  journal.append(changeEvent('1'))
  await journal.flushed()
  const problems: (string | undefined)[] = []
  journal.subscribe(() => {
    const { problem } = journal.state()
    if (problem !== problems.at(-1)) problems.push(problem)
  })
  disk.isFull = true
  journal.append(changeEvent('2'))
  await journal.flushed()
  t.match(journal.state(), { problem: 'No space left on device', last: 1, pending: 1, lost: 0 })
  await t.rejects(journal.setPosition('sink', 1), { code: 'JOURNAL_UNWRITABLE' })
  t.same((await journal.read(0, 9)).map(nameOf), ['1'], 'what is durable can be read meanwhile')
  t.equal(disk.opens, 1, 'from the database, which stays open')
  for (const name of numbers(3, 6)) journal.append(changeEvent(name))
  for (let n = 0; n < 3; n++) journal.append(anomalyEvent(`lost-${n}`))
  journal.append(anomalyEvent('lost-too', 1, { kind: 1, severity: 2 }))
  journal.append(changeEvent('lost'))
  t.match(journal.state(), { pending: 5, lost: 5 })
  disk.isFull = false
  await clock.until(() => journal.state().problem === undefined)
  journal.append(changeEvent('8'))
  await journal.flushed()
  t.same(problems, ['No space left on device', undefined])
  t.match(journal.state(), { pending: 0, lost: 0, last: 8 })
  t.same(await namesIn(journal), [...numbers(1, 6), 'gap 5', '8'])
  t.match((await journal.read(6, 1))[0]?.message.gap, {
    cause: 3,
    anomalies: [
      { kind: 4, severity: 4, count: 3 },
      { kind: 1, severity: 2, count: 1 },
    ],
    detail: /^the journal could not be written/,
  })
})

t.test('tries come at ever longer intervals, up to five seconds', async (t) => {
  const [clock, disk] = [new ManualClock(), new FailingDisk()]
  const tries: number[] = []
  disk.isFull = true
  const openStore: typeof disk.openStore = (...args) => {
    tries.push(clock.nowMs())
    return disk.openStore(...args)
  }
  const journal = await opened(t, { clock, openStore })
  await clock.until(() => tries.length === 8)
  disk.isFull = false
  await clock.until(() => journal.state().problem === undefined)
  const waits = tries.slice(1).map((ms, at) => ms - (tries[at] ?? 0))
  t.same(waits.slice(0, 4), [250, 500, 1000, 2000])
  t.ok(waits.slice(5).every((ms) => ms >= 5000 && ms <= 5500))
})

t.test('a journal begins without its disk, and takes the epoch that is there', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const before = await opened(t, { directory })
  before.append(changeEvent('1'))
  await before.setPosition('sink', 1)
  await before.close()
  const [clock, disk] = [new ManualClock(), new FailingDisk()]
  const { openStore, probeDisk } = disk
  disk.isFull = true
  const journal = await opened(t, { directory, clock, openStore, probeDisk })
  t.equal(journal.epoch, UNKNOWN_EPOCH)
  t.equal(journal.opened, undefined)
  t.match(journal.state(), { problem: 'No space left on device', first: 0, last: 0 })
  t.same(journal.recent(0, 9), [])
  await t.rejects(journal.read(0, 9), { code: 'JOURNAL_UNREADABLE' })
  await t.rejects(journal.position('sink'), { code: 'JOURNAL_UNREADABLE' })
  journal.append(changeEvent('2'))
  await journal.flushed()
  t.match(journal.state(), { pending: 1 })
  disk.isFull = false
  await clock.until(() => journal.state().problem === undefined)
  t.equal(journal.epoch, before.epoch)
  t.same(journal.opened, { kind: 'continued' })
  t.same(await namesIn(journal), ['1', '2'])
  t.equal(await journal.position('sink'), 1)
})

t.test('a flood that no disk follows is told by a gap at its place', async (t) => {
  const journal = await opened(t, { pendingLimit: { count: 10, bytes: 1_000_000 } })
  for (const name of numbers(1, 25)) journal.append(changeEvent(name))
  t.match(journal.state(), { pending: 10, lost: 15 })
  await journal.flushed()
  journal.append(changeEvent('26'))
  await journal.flushed()
  t.same(await namesIn(journal), [...numbers(1, 10), 'gap 15', '26'])
  const big = await opened(t, {
    directory: join(t.testdir(), 'big'),
    pendingLimit: { count: 9, bytes: 500 },
  })
  big.append(changeEvent('x'.repeat(300)))
  big.append(changeEvent('y'.repeat(300)))
  t.match(big.state(), { pending: 1, lost: 1 }, 'bytes are a bound too')
})

t.test('only one has it open', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const first = await opened(t, { directory })
  const clock = new ManualClock()
  const outcomes: unknown[] = []
  const open = (): void => {
    LevelJournal.open({ directory, clock }).then(
      (journal) => outcomes.push(journal),
      (thrown: unknown) => outcomes.push(thrown),
    )
  }
  open()
  await clock.until(() => outcomes.length === 1)
  t.match(outcomes[0], { code: 'JOURNAL_IN_USE', message: /another plimsoll/ })
  open()
  await first.close()
  await clock.until(() => outcomes.length === 2)
  const [, second] = outcomes
  if (!(second instanceof LevelJournal)) throw second
  t.teardown(() => second.close())
  t.equal(second.epoch, first.epoch, 'one that lets go in time is waited for')
})

t.test('a damaged journal is moved aside and told of, and a new one begins', async (t) => {
  const damages: Readonly<Record<string, (directory: string) => void>> = {
    'CURRENT is gone': (directory) => rmSync(join(directory, 'CURRENT')),
    'CURRENT is empty': (directory) => writeFileSync(join(directory, 'CURRENT'), ''),
    'the manifest is gone': (directory) => rmSync(fileOf(directory, /^MANIFEST/)),
    'the manifest is garbage': (directory) =>
      writeFileSync(fileOf(directory, /^MANIFEST/), 'garbage'.repeat(100)),
    'a table is gone': (directory) => rmSync(fileOf(directory, /ldb$/)),
    'a table is garbage': (directory) =>
      writeFileSync(fileOf(directory, /ldb$/), 'garbage'.repeat(100)),
  }
  const base = t.testdir()
  for (const [name, damage] of Object.entries(damages)) {
    const state = join(base, name.replaceAll(' ', '-'))
    const directory = join(state, 'journal')
    const before = await opened(t, { directory })
    before.append(changeEvent('1'))
    await before.close()
    // What is in the log becomes a table.
    await (await opened(t, { directory })).close()
    damage(directory)
    await t.rejects(openExistingStore(directory), name)
    const journal = await opened(t, { directory })
    const movedTo = `${directory}.damaged-2023-11-14T22:13:20.000Z`
    t.same(journal.opened, { kind: 'replaced', movedTo }, name)
    t.ok(readdirSync(movedTo).length > 2)
    t.not(journal.epoch, before.epoch)
    journal.append(changeEvent('new'))
    await journal.flushed()
    t.same(await namesIn(journal), ['new'])
    await journal.close()
  }
})

function fileOf(directory: string, pattern: RegExp): string {
  return join(directory, readdirSync(directory).find((name) => pattern.test(name)) ?? 'none')
}

t.test('a journal of a newer plimsoll is left alone', async (t) => {
  const directory = join(t.testdir(), 'journal')
  await (await opened(t, { directory })).close()
  const level = new ClassicLevel(directory)
  await level.put('mjournal', JSON.stringify({ format: 2, epoch: '0'.repeat(16) }))
  await level.close()
  await t.rejects(LevelJournal.open({ directory, clock: new ManualClock() }), {
    code: 'JOURNAL_UNREADABLE',
    message: /newer plimsoll/,
  })
  t.same(readdirSync(join(directory, '..')), ['journal'])
})

t.test('a database that is lost while it runs is made again from memory', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const [clock, disk] = [new ManualClock(), new FailingDisk()]
  const { openStore, probeDisk } = disk
  const ringLimit = { count: 2, bytes: 100_000 }
  const journal = await opened(t, { directory, clock, openStore, probeDisk, ringLimit })
  for (const name of numbers(1, 4)) journal.append(changeEvent(name))
  await journal.setPosition('sink', 3)
  rmSync(directory, { recursive: true })
  disk.fates.push('before')
  journal.append(changeEvent('5'))
  await journal.flushed()
  await clock.until(() => journal.state().problem === undefined)
  await journal.flushed()
  const { epoch } = journal
  t.match(journal.state(), { first: 3, last: 5 })
  t.same(await namesIn(journal), ['3', '4', '5'])
  await journal.close()
  const next = await opened(t, { directory })
  t.equal(next.epoch, epoch)
  t.equal(await next.position('sink'), 3)
  t.same(
    (await next.read(0, 9)).map(({ sequence }) => sequence),
    [3, 4, 5],
  )
})

t.test('a database that cannot be written for damage is moved aside while it runs', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const [clock, disk] = [new ManualClock(), new FailingDisk()]
  const { openStore, probeDisk } = disk
  const journal = await opened(t, { directory, clock, openStore, probeDisk })
  const { epoch } = journal
  journal.append(changeEvent('1'))
  await journal.flushed()
  disk.fates.push('damaged', 'damaged')
  journal.append(changeEvent('2'))
  await journal.flushed()
  t.match(journal.state(), { problem: 'Corruption: bad block' })
  await clock.until(() => journal.state().problem === undefined)
  t.match(journal.opened, { kind: 'replaced' })
  t.equal(journal.epoch, epoch)
  t.same(await namesIn(journal), ['1', '2'])
  t.same(readdirSync(join(directory, '..')).length, 2)
})

t.test('an event that was altered on disk is left out, and those beside it are read', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const first = await opened(t, { directory })
  for (const name of numbers(1, 6)) first.append(changeEvent(name.repeat(100)))
  await first.close()
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  for (const sequence of [1, 4]) {
    const key = Buffer.from(`65${sequence.toString(16).padStart(16, '0')}`, 'hex')
    const value = Buffer.from((await level.get(key)) ?? '')
    value[50] = (value[50] ?? 0) ^ 1
    await level.put(key, value)
  }
  await level.close()
  const journal = await opened(t, { directory })
  const sequences = async (after: number): Promise<readonly number[]> =>
    (await journal.read(after, 3)).map(({ sequence }) => sequence)
  t.same(await sequences(0), [2, 3])
  t.same(await sequences(3), [5, 6])
})

t.test(
  'a table that was altered costs what was there, and nothing is read that was not written',
  async (t) => {
    const base = t.testdir()
    const random = seeded(4)
    const least: number[] = []
    for (let round = 0; round < 16; round++) {
      const directory = join(base, String(round))
      const before = await opened(t, { directory })
      const written = new Map<number, string>()
      for (let n = 1; n <= 300; n++) {
        // Half of it is compressed by LevelDB, half is not.
        const text = n % 2 === 0 ? 'x'.repeat(300) : Array.from({ length: 20 }, random).join('')
        written.set(n, `${n} ${text}`)
        before.append(changeEvent(`${n} ${text}`))
      }
      await before.close()
      await (await opened(t, { directory })).close()
      const table = fileOf(directory, /ldb$/)
      const bytes = readFileSync(table)
      const at = Math.floor(random() * bytes.length * 0.9)
      bytes[at] = (bytes[at] ?? 0) ^ 0x55
      writeFileSync(table, bytes)
      const journal = await opened(t, { directory })
      if (journal.opened?.kind === 'replaced') continue
      const entries = await allOf(journal, 50)
      if (entries.some((entry) => written.get(entry.sequence) !== nameOf(entry))) t.fail('invented')
      least.push(entries.length)
      await journal.close()
    }
    t.ok(least.length > 8 && Math.min(...least) > 200, `${Math.min(...least)} of 300 are left`)
  },
)

t.test('what is too old or too much goes, the oldest first, and the newest stays', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const clock = new ManualClock()
  const retention = { maxAgeMs: 1000, maxBytes: 100_000 }
  const journal = await opened(t, { directory, clock, retention })
  const event = (n: number): JournalEvent =>
    anomalyEvent(`a-${n}`, 1, { incident: 'x'.repeat(1000), at: n })
  for (let n = 1; n <= 2000; n++) {
    journal.append(event(n))
    if (n % 50 === 0) journal.append(anomalyEvent('a-1', n))
  }
  await journal.flushed()
  await clock.until(() => journal.state().bytes <= 100_000, 0)
  const { first, last, bytes } = journal.state()
  t.equal(last, 2040)
  t.ok(bytes > 85_000 && last - first > 50, 'no more goes than must')
  const kept = await allOf(journal)
  t.equal(kept[0]?.sequence, first)
  t.equal(kept.length, last - first + 1)
  t.equal(await journal.anomaly('a-1'), undefined, 'its first occurrence is gone')
  t.match(await journal.anomaly('a-1999'), { anomaly: { count: 1 } })
  await journal.setPosition('sink', 5)
  clock.advance(2000)
  await clock.until(() => journal.state().first === last, 60_000)
  t.same(
    (await journal.read(0, 9)).map(({ sequence }) => sequence),
    [last],
  )
  t.equal(await journal.position('sink'), 5)
  await journal.close()
  const level = new ClassicLevel(directory)
  const keys = (await level.keys().all()).map((key) => key.slice(0, 1)).join('')
  t.equal(keys, 'elmmp', 'the newest event, what it told, and the head')
  await level.close()
  const again = await opened(t, { directory })
  t.match(again.state(), { first: last, last })
})

t.test('files of the journal do not grow beyond what it keeps', async (t) => {
  const directory = join(t.testdir(), 'journal')
  const retention = { maxBytes: 4 * 1024 * 1024 }
  const journal = await opened(t, { directory, retention })
  const noise = Buffer.alloc(3000)
  for (let n = 0; n < 6000; n++) {
    for (let at = 0; at < noise.length; at += 8) noise.writeUInt32LE(Math.random() * 2 ** 32, at)
    journal.append(changeEvent(noise.toString('latin1')))
    if (n % 500 === 0) await journal.flushed()
  }
  await journal.flushed()
  await journal.close()
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size)
  const mib = sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20
  t.comment(`${mib.toFixed(1)} MiB on disk for ${(journal.state().bytes / 2 ** 20).toFixed(1)}`)
  t.ok(mib < 60)
  t.ok(
    existsSync(join(directory, 'CURRENT')) && readFileSync(join(directory, 'CURRENT')).length > 0,
  )
})
