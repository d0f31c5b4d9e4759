import fc from 'fast-check'
import t from 'tap'
import { byteStringOfText } from '../../src/bytes.js'
import type { Anomaly } from '../../src/detect/anomaly.js'
import type { EnforceEvents } from '../../src/engine/enforce.js'
import { openLog } from '../../src/engine/log.js'
import type { LogFormat } from '../../src/engine/log-format.js'
import { logEvents } from '../../src/engine/log-events.js'
import { lineWriter } from '../../src/engine/log-writer.js'
import { failure } from '../../src/errors.js'
import type { ResponseResult } from '../../src/respond/request.js'
import { raisedFacts } from '../support/anomalies.js'

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

function logged(format: LogFormat): { log: ReturnType<typeof openLog>; lines: () => string[] } {
  let text = ''
  const log = openLog({ format, nowMs: () => AT_MS, write: (line) => (text += line) })
  return { log, lines: () => text.split('\n').slice(0, -1) }
}

t.test('as JSON an entry is an object on a line, with what programs look for', async (t) => {
  const { log, lines } = logged('json')
  log.info('sensor.attached', { msg: 'all probes are attached' })
  log.warn('container.left-out', {
    msg: '100%s %d %j',
    fields: { containerId: 'abc', count: 3, ok: true, none: null, all: ['a', 'b'] },
  })
  const error = failure('FILE_UNREADABLE', { path: '/p', problem: 'gone' })
  log.error('service.troubled', { msg: error.message, error })
  t.strictSame(
    lines().map((line) => JSON.parse(line) as unknown),
    [
      {
        level: 'info',
        time: '2026-01-02T03:04:05.678Z',
        component: 'sensor',
        event: 'sensor.attached',
        msg: 'all probes are attached',
      },
      {
        level: 'warn',
        time: '2026-01-02T03:04:05.678Z',
        component: 'container',
        event: 'container.left-out',
        fields: { containerId: 'abc', count: 3, ok: true, none: null, all: ['a', 'b'] },
        msg: '100%s %d %j',
      },
      {
        level: 'error',
        time: '2026-01-02T03:04:05.678Z',
        component: 'service',
        event: 'service.troubled',
        code: 'FILE_UNREADABLE',
        hint: error.hint,
        msg: 'cannot read /p: gone',
      },
    ],
  )
})

t.test('as text an entry is a line for a person, and a hint', async (t) => {
  const { log, lines } = logged('text')
  log.info('sensor.attached', { msg: 'all probes are attached', fields: { again: false } })
  const error = failure('FILE_UNREADABLE', { path: '/p', problem: 'gone' })
  log.error('service.troubled', { msg: error.message, error })
  t.same(lines(), [
    'plimsoll: all probes are attached',
    'plimsoll: cannot read /p: gone',
    `hint: ${error.hint}`,
  ])
})

t.test(
  'foreign text stays on its line, drives no terminal, and comes back as it was',
  async (t) => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    const text = units.map((codes) => String.fromCharCode(...codes))
    const nasty = fc.constantFrom(
      '\u001b[2J',
      'a\nb\r',
      '\u0085\u009b31m',
      '\u2028',
      'a\u202eb',
      '"}',
      '\\',
      '\ud800',
    )
    const foreign = fc.oneof(text, nasty, fc.string())
    // oxlint-disable-next-line no-control-regex -- what must not be there
    const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
    fc.assert(
      fc.property(foreign, foreign, (one, two) => {
        for (const format of ['json', 'text'] as const) {
          const { log, lines } = logged(format)
          log.error('anomaly.raised', { msg: one, fields: { what: two, all: [one, two] } })
          const [line = '', ...others] = lines()
          if (others.length > 0 || unprintable.test(line)) return false
          if (format === 'text') continue
          const read = JSON.parse(line) as { msg: string; fields: { what: string; all: string[] } }
          const isSame = (a: string, b: string): boolean => Buffer.from(a).equals(Buffer.from(b))
          if (!isSame(read.msg, one) || !isSame(read.fields.what, two)) return false
        }
        return true
      }),
    )
    const { log, lines } = logged('json')
    log.info('a.b', {
      msg: 'x'.repeat(1e6),
      fields: { y: 'y'.repeat(1e6), z: Array(1000).fill('z') },
    })
    t.ok((lines()[0] ?? '').length < 6000, 'and is cut')
  },
)

t.test('everything that enforcement tells becomes an entry at its level', async (t) => {
  const { log, lines } = logged('json')
  const events: EnforceEvents = logEvents(log)
  const path = byteStringOfText('/tmp/\u001b]0;x\u0007\n{"level":"info"}')
  const anomaly: Anomaly = {
    ...raisedFacts(10, AT_MS),
    id: 's-1',
    lastMs: AT_MS,
    count: 1,
    severity: 'critical',
    subject: { kind: 'exec', path, exe: path, upper: true, fileless: false },
  }
  const result: ResponseResult = {
    incident: 'i1',
    action: 'isolate',
    outcome: 'partly',
    containerId: 'c1',
    cgroupPath: '/c1',
    actor: 'rule:r',
    reason: 'r',
    detail: '',
    atMs: AT_MS,
    steps: [{ step: 'network', outcome: 'failed', detail: 'no ip', tookMs: 1 }],
    frozenAfterMs: 0.5,
    directory: '/state/incidents/i1',
    manifestSha256: undefined,
  }
  const error = failure('POLICY_INVALID', { path: '/p.yaml', problem: '1:1: bad' })
  events.ready(AT_MS)
  events.watching(3)
  events.raised(anomaly)
  events.raised({ ...anomaly, severity: 'medium' })
  events.raised({ ...anomaly, severity: 'low' })
  events.repeated({ ...anomaly, count: 9, lastMs: AT_MS })
  events.responded(result, anomaly)
  events.responded({ ...result, outcome: 'dry-run', steps: [] }, anomaly)
  events.sensorEnded(AT_MS, 'killed\u001b')
  events.ready(AT_MS)
  events.refused(error)
  events.troubled(error)
  const read = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
  t.same(
    read.map(({ level, event }) => `${String(level)} ${String(event)}`),
    [
      'info sensor.attached',
      'error anomaly.raised',
      'warn anomaly.raised',
      'info anomaly.raised',
      'info anomaly.repeated',
      'error response.ended',
      'info response.ended',
      'warn sensor.ended',
      'info sensor.attached',
      'error policy.refused',
      'error service.troubled',
    ],
  )
  t.match(read[1], { fields: { id: anomaly.id, kind: 'drift', severity: 'critical' } })
  t.match(read[5], { msg: 'isolate: partly', fields: { steps: ['network: failed (no ip)'] } })
  t.match(read[9], { code: 'POLICY_INVALID' })
  t.notOk(lines().some((line) => line.includes('\u001b') || line.includes('\u0007')))
})

/** A descriptor whose buffer holds so many bytes until it is emptied. */
class Pipe {
  text = ''
  room: number
  waited = 0

  constructor(room: number) {
    this.room = room
  }

  readonly write = (_fd: number, bytes: Uint8Array): number => {
    if (this.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' })
    const count = Math.min(this.room, bytes.length)
    this.room -= count
    this.text += Buffer.from(bytes.subarray(0, count)).toString('latin1')
    return count
  }

  readonly wait = (): void => void this.waited++
}

t.test('a reader that is away costs a moment once, and is told what it missed', async (t) => {
  const pipe = new Pipe(14)
  const { write, wait } = pipe
  const line = lineWriter({ fd: 2, lostLine: (count) => `lost ${count}\n`, write, wait })
  line('line 1\n')
  line('line 22\n')
  t.equal(pipe.text, 'line 1\nline 22', 'the newline found no room')
  t.ok(pipe.waited > 0)
  const { waited } = pipe
  for (let at = 0; at < 1000; at++) line('line 3\n')
  t.ok(pipe.waited - waited <= waited, 'it is not waited for again and again')
  pipe.room = 1000
  line('line 4\n')
  t.equal(pipe.text, 'line 1\nline 22\nlost 1000\nline 4\n', 'no line is torn')

  const broken = (): number => {
    throw Object.assign(new Error('closed'), { code: 'EPIPE' })
  }
  const closed = lineWriter({ fd: 2, lostLine: () => '', write: broken, wait })
  t.doesNotThrow(() => closed('x\n'))
})
