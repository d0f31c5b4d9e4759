/** The journal of a process that is killed: whatever was visible is there, in order, once, without holes. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { parseCursor } from '../../src/service/journal/cursor.js'
import { LevelJournal } from '../../src/service/journal/level-journal.js'
import { allOf, nameOf } from '../support/journal-events.js'
import { ManualClock } from '../support/manual-clock.js'
import { seeded } from '../support/seeded.js'

const KILLS = Number(process.env['JOURNAL_KILLS'] ?? 30)
/** Journals at a time. */
const LANES = 3

/** When to kill: once so many lines were read, or after so many milliseconds, be it ready or not. */
interface Moment {
  readonly lines: number
  readonly ms: number
}

/** The complete lines that the process printed before it was killed. */
function killedAt(
  program: string,
  args: readonly string[],
  when: Moment,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), when.ms)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (text.split('\n').length > when.lines) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve(text.split('\n').slice(0, -1))
      else reject(new Error(`the writer ended by itself: ${code} ${signal}`))
    })
  })
}

t.test(`what was visible survives ${KILLS} kills`, async (t) => {
  const base = t.testdir()
  const program = join(import.meta.dirname, '../support/journal-writer.js')
  let printed = 0
  const lane = async (number: number): Promise<void> => {
    const directory = join(base, `journal-${number}`)
    const random = seeded(number)
    const lines: string[] = []
    for (let kill = 0; kill < KILLS / LANES; kill++) {
      const isTimed = random() < 0.2
      const when = isTimed
        ? { lines: Infinity, ms: random() * 300 }
        : { lines: 1 + random() * 400, ms: 20_000 }
      lines.push(...(await killedAt(program, [directory, String(kill * 1_000_000)], when)))
    }
    const journal = await LevelJournal.open({ directory, clock: new ManualClock() })
    const [entries, { first, last }, { epoch }] = [await allOf(journal), journal.state(), journal]
    await journal.close()
    const found = new Map(entries.map((entry) => [entry.sequence, nameOf(entry)]))
    const names = entries.map((entry) => Number(nameOf(entry)))
    const isOnce = names.every((name, at) => at === 0 || name > (names[at - 1] ?? 0))
    t.ok(isOnce, 'in order, none twice')
    t.equal(entries.length, last - first + 1, 'no holes')
    t.same(
      entries.map(({ message }) => message.cursor),
      entries.map((_, at) => `${epoch}-${first + at}`),
    )
    const missing = lines.filter((line) => {
      const [name = '', cursor = ''] = line.split(' ')
      const { sequence = 0, epoch: its } = parseCursor(cursor) ?? {}
      const isKept = sequence >= first && found.get(sequence) === name
      return its !== epoch || !(isKept || (sequence > 0 && sequence < first))
    })
    t.same(missing, [], 'all that was printed is there, or was let go of')
    printed += lines.length
  }
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
  t.comment(`${KILLS} kills, ${printed} events were visible before`)
  t.ok(printed > KILLS)
})
