/**
 * A process that appends numbered events to a journal and prints `NUMBER CURSOR` of each once it is visible, until it is killed:
 * `journal-writer DIRECTORY FIRST-NUMBER`. Those that were not visible yet may be lost with it.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { LevelJournal } from '../../src/service/journal/level-journal.js'

const [directory = '', first = ''] = process.argv.slice(2)
const clock = {
  nowMs: (): number => Date.now(),
  sleep: async (ms: number, signal?: AbortSignal): Promise<void> => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
}
// So little is kept that old events go all the time.
const retention = { maxBytes: 2 * 1024 * 1024 }
const journal = await LevelJournal.open({ directory, clock, retention })
let seen = journal.state().last
let next = Number(first)

journal.subscribe(() => {
  const lines: string[] = []
  for (const { sequence, message } of journal.recent(seen, 100_000) ?? []) {
    lines.push(`${message.baselineChange?.baselineKey} ${message.cursor}\n`)
    seen = sequence
  }
  writeSync(1, lines.join(''))
})

// In bursts, so that the kill meets commits of all sizes.
for (let burst = 1; ; burst = (burst * 7) % 31) {
  for (let n = 0; n < burst; n++) {
    journal.append({ baselineChange: { baselineKey: String(next++), reason: 'x'.repeat(n * 50) } })
  }
  await journal.flushed()
}
