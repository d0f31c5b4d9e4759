/** Anomalies in words and as JSON: nothing that a container chose reaches a terminal as it is. */
import fc from 'fast-check'
import t from 'tap'
import { byteStringOf } from '../../src/bytes.js'
import type { Anomaly, Subject } from '../../src/detect/anomaly.js'
import { anomalyView } from '../../src/detect/anomaly-view.js'
import { subjectKey } from '../../src/detect/subject-key.js'
import { subjectText } from '../../src/detect/subject-text.js'
import { raisedFacts } from '../support/anomalies.js'
import {
  bytes,
  call,
  capability,
  connect,
  denied,
  exec,
  foreign,
  operation,
} from '../support/policies.js'

const ANOMALY: Anomaly = { ...raisedFacts(10, 1_000), id: 's-1', lastMs: 2_000, count: 3 }

t.test('each kind has its words', async (t) => {
  const cases: readonly [Subject, string][] = [
    [call('chmod'), 'chmod'],
    [call('i386:chmod'), 'i386:chmod'],
    [exec('/bin/sh'), 'exec:/bin/sh'],
    [connect('tcp:10.0.0.1:443'), 'connect:tcp:10.0.0.1:443'],
    [foreign('i386:chmod'), 'abi:i386 (chmod)'],
    [capability('CAP_NET_RAW'), 'capability:CAP_NET_RAW'],
    [operation('READ'), 'io_uring:READ'],
    [denied('mkdir'), 'denied:mkdir EPERM'],
    [{ kind: 'sensor', what: 'gap', detail: '' }, 'sensor:gap'],
    [
      { kind: 'resource', resource: 'memory', value: 3 * 2 ** 20, learned: 2 ** 20 },
      'resource:memory 3.0 MiB, learned 1.0 MiB',
    ],
    [
      { kind: 'resource', resource: 'cpu', value: 2_500, learned: 100 },
      'resource:cpu 2.50, learned 0.10',
    ],
    [{ kind: 'resource', resource: 'pids', value: 9, learned: 2 }, 'resource:pids 9, learned 2'],
  ]
  for (const [subject, words] of cases) t.equal(subjectText(subject), words)
})

/** What ends a line, moves a cursor, or turns text round. */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u

/** As UTF-8, and as bytes that are none. */
const hostile = fc
  .array(
    fc.constantFrom('a', '\\', '"', '\n', '\u001b[2J', '\u009b', '\u202e', '\u2028', '\u00ff'),
    { maxLength: 8 },
  )
  .chain((parts) =>
    fc.constantFrom(bytes(parts.join('')), byteStringOf(Buffer.from(parts.join(''), 'latin1'))),
  )

t.test('whatever a container chose is printable', async (t) => {
  fc.assert(
    fc.property(hostile, hostile, (a, b) => {
      const subjects: readonly Subject[] = [
        { kind: 'exec', path: a, exe: b, upper: false, fileless: true },
        { kind: 'connect', protocol: 'unix', address: a, port: 0, source: 'user' },
        { kind: 'sensor', what: 'unapplied', detail: a },
      ]
      return subjects.every((subject) => {
        const process = { ...ANOMALY.process, comm: a, exe: b, path: a }
        const timeline = [{ atMs: 1, pid: 1, lineage: 'main', subject } as const]
        const view = anomalyView({ ...ANOMALY, subject, process, timeline })
        const texts = [
          view.what,
          view.process.comm,
          view.process.path,
          view.timeline[0]?.what ?? '',
        ]
        return texts.every((text) => !CONTROL.test(text))
      })
    }),
  )
  t.pass('always')
})

t.test('a view says what is known, and what is not', async (t) => {
  const process = { ...ANOMALY.process, uid: undefined }
  const view = anomalyView({ ...ANOMALY, process, subject: exec('/bin/sh', { upper: true }) })
  t.match(view, {
    id: 's-1',
    kind: 'drift',
    what: 'exec:/bin/sh',
    process: { uid: null },
    at: '1970-01-01T00:00:01.000Z',
    last: '1970-01-01T00:00:02.000Z',
    count: 3,
  })
  t.same(JSON.parse(JSON.stringify(view)), view)
})

t.test('two subjects have one key exactly if they are one thing', async (t) => {
  const text = fc.constantFrom('', 'a', '\0a', '0', '00')
  const port = fc.constantFrom(0, 1, 10)
  const one = fc.oneof(
    fc
      .tuple(text, text, fc.boolean(), fc.boolean())
      .map(([path, exe, upper, fileless]): Subject => ({
        kind: 'exec',
        path: bytes(path.replace('\0', '')),
        exe: bytes(exe.replace('\0', '')),
        upper,
        fileless,
      })),
    fc
      .tuple(fc.constantFrom('connect', 'listen'), text, port)
      .map(([kind, address, at]): Subject => ({
        kind: kind === 'connect' ? 'connect' : 'listen',
        protocol: 'unix',
        address: bytes(address),
        port: at,
        source: 'user',
      })),
    port.map((nr): Subject => ({ kind: 'syscall', abi: 'x86_64', nr })),
  )
  fc.assert(
    fc.property(one, one, (a, b) => {
      return (subjectKey(a) === subjectKey(b)) === (JSON.stringify(a) === JSON.stringify(b))
    }),
  )
  t.equal(subjectKey(foreign('i386:chmod')), subjectKey(foreign('i386:read')))
})
