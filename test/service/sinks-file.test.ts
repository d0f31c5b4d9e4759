import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { JournalEvent } from '../../src/service/journal/journal.js'
import { eventJson } from '../../src/service/sinks/event-json.js'
import { LogFile, type LogFileOptions } from '../../src/service/sinks/log-file.js'
import { parseSinkSpecs } from '../../src/service/sinks/sink-spec.js'
import { startSinks } from '../../src/service/sinks/sinks.js'
import { until } from '../support/live/until.js'
import { MemoryJournal } from '../support/memory-journal.js'
import { anomalies, anomaly, HeardEvents, ids, VIEW } from '../support/sink-inputs.js'

const SIGNAL_BYTES = 10

function directoryOf(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

function opened(t: Test, path: string, options: Partial<LogFileOptions> = {}): LogFile {
  const file = new LogFile({ path, maxBytes: 1 << 20, keep: 3, mode: 0o600, fs, ...options })
  t.teardown(() => file.close())
  return file
}

/** Lines of ten bytes. */
function lines(first: number, count: number): string[] {
  return ids(first, count).map((id) => `${id.padStart(SIGNAL_BYTES - 1, '0')}\n`)
}

async function appendAll(file: LogFile, all: readonly string[]): Promise<void> {
  for (let at = 0; at < all.length;) at += await file.append(all.slice(at))
}

t.test(
  'lines are appended to a file that only its owner may read, whatever the umask is',
  async (t) => {
    const path = join(directoryOf(t), 'log')
    const before = process.umask(0o777)
    const file = opened(t, path, { mode: 0o640 })
    await file.append(lines(1, 2)).finally(() => process.umask(before))
    await file.append(lines(3, 1))
    t.equal(readFileSync(path, 'utf8'), lines(1, 3).join(''))
    t.equal(statSync(path).mode & 0o777, 0o640)
  },
)

t.test('a file has no more than its bytes, and so many old ones are kept', async (t) => {
  const directory = directoryOf(t)
  const path = join(directory, 'log')
  const file = opened(t, path, { maxBytes: 35, keep: 2 })
  await appendAll(file, lines(1, 20))
  t.same(readdirSync(directory).toSorted(), ['log', 'log.1', 'log.2'])
  t.equal(readFileSync(path, 'utf8'), lines(19, 2).join(''))
  t.equal(readFileSync(`${path}.1`, 'utf8'), lines(16, 3).join(''))
  t.equal(readFileSync(`${path}.2`, 'utf8'), lines(13, 3).join(''))
  const long = `${'x'.repeat(100)}\n`
  await appendAll(file, [long, ...lines(21, 1)])
  t.equal(readFileSync(`${path}.1`, 'utf8'), long)
  const none = opened(t, `${path}-none`, { maxBytes: 35, keep: 0 })
  await appendAll(none, lines(1, 7))
  t.equal(readFileSync(`${path}-none`, 'utf8'), lines(7, 1).join(''))
  t.notOk(existsSync(`${path}-none.1`))
})

t.test('a file that was moved away, removed or emptied is gone on with', async (t) => {
  const path = join(directoryOf(t), 'log')
  const file = opened(t, path)
  await file.append(lines(1, 1))
  renameSync(path, `${path}.old`)
  await file.append(lines(2, 1))
  t.equal(readFileSync(path, 'utf8'), lines(2, 1).join(''))
  t.equal(readFileSync(`${path}.old`, 'utf8'), lines(1, 1).join(''))
  unlinkSync(path)
  await file.append(lines(3, 1))
  t.equal(readFileSync(path, 'utf8'), lines(3, 1).join(''))
  truncateSync(path)
  await file.append(lines(4, 1))
  t.equal(readFileSync(path, 'utf8'), lines(4, 1).join(''))
})

t.test('what is no regular file is refused, and left as it is', async (t) => {
  const directory = directoryOf(t)
  const path = join(directory, 'log')
  const target = join(directory, 'precious')
  writeFileSync(target, 'as it was')
  symlinkSync(target, path)
  await t.rejects(opened(t, path).append(lines(1, 1)), { message: /symbolic link/ })
  t.equal(readFileSync(target, 'utf8'), 'as it was')
  unlinkSync(path)
  symlinkSync(join(directory, 'nowhere'), path)
  await t.rejects(opened(t, path).append(lines(1, 1)), { message: /symbolic link/ })
  t.notOk(existsSync(join(directory, 'nowhere')))
  execFileSync('mkfifo', [join(directory, 'fifo')])
  await t.rejects(opened(t, join(directory, 'fifo')).append(lines(1, 1)), { message: /no regular/ })
  await t.rejects(opened(t, directory).append(lines(1, 1)))
  await t.rejects(opened(t, '/dev/null').append(lines(1, 1)), { message: /no regular file/ })
})

t.test('after a crash every line is whole', async (t) => {
  const path = join(directoryOf(t), 'log')
  const whole = '{"type":"anomaly","id":"1"}'
  const cases = [
    ['', ''],
    [`${whole}\n`, `${whole}\n`],
    // Torn: the event comes again.
    [`${whole}\n{"type":"anomaly","i`, `${whole}\n`],
    ['{"ty', ''],
    // Whole but for the newline.
    [whole, `${whole}\n`],
    // Not ours.
    [`${whole}\nsomebody else's`, `${whole}\nsomebody else's\n`],
  ] as const
  for (const [before, after] of cases) {
    writeFileSync(path, before)
    const file = opened(t, path)
    await file.append(lines(1, 1))
    t.equal(readFileSync(path, 'utf8'), after + lines(1, 1).join(''), before)
    await file.close()
  }
})

t.test(
  'on a full disk nothing half is left behind, and it goes on when there is room',
  async (t) => {
    const path = join(directoryOf(t), 'log')
    let isFull = false
    const open: typeof fs.open = async (...args) => {
      const handle = await fs.open(...args)
      const write = handle.write.bind(handle) as (bytes: Buffer, at: number) => Promise<unknown>
      let calls = 0
      return Object.assign(handle, {
        write: async (bytes: Buffer, at: number) => {
          if (!isFull) return write(bytes, at)
          // As write(2) does it: what has room first, then the error.
          if (calls++ === 0) return write(bytes.subarray(0, 15), at)
          throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
            code: 'ENOSPC',
          })
        },
      })
    }
    const file = opened(t, path, { fs: { ...fs, open } })
    await file.append(lines(1, 2))
    isFull = true
    await t.rejects(file.append(lines(3, 4)), { code: 'ENOSPC' })
    t.equal(readFileSync(path, 'utf8'), lines(1, 2).join(''))
    isFull = false
    await file.append(lines(3, 4))
    t.equal(readFileSync(path, 'utf8'), lines(1, 6).join(''))
  },
)

t.test(
  'each event is one line of JSON without anything that changes how it is shown',
  async (t) => {
    const hostile = 'a\nb\u001b[31m\u0085\u202e"\\\u2028\ud800'
    const events: JournalEvent[] = [
      anomaly('1', { what: hostile, state: 2 }),
      {
        atMs: 1000,
        gap: {
          cause: 3,
          count: 7,
          detail: hostile,
          anomalies: [{ kind: 11, severity: 5, count: 7 }],
        },
      },
      {
        atMs: 1000,
        baselineChange: { imageName: 'web', revision: 3, what: 'sealed', actor: 'me' },
      },
      { atMs: 1000, actionResult: { action: 'freeze', outcome: 'done', frozenAfterMs: 3 } },
    ]
    const written = events.map((event) => eventJson({ cursor: 'e-1', ...event }, 'host-1', VIEW))
    for (const line of written) t.match(line, /^[ -~]*$/)
    const [first, gap, change, action] = written.map((line) => JSON.parse(line) as object)
    t.match(first, { type: 'anomaly', what: hostile, state: 'repeated' })
    t.match(gap, {
      type: 'gap',
      at: '1970-01-01T00:00:01.000Z',
      node: 'host-1',
      cause: 'journal',
      count: 7,
      detail: hostile,
      anomalies: [{ kind: 'denied', severity: 'critical', count: 7 }],
    })
    t.match(change, { type: 'baseline_change', imageName: 'web', revision: 3, actor: 'me' })
    t.match(action, { type: 'action_result', outcome: 'done', frozenAfterMs: 3, steps: [] })
  },
)

t.test('sinks are started as they are written, and none waits for another', async (t) => {
  const directory = directoryOf(t)
  const [journal, events] = [new MemoryJournal(), new HeardEvents()]
  const options = {
    journal,
    node: 'host-1',
    version: '0',
    view: VIEW,
    compile: () => () => false,
    events,
  }
  const specs = parseSinkSpecs(
    [
      'http:http://127.0.0.1:1/;name=nobody;from=earliest',
      'file:all.jsonl;name=all;from=earliest;max=10KiB;keep=100',
      'file:none.jsonl;kind=exec;from=earliest',
    ],
    directory,
  )
  for (const event of anomalies(1, 500)) journal.append(event)
  const sinks = await startSinks(specs, options)
  await until('all', () => sinks.statuses()[1]?.delivered === 500)
  await sinks.stop(100)
  t.match(sinks.statuses(), [
    { name: 'nobody', delivered: 0, behind: 500, problem: /ECONNREFUSED/ },
    { name: 'all', delivered: 500, behind: 0, failed: 0 },
    { delivered: 0, behind: 0, problem: undefined },
  ])
  const files = readdirSync(directory).filter((name) => name.startsWith('all'))
  const order = (name: string): number => -Number(name.split('.')[2] ?? 0)
  const text = files
    .toSorted((one, other) => order(one) - order(other))
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('')
  const found = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id)
  t.same(found, ids(1, 500))
  t.ok(files.length > 5, `${files.length} files`)
  t.ok(files.every((name) => statSync(join(directory, name)).size <= 10 * 1024))
  appendFileSync(join(directory, 'h'), 'no header\n')
  for (const text of [
    `https://x/;header-file=${directory}/h`,
    'file:/dev/null',
    'syslog:tls:x;ca=/no',
  ]) {
    await t.rejects(
      startSinks(parseSinkSpecs([text]), options),
      { code: 'BAD_SINK', exit: 2 },
      text,
    )
  }
  const compile = (): never => {
    throw new Error('no such image')
  }
  await t.rejects(startSinks(parseSinkSpecs(['file:/a;image=x']), { ...options, compile }), {
    code: 'BAD_SINK',
    message: /no such image/,
  })
})
