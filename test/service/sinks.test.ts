import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { PlimsollError } from '../../src/errors.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { backOffMs } from '../../src/service/sinks/back-off.js'
import { SinkRunner, type SinkRunnerOptions } from '../../src/service/sinks/sink-runner.js'
import { parseSinkSpec, parseSinkSpecs } from '../../src/service/sinks/sink-spec.js'
import type { SinkMessage } from '../../src/service/sinks/target.js'
import { until } from '../support/live/until.js'
import { MemoryJournal } from '../support/memory-journal.js'
import {
  anomalies,
  anomaly,
  HeardEvents,
  ids,
  MemoryTarget,
  SinkTime,
} from '../support/sink-inputs.js'

interface Bench {
  readonly journal: MemoryJournal
  readonly target: MemoryTarget
  readonly time: SinkTime
  readonly heard: HeardEvents
  readonly start: (options?: Partial<SinkRunnerOptions<SinkMessage>>) => SinkRunner<SinkMessage>
}

function bench(journal = new MemoryJournal()): Bench {
  const [target, time, heard] = [new MemoryTarget(), new SinkTime(), new HeardEvents()]
  return {
    journal,
    target,
    time,
    heard,
    start: (options = {}) =>
      new SinkRunner({
        name: 's',
        journal,
        target,
        matches: undefined,
        from: 'earliest',
        queue: 100_000,
        clock: time,
        random: () => 0,
        events: heard,
        ...options,
      }),
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn()
}

t.test('a sink delivers all events in order, a page at a time, and then what comes', async (t) => {
  const { journal, target, start } = bench()
  for (const event of anomalies(1, 300)) journal.append(event)
  const runner = start()
  await until('300', () => target.taken.length === 300)
  for (const event of anomalies(301, 5)) journal.append(event)
  await until('305', () => target.taken.length === 305)
  t.same(target.story, ids(1, 305))
  t.equal(target.attempts >= 4, true)
  await settled()
  t.match(runner.status(), { name: 's', delivered: 305, failed: 0, behind: 0, lost: 0 })
  t.equal(journal.positions.get('s'), 305)
  await runner.stop(1000)
  t.equal(target.isClosed, true)
  t.equal(journal.subscribers, 0)
})

t.test(
  'a new sink starts at the end of the journal, unless it is to start at its beginning',
  async (t) => {
    for (const [from, story] of [
      ['now', ids(4, 2)],
      ['earliest', ids(2, 4)],
    ] as const) {
      const { journal, target, start } = bench()
      for (const event of anomalies(1, 3)) journal.append(event)
      journal.forget(1)
      const runner = start({ from })
      await settled()
      for (const event of anomalies(4, 2)) journal.append(event)
      await settled()
      t.same(target.story, story, from)
      t.equal(runner.status().lost, 0)
      await runner.stop(1000)
    }
  },
)

t.test('a sink that was stopped goes on where it was', async (t) => {
  const { journal, target, start } = bench()
  for (const event of anomalies(1, 10)) journal.append(event)
  await start().stop(1000)
  for (const event of anomalies(11, 10)) journal.append(event)
  const again = start({ from: 'now' })
  await again.stop(1000)
  t.same(target.story, ids(1, 20))
})

t.test('what the journal holds only on disk is read from there', async (t) => {
  const { journal, target, start } = bench()
  for (const event of anomalies(1, 200)) journal.append(event)
  journal.onDiskOnly = 150
  await start().stop(1000)
  t.same(target.story, ids(1, 200))
})

t.test('a filter chooses anomalies, and everything else is delivered anyway', async (t) => {
  const { journal, target, start } = bench()
  for (const event of anomalies(1, 6)) journal.append(event)
  journal.append({ atMs: 1, baselineChange: { what: 'sealed' } })
  const runner = start({ matches: ({ id }) => Number(id) % 3 === 0 })
  await runner.stop(1000)
  t.same(target.story, ['3', '6', 'other'])
  t.equal(journal.positions.get('s'), 7)
  t.equal(runner.status().behind, 0)
})

t.test(
  'a failed delivery is tried again after longer and longer waits, and told once',
  async (t) => {
    const { journal, target, time, heard, start } = bench()
    target.problem = 'down\u001b[31m'
    journal.append(anomaly('1'))
    const runner = start()
    const waits = []
    for (let i = 0; i < 8; i++) {
      await until('a wait', () => time.waitsMs.length === 1)
      const [wait = 0] = time.waitsMs
      waits.push(wait)
      // News do not make it try sooner.
      journal.append(anomaly(String(i + 2)))
      time.pass(wait)
      await settled()
    }
    t.same(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
    t.match(runner.status(), { failed: 9, behind: 9, problem: 'down\\u001b[31m' })
    target.problem = undefined
    time.pass(15_000)
    await until('all', () => target.taken.length === 9)
    t.same(target.story, ids(1, 9))
    t.same(heard.changes, ['down\\u001b[31m', undefined])
    t.match(runner.status(), { delivered: 9, lost: 0, problem: undefined })
    await runner.stop(1000)
  },
)

t.test(
  'waits are from 500 ms to 30 s, and as long as the target asks for, up to 5 minutes',
  async (t) => {
    const cases = [
      [1, 0, 0, 500],
      [1, 0.999, 0, 1000],
      [100, 0.999, 0, 29_985],
      [2000, 0, 0, 15_000],
      [1, 0, 7000, 7000],
      [1, 0, 1e9, 300_000],
    ] as const
    for (const [failures, random, asked, expected] of cases) {
      t.equal(backOffMs(failures, random, asked), expected)
    }
  },
)

t.test('of a batch that was taken in part only the rest is sent again', async (t) => {
  const { journal, target, time, start } = bench()
  for (const event of anomalies(1, 10)) journal.append(event)
  target.atATime = 4
  const runner = start()
  await until('4', () => target.taken.length === 4 && time.waitsMs.length === 1)
  t.equal(journal.positions.get('s'), 4)
  time.pass(500)
  await until('8', () => target.taken.length === 8 && time.waitsMs.length === 1)
  time.pass(5000)
  await until('10', () => target.taken.length === 10)
  t.same(target.story, ids(1, 10))
  await runner.stop(1000)
})

t.test(
  'what does not fit into the queue is skipped, told first, reported and counted',
  async (t) => {
    const { journal, target, time, heard, start } = bench()
    target.problem = 'down'
    for (const event of anomalies(1, 1000)) journal.append(event)
    const runner = start({ queue: 50 })
    await until('a wait', () => time.waitsMs.length === 1)
    for (const event of anomalies(1001, 500)) journal.append(event)
    time.pass(30_000)
    await until('a wait', () => time.waitsMs.length === 1)
    target.problem = undefined
    time.pass(30_000)
    await until('51', () => target.taken.length === 51)
    t.same(target.story, ['gap:sink:1450:1-1450', ...ids(1451, 50)])
    const [first] = target.taken
    t.same(first?.gap?.anomalies, [{ kind: 4, severity: 4, count: 1450 }])
    t.equal(first?.cursor, '')
    t.same(heard.lost, [
      { count: 950, cause: 'queue' },
      { count: 500, cause: 'queue' },
    ])
    t.match(runner.status(), { delivered: 50, lost: 1450, behind: 0 })
    await runner.stop(1000)
  },
)

t.test('events that the filter leaves out are no loss', async (t) => {
  const { journal, target, heard, start } = bench()
  for (const event of anomalies(1, 1000)) journal.append(event)
  await start({ queue: 10, matches: ({ id }) => Number(id) % 100 === 0 }).stop(1000)
  t.same(target.story, ['gap:sink:9:100-900', '1000'])
  t.equal(heard.lostInAll, 9)
})

t.test('what the journal has dropped is told of as lost to retention', async (t) => {
  const { journal, target, heard, start } = bench()
  for (const event of anomalies(1, 5)) journal.append(event)
  await start().stop(1000)
  for (const event of anomalies(6, 95)) journal.append(event)
  journal.forget(60)
  const runner = start({ queue: 30 })
  await runner.stop(1000)
  t.same(target.story, [...ids(1, 5), 'gap:retention:55:6-60', 'gap:sink:10:61-70', ...ids(71, 30)])
  t.same(heard.lost, [
    { count: 55, cause: 'retention' },
    { count: 10, cause: 'queue' },
  ])
  t.equal(runner.status().lost, 65)
})

t.test('a gap that was not told before a restart is told after it', async (t) => {
  const { journal, target, start } = bench()
  target.problem = 'down'
  for (const event of anomalies(1, 100)) journal.append(event)
  await start({ queue: 10 }).stop(1000)
  t.equal(journal.positions.get('s'), 0)
  target.problem = undefined
  for (const event of anomalies(101, 100)) journal.append(event)
  await start({ queue: 10 }).stop(1000)
  t.same(target.story, ['gap:sink:190:1-190', ...ids(191, 10)])
})

t.test('a stop waits no longer for a target that hangs than it may', async (t) => {
  const { journal, target, time, start } = bench()
  target.hangs = true
  journal.append(anomaly('1'))
  const runner = start()
  await until('an attempt', () => target.attempts === 1)
  const stopped = runner.stop(2000)
  await settled()
  t.same(time.waitsMs, [2000])
  time.pass(2000)
  await stopped
  t.equal(journal.positions.get('s'), 0)
  t.equal(target.isClosed, true)
})

t.test(
  'an event that cannot be encoded is given up, and told of, and holds up no other',
  async (t) => {
    const { journal, heard, target, start } = bench()
    for (const event of anomalies(1, 3)) journal.append(event)
    const runner = start({
      target: Object.assign(target, {
        encode: (message: SinkMessage) => {
          if (message.anomaly?.id === '2') throw new Error('poison')
          return message
        },
      }),
    })
    await runner.stop(1000)
    t.same(target.story, ['1', '3'])
    t.match(heard.refusals, [{ count: 1, problem: /poison/ }])
    t.match(runner.status(), { delivered: 2, refused: 1, behind: 0 })
  },
)

t.test('a position that cannot be written holds up no delivery', async (t) => {
  const { journal, target, start } = bench()
  journal.setPosition = async () => {
    throw new Error('disk full')
  }
  for (const event of anomalies(1, 3)) journal.append(event)
  await start().stop(1000)
  t.same(target.story, ids(1, 3))
})

t.test('sinks are written as TYPE:TARGET;KEY=VALUE', async (t) => {
  const file = parseSinkSpec('file:/var/log/plimsoll.jsonl;max=64MiB;keep=3;mode=0640')
  t.match(file, {
    name: /^file-[0-9a-f]{8}$/,
    target: {
      type: 'file',
      path: '/var/log/plimsoll.jsonl',
      maxBytes: 2 ** 26,
      keep: 3,
      mode: 0o640,
    },
    filters: undefined,
    from: 'now',
    queue: 100_000,
  })
  t.equal(parseSinkSpec('file:/var/log/plimsoll.jsonl').name, file.name)
  t.match(parseSinkSpec('file:a/b;name=x', '/home').target, {
    path: '/home/a/b',
    keep: 8,
    mode: 0o600,
  })
  const { target, filters, ...rest } = parseSinkSpec(
    'http:https://siem.example/hook?a=1;format=falco;header-file=/etc/h;timeout=5s;ca=/ca;cert=/c;key=/k;name=siem;min-severity=high;kind=exec,io_uring;image=nginx:*;queue=10;from=earliest',
  )
  t.match(target, {
    type: 'http',
    format: 'falco',
    headerFile: '/etc/h',
    timeoutMs: 5000,
    tls: { ca: '/ca', cert: '/c', key: '/k' },
  })
  t.same(rest, { name: 'siem', queue: 10, from: 'earliest' })
  t.same(filters, { allow: [{ minSeverity: 4, kinds: [4, 10], images: ['nginx:*'] }] })
  const bare = parseSinkSpec('https://siem.example/hook')
  t.equal(bare.target.type === 'http' && bare.target.url.href, 'https://siem.example/hook')
  const addresses = [
    ['unix:/dev/log', { transport: 'unix', path: '/dev/log' }],
    ['udp:loghost', { transport: 'udp', host: 'loghost', port: 514 }],
    ['tcp:[::1]:1601', { transport: 'tcp', host: '::1', port: 1601 }],
    ['tls:10.0.0.1', { transport: 'tls', host: '10.0.0.1', port: 6514 }],
  ] as const
  for (const [written, address] of addresses) {
    t.match(parseSinkSpec(`syslog:${written};facility=local0;app-name=x;format=json`).target, {
      type: 'syslog',
      address,
      facility: 'local0',
      appName: 'x',
      format: 'json',
    })
  }
})

t.test('kinds and severities are numbered as in the proto', async (t) => {
  const kinds = Object.keys(plimsoll.v1.AnomalyKind).filter((name) => /^[A-Z_]+$/.test(name))
  for (const name of kinds.filter((each) => !each.endsWith('UNSPECIFIED'))) {
    const kind = name.slice('ANOMALY_KIND_'.length).toLowerCase()
    const number = plimsoll.v1.AnomalyKind[name as keyof typeof plimsoll.v1.AnomalyKind]
    t.same(parseSinkSpec(`file:/a;kind=${kind}`).filters?.allow?.[0]?.kinds, [number], kind)
  }
  t.equal(kinds.length, 14)
})

const BAD: readonly (readonly [string, RegExp])[] = [
  ['', /does not begin with one of file:/],
  ['/var/log/x', /does not begin/],
  ['kafka:x', /does not begin/],
  ['file:', /names no file/],
  ['file:rel', /not absolute/],
  ['file:/dir/', /names no file/],
  ['file:/a\nb', /control characters/],
  ['file:/a;b', /"b" is no option/],
  ['file:/a;max=', /max has no value/],
  ['file:/a;max=64XB', /max is no number with one of the units/],
  ['file:/a;max=10', /max=10 is no number from 1024/],
  ['file:/a;keep=-1', /keep=-1 is no number from 0/],
  ['file:/a;mode=0666', /everybody write/],
  ['file:/a;mode=0400', /owner/],
  ['file:/a;mode=rw', /no mode/],
  ['file:/a;format=json', /file has no option format; it takes name, /],
  ['file:/a;keep=1;keep=2', /keep is given twice/],
  ['file:/a;name=A B', /name is not made of/],
  ['file:/a;min-severity=bad', /min-severity is none of info, low/],
  ['file:/a;kind=exec,exce', /kind is none of syscall/],
  ['file:/a;image=a,,b', /image has an empty value/],
  ['file:/a;queue=0', /queue=0 is no number from 1/],
  ['file:/a;from=yesterday', /from is none of now, earliest/],
  ['http:siem', /URL is none/],
  ['http:ftp://x', /does not begin with https/],
  ['https://user:secret@x/', /header-file/],
  ['http:http://x/;ca=/ca', /http has no option ca/],
  ['https://x/;cert=/c', /cert and key belong together/],
  ['https://x/;timeout=1ms', /timeout=1ms is no number from 100/],
  ['syslog:x', /none of unix:PATH/],
  ['syslog:tcp:a b', /no HOST:PORT/],
  ['syslog:tcp:h:70000', /port/],
  ['syslog:tcp:h;ca=/ca', /syslog has no option ca/],
  ['syslog:udp:h;facility=x', /facility is none of kern/],
  ['syslog:udp:h;app-name=a]b', /app-name/],
]

t.test('a sink that is none is refused with what is wrong with it', async (t) => {
  for (const [text, problem] of BAD) {
    try {
      parseSinkSpec(text)
      t.fail(`${text} was taken`)
    } catch (thrown) {
      if (!(thrown instanceof PlimsollError)) throw thrown
      t.equal(thrown.code, 'BAD_SINK')
      t.equal(thrown.exit, 2)
      t.match(thrown.message, problem, text)
      t.notMatch(thrown.message, /secret/)
    }
  }
})

t.test('sinks have names of their own, and files of their own', async (t) => {
  t.equal(parseSinkSpecs(['file:/a', 'file:/b', 'https://x/']).length, 3)
  t.throws(
    () => parseSinkSpecs(['https://x/', 'https://x/;kind=exec']),
    /another sink is called http-/,
  )
  t.throws(
    () => parseSinkSpecs(['file:/a', 'file:/b/../a;name=x']),
    /another sink writes that file/,
  )
})
