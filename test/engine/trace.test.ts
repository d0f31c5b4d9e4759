/** Traces: what was recorded replays to the same bytes, and what is no whole recording is refused. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { encodeBaseline } from '../../src/baseline/codec.js'
import type { Input } from '../../src/engine/input.js'
import { DEFAULT_PROFILE, profileOf } from '../../src/engine/profile.js'
import { replay, replayed } from '../../src/engine/replay.js'
import { decodeInputs, encodeInput } from '../../src/engine/trace-codec.js'
import { readTrace, TraceWriter } from '../../src/engine/trace-file.js'
import { seal } from '../../src/envelope.js'
import { PlimsollError } from '../../src/errors.js'
import { problemsOf } from '../../src/seccomp/validate.js'
import { LABEL_LIMIT } from '../../src/workload/labels.js'
import { anyInputs, inputsOf } from '../support/any-inputs.js'
import { DEMO_TRACE } from '../support/repository.js'

const ENTRIES = inputsOf([
  { kind: 'created', container: 0 },
  { kind: 'answer', container: 0, labels: [{ key: 'tier', value: 'prod' }] },
  { kind: 'entry', container: 0, argv: ['/bin/check', '-q'] },
  { kind: 'calls', container: 0, nr: 39, count: 1009 },
  { kind: 'exec', container: 0, path: '/bin/sh\n"\\\u00e9' },
  { kind: 'denied', container: 0, nr: 83, count: 3 },
  { kind: 'sampled', container: 0, pids: 5 },
  { kind: 'removed', container: 0 },
])

const LABEL = { key: 'tier', value: 'prod' }
/** One more than a recorder writes. */
const MANY = Array.from({ length: LABEL_LIMIT + 1 }, (_, i) => ({ key: `${100 + i}`, value: '' }))

function encoded(inputs: readonly Input[]): Buffer {
  return Buffer.concat(inputs.map(encodeInput))
}

function bytesOf(inputs: readonly Input[]): readonly string[] {
  return replayed(inputs).map((baseline) => Buffer.from(encodeBaseline(baseline)).toString('hex'))
}

/** The inputs with the sensor's bytes cut anew, each piece at the time of the chunk that it ends in. */
function recut(inputs: readonly Input[], size: number): readonly Input[] {
  return inputs.flatMap((input): Input[] => {
    if (input.kind !== 'sensor-bytes') return [input]
    const pieces: Input[] = []
    for (let at = 0; at < input.bytes.length; at += size) {
      pieces.push({ ...input, bytes: input.bytes.subarray(at, at + size) })
    }
    return pieces
  })
}

async function recorded(path: string, inputs: readonly Input[]): Promise<Buffer> {
  const trace = await TraceWriter.create(path)
  for (const input of inputs) trace.add(input)
  await trace.close()
  return readFile(path)
}

/** Asserts that the file is refused as `code`, by its path and with what is wrong, and is left as it is. */
async function refuses(
  t: Test,
  path: string,
  content: Uint8Array,
  problem: RegExp,
  name: string,
): Promise<void> {
  await writeFile(path, content)
  const thrown = await replay(path).catch((error: unknown) => error)
  if (!(thrown instanceof PlimsollError)) {
    t.fail(`${name}: not refused`)
    return
  }
  t.equal(thrown.code, 'TRACE_DAMAGED', name)
  t.ok(thrown.message.includes(path), `${name}: names the file`)
  t.match(thrown.message, problem, name)
  t.ok(content.length === 0 || (await readFile(path)).equals(content), `${name}: left as it is`)
}

t.test('inputs come back as they were written', async (t) => {
  const path = join(t.testdir(), 'one.trace')
  await recorded(path, ENTRIES)
  t.strictSame(await readTrace(path), ENTRIES)
  t.equal((await stat(path)).mode & 0o777, 0o600, 'for its owner only')
})

t.test('labels that nobody told are told from none', async (t) => {
  for (const labels of [undefined, [], [LABEL, { key: 'time', value: '' }]]) {
    const inputs = inputsOf([{ kind: 'answer', container: 0, labels }])
    const answers = [...decodeInputs(encoded(inputs))].flatMap((input) =>
      input.kind === 'container' ? [input.answer.labels] : [],
    )
    t.strictSame(answers, [labels])
  }
})

t.test('any session replays to the same bytes from its encoding', async (t) => {
  fc.assert(
    fc.property(anyInputs, (inputs) => {
      const copy = [...decodeInputs(encoded(inputs))]
      t.strictSame(copy, inputs)
      t.strictSame(bytesOf(copy), bytesOf(inputs))
    }),
    { numRuns: 60 },
  )
})

t.test('where chunks of the sensor end makes no difference', async (t) => {
  fc.assert(
    fc.property(anyInputs, fc.integer({ min: 1, max: 300 }), (inputs, size) => {
      t.strictSame(bytesOf(recut(inputs, size)), bytesOf(inputs))
    }),
    { numRuns: 60 },
  )
  const demo = await readTrace(DEMO_TRACE)
  for (const size of [1, 7, 4096]) t.strictSame(bytesOf(recut(demo, size)), bytesOf(demo))
})

t.test('no file is overwritten', async (t) => {
  const path = join(t.testdir({ 'there.trace': 'precious' }), 'there.trace')
  await t.rejects(TraceWriter.create(path), { code: 'TRACE_UNWRITABLE', message: path })
  t.equal(await readFile(path, 'utf8'), 'precious')
  const nowhere = join(t.testdirName, 'missing', 'x.trace')
  await t.rejects(TraceWriter.create(nowhere), { code: 'TRACE_UNWRITABLE' })
  await t.rejects(replay(nowhere), { code: 'TRACE_UNREADABLE', message: nowhere })
})

t.test('a damaged trace is refused by name and left as it is', async (t) => {
  const path = join(t.testdir(), 'bad.trace')
  const whole = await recorded(join(t.testdirName, 'good.trace'), ENTRIES)
  await refuses(t, path, Buffer.alloc(0), /empty/, 'empty')
  await refuses(t, path, Buffer.from('{"syscalls": []}'), /another kind/, 'another kind')
  await refuses(t, path, Buffer.concat([whole, Buffer.from([0])]), /altered/, 'an extra byte')
  for (let length = 1; length < whole.length; length += 23) {
    const problem = length < 44 ? /too short|another kind/ : /truncated/
    await refuses(t, path, whole.subarray(0, length), problem, `cut to ${length}`)
  }
  for (let at = 0; at < whole.length; at += 29) {
    const altered = Buffer.from(whole)
    altered.writeUInt8(altered.readUInt8(at) ^ 0x04, at)
    await refuses(t, path, altered, /altered|another kind/, `bit flipped in byte ${at}`)
  }
})

t.test('a trace with a good checksum over what no recorder writes is refused', async (t) => {
  const path = join(t.testdir(), 'bad.trace')
  const [first, ...rest] = ENTRIES
  const last = rest.pop()
  if (first?.kind !== 'session' || last === undefined)
    throw new Error('a script has a start and an end')
  const answer = ENTRIES.find((input) => input.kind === 'container')
  if (answer?.kind !== 'container') throw new Error('the script has an answer')
  const answered = (changes: Partial<(typeof answer)['answer']>): Input => ({
    ...answer,
    answer: { ...answer.answer, ...changes },
  })
  const cases: readonly (readonly [string, readonly Input[], RegExp])[] = [
    ['nothing', [], /does not start with a session/],
    ['no start', [...rest, last], /does not start with a session/],
    ['no end', [first, ...rest], /stop with its end/],
    ['two sessions', [first, ...rest, { ...first, atMs: last.atMs }, last], /another session/],
    ['two ends', [first, ...rest, last, last], /another session/],
    ['time that goes back', [{ ...first, atMs: last.atMs + 1 }, ...rest, last], /goes back/],
    ['an image without digest', [first, answered({ imageDigest: 'web' }), last], /no container/],
    [
      'an unknown kind',
      [{ ...first, facts: { ...first.facts, kinds: ['kinds' as 'exec'] } }, last],
      /unknown kind/,
    ],
    ['a made-up id', [first, answered({ containerId: '../..' }), last], /no container/],
    ...[[LABEL, LABEL], [{ key: 'x'.repeat(257), value: '' }], MANY].map(
      (labels) => ['labels', [first, answered({ labels }), last], /labels out of bounds/] as const,
    ),
  ]
  for (const [name, inputs, problem] of cases) {
    await refuses(t, path, seal('PLIMTRAC', 3, encoded(inputs)), problem, name)
  }
  const good = encoded(ENTRIES)
  const payloads: readonly [string, Uint8Array, RegExp][] = [
    ['a cut entry', good.subarray(0, good.length - 1), /is cut off/],
    ['an entry of no kind', Buffer.concat([Buffer.from([0]), good]), /of no known kind/],
    ['no length', Buffer.alloc(6, 0xff), /no valid length/],
    ['a time out of range', Buffer.from([0x0b, 8, ...Array<number>(9).fill(0xff), 1]), /./],
  ]
  for (const [name, payload, problem] of payloads) {
    await refuses(t, path, seal('PLIMTRAC', 3, payload), problem, name)
  }
  await refuses(t, path, seal('PLIMTRAC', 2, good), /format version 2/, 'an older format')
  await refuses(t, path, seal('PLIMTRAC', 4, good), /newer plimsoll/, 'a newer format')
})

t.test('bytes of any kind are refused or read, and nothing else', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
      try {
        for (const input of decodeInputs(payload)) t.type(input.kind, 'string')
      } catch (thrown) {
        t.ok(thrown instanceof Error)
      }
    }),
    { numRuns: 300 },
  )
})

t.test('the recorded demo gives the baseline and the profile that it gave live', async (t) => {
  const [demo, ...others] = await replay(DEMO_TRACE)
  t.strictSame(others, [], 'the other container of the host was not asked for')
  if (demo === undefined) return
  t.equal(demo.image.name, 'localhost/plimsoll-demo:1')
  t.strictSame(demo.completeness(), { state: 'full', reasons: [] })
  t.equal(demo.runCount, 1)
  t.equal(demo.syscalls('main').length, 30)
  t.equal(demo.syscalls('runtime').length, 24)
  t.strictSame(
    demo.execs('main').map(({ path, exe, count }) => [path, exe, count]),
    [
      ['/bin/sh', 'busybox', 1],
      ['/proc/self/exe', 'busybox', 3],
    ],
  )
  t.strictSame(demo.connections('main'), [])
  const [again] = await replay(DEMO_TRACE)
  t.ok(again && Buffer.from(encodeBaseline(again)).equals(encodeBaseline(demo)), 'the same bytes')
  const { profile } = profileOf(demo, DEFAULT_PROFILE)
  t.strictSame(
    problemsOf(profile).filter(({ severity }) => severity === 'error'),
    [],
  )
})
