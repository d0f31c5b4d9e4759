/** The small parts of the command line: durations, counts, tables, plurals, and what a terminal gets. */
import { EventEmitter } from 'node:events'
import t from 'tap'
import { durationMs, positiveCount } from '../../src/cli/duration.js'
import { plural } from '../../src/cli/plural.js'
import { reasonText } from '../../src/cli/summary.js'
import { table } from '../../src/cli/table.js'
import { processTerminal } from '../../src/cli/terminal.js'
import { jsonText } from '../../src/engine/json-text.js'

t.test('durations are numbers with a unit, seconds without', async (t) => {
  const cases: readonly [string, number][] = [
    ['500ms', 500],
    ['60s', 60_000],
    ['60', 60_000],
    ['1.5s', 1_500],
    ['0.001s', 1],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['0', 0],
  ]
  for (const [text, expected] of cases) t.equal(durationMs(text), expected, text)
  const wrong = ['', 's', '-1s', '1 s', '1w', '1e3', '0x10', '1.s', '.5s', '1.2345s', '1s2s', 'ten']
  for (const text of [...wrong, '1'.repeat(10), '\u0661s']) {
    t.throws(() => durationMs(text), { message: /such as 500ms/ }, JSON.stringify(text))
  }
})

t.test('counts are whole numbers from 1 up', async (t) => {
  for (const [text, expected] of [
    ['1', 1],
    ['20', 20],
    ['999999999', 999_999_999],
  ] as const) {
    t.equal(positiveCount(text), expected)
  }
  for (const text of ['0', '-1', '1.5', '01', '', 'x', '1e3', ' 1', '1000000000']) {
    t.throws(() => positiveCount(text), { message: /whole number/ }, JSON.stringify(text))
  }
})

t.test('columns are as wide as their widest cell, numbers to the right', async (t) => {
  const text = table(
    ['NAME', 'COUNT', 'WHY'],
    [
      ['a', '7', ''],
      ['longer', '1234', 'because'],
      ['', ''],
    ],
  )
  t.equal(
    text,
    ['NAME    COUNT  WHY', 'a           7', 'longer   1234  because', '', ''].join('\n'),
  )
  t.equal(table(['A', 'B'], []), 'A  B\n', 'only a head')
})

t.test('one is singular', async (t) => {
  t.equal([0, 1, 2].map((count) => plural(count, 'run')).join(', '), '0 runs, 1 run, 2 runs')
})

t.test('a reason is one line with its figures', async (t) => {
  t.equal(
    reasonText({ reason: 'sensor-restarted', count: 1, fromMs: 0, toMs: 1_500 }),
    'sensor-restarted: the sensor was down from 1970-01-01T00:00:00.000Z to ' +
      '1970-01-01T00:00:01.500Z, 1 time',
  )
  t.equal(
    reasonText({ reason: 'lost-events', count: 3, detail: 'exec\n' }),
    'lost-events: records were lost (exec\\u000a), 3 times',
  )
})

t.test('JSON for terminals is escaped and parses to the same', async (t) => {
  const value = { 'k\u009b': ['\u001b\u007f\u2028\u202e"\\', '\u00e9\u4e2d', 1, null] }
  for (const indent of [0, 2]) {
    const text = jsonText(value, indent)
    t.match(text, /^[\n\u0020-\u007e\u00e9\u4e2d]*$/)
    t.strictSame(JSON.parse(text), value)
  }
})

t.test('progress is for those who watch, and makes room for messages', async (t) => {
  const stream = (isTTY: boolean): EventEmitter & { written: string } => {
    const emitter = Object.assign(new EventEmitter(), { written: '', isTTY, columns: 30 })
    return Object.assign(emitter, { write: (text: string) => void (emitter.written += text) })
  }
  for (const isWatched of [true, false]) {
    const [stdin, stdout, stderr] = [stream(false), stream(false), stream(isWatched)]
    const terminal = processTerminal({
      stdin,
      stdout,
      stderr,
      env: {},
    } as unknown as NodeJS.Process)
    t.equal(terminal.isInteractive, isWatched)
    terminal.progress('learning: '.padEnd(50, 'x'))
    terminal.say('done')
    terminal.say('really')
    terminal.out('result\n')
    const progress = `\r\u001b[2K${'learning: '.padEnd(29, 'x')}\r\u001b[2K`
    t.equal(stderr.written, `${isWatched ? progress : ''}done\nreally\n`)
    t.equal(stdout.written, 'result\n')
    const closed = Object.assign(new Error('closed'), { code: 'EPIPE' })
    t.doesNotThrow(() => stdout.emit('error', closed), 'a reader that went away is no failure')
    t.throws(() => stdout.emit('error', new Error('disk full')))
  }
})
