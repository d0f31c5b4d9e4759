import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { decodeBaseline, encodeBaseline, FILE_LIMIT_BYTES } from '../../src/baseline/codec.js'
import { messageOf } from '../../src/baseline/message-of.js'
import { byteStringOfText } from '../../src/bytes.js'
import { seal } from '../../src/envelope.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { anyBaseline, IMAGE, runFacts, steps, take } from '../support/baseline-steps.js'

type Message = plimsoll.v1.Baseline.$Properties

function decoded(bytes: Uint8Array): Baseline {
  const result = decodeBaseline(bytes)
  if ('problem' in result) throw new Error(result.problem)
  return result.baseline
}

function problemOf(bytes: Uint8Array): string {
  const result = decodeBaseline(bytes)
  return 'problem' in result ? result.problem : 'none'
}

/** A file with a right checksum around any payload: what an attacker would send. */
function sealed(payload: Uint8Array): Uint8Array {
  return seal('PLIMBASE', 1, payload)
}

/** Small, but with something in every field. */
function sample(): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const lost = { reason: 'lost-events', count: 3, fromMs: 10, toMs: 20, detail: 'ring' } as const
  const run = baseline.startRun(runFacts('a', { incompleteness: [lost] }))
  const program = byteStringOfText('/bin/sh')
  baseline.learnProgram(run, 'main', 'x86_64', 1, program, 5)
  baseline.learnSyscall(run, 'main', 'x86_64', 2, 1_000_003, 6)
  baseline.learnSyscall(run, 'runtime', 'i386', 3, 2 ** 53 - 1, 7)
  baseline.learnExec(
    run,
    {
      kind: 'exec',
      cgroupId: 1,
      lineage: 'main',
      atMs: 8,
      pid: 1,
      ppid: 0,
      path: byteStringOfText('/bin/ls'),
      exe: byteStringOfText('ls'),
      inode: 1,
      links: 1,
      fsMagic: 0x9123683e,
      upper: true,
      truncated: false,
    },
    program,
  )
  baseline.learnEndpoint(run, {
    kind: 'connect',
    cgroupId: 1,
    lineage: 'exec',
    atMs: 9,
    pid: 1,
    protocol: 'tcp',
    address: byteStringOfText('127.0.0.1'),
    port: 6379,
    source: 'kernel',
    count: 2,
    truncated: false,
  })
  return baseline
}

t.test('a decoded baseline is the encoded one, and encodes to the same bytes', async (t) => {
  fc.assert(
    fc.property(anyBaseline, (baseline) => {
      const bytes = encodeBaseline(baseline)
      const copy = decoded(bytes)
      deepEqual(copy.snapshot(), baseline.snapshot())
      deepEqual(encodeBaseline(copy), bytes)
    }),
    { numRuns: 300 },
  )
  t.pass('300 baselines')
})

t.test('a decoded baseline learns on as the original does', async (t) => {
  fc.assert(
    fc.property(steps(6), steps(6), (before, after) => {
      const original = Baseline.empty(IMAGE)
      learn(original, ['a', 'b', 'c'], before)
      const copy = decoded(encodeBaseline(original))
      learn(original, ['d', 'e', 'f'], after)
      learn(copy, ['d', 'e', 'f'], after)
      deepEqual(encodeBaseline(copy), encodeBaseline(original))
    }),
    { numRuns: 100 },
  )
  t.pass('100 pairs of histories')
})

t.test('the order of learning does not show in the bytes', async (t) => {
  fc.assert(
    fc.property(steps(6, true), (history) => {
      const forward = Baseline.empty(IMAGE)
      const backward = Baseline.empty(IMAGE)
      learn(forward, ['a', 'b', 'c'], history)
      learn(backward, ['a', 'b', 'c'], history.toReversed())
      deepEqual(encodeBaseline(backward), encodeBaseline(forward))
    }),
    { numRuns: 200 },
  )
  t.pass('200 histories')
})

function learn(
  baseline: Baseline,
  runIds: readonly string[],
  history: readonly Parameters<typeof take>[2][],
): void {
  const runs = runIds.map((runId) => baseline.startRun(runFacts(runId)))
  for (const step of history) take(baseline, runs, step)
}

t.test('a full baseline with folded runs and collapsed sets comes back', async (t) => {
  const baseline = sample()
  for (let n = 0; n < 1005; n++) baseline.startRun(runFacts(`r${n}`, { startedMs: n }))
  const run = baseline.startRun(runFacts('last'))
  for (let n = 0; n < 600; n++) {
    baseline.learnEndpoint(run, {
      kind: 'listen',
      cgroupId: 1,
      lineage: 'main',
      atMs: n,
      pid: 1,
      protocol: 'udp',
      address: byteStringOfText('::'),
      port: n,
      source: 'user',
      count: 1,
      truncated: false,
    })
  }
  const copy = decoded(encodeBaseline(baseline))
  t.strictSame(copy.snapshot(), baseline.snapshot())
  t.strictSame(copy.completeness(), baseline.completeness())
})

t.test('numbers without a canonical form are refused when encoding', async (t) => {
  for (const atMs of [-0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    const baseline = Baseline.empty(IMAGE)
    const run = baseline.startRun(runFacts('a'))
    baseline.learnSyscall(run, 'main', 'x86_64', 1, 1, atMs)
    t.throws(() => encodeBaseline(baseline), { code: 'INTERNAL' }, String(atMs))
  }
})

t.test('a file that is cut off anywhere is refused', async (t) => {
  const file = encodeBaseline(sample())
  for (let length = 0; length < file.length; length++) {
    if (problemOf(file.subarray(0, length)) === 'none') t.fail(`cut to ${length} bytes`)
  }
  t.match(problemOf(new Uint8Array()), /empty/)
  t.match(problemOf(file.subarray(0, 43)), /too short/)
  t.match(problemOf(file.subarray(0, file.length - 1)), /truncated or altered/)
})

t.test('a file with any one byte flipped is refused', async (t) => {
  const file = encodeBaseline(sample())
  for (let at = 0; at < file.length; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const altered = Buffer.from(file)
      altered.writeUInt8(altered.readUInt8(at) ^ bits, at)
      if (problemOf(altered) === 'none') t.fail(`byte ${at} with ${bits} flipped`)
    }
  }
  t.equal(problemOf(file), 'none')
})

t.test('a crafted file never does more than be refused', async (t) => {
  const payload = plimsoll.v1.Baseline.encode(messageOf(sample().snapshot())).finish()
  const edit = fc.record({ at: fc.nat({ max: payload.length - 1 }), byte: fc.nat({ max: 255 }) })
  const edited = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    const bytes = Buffer.from(payload)
    for (const { at, byte } of edits) bytes.writeUInt8(byte, at)
    return bytes
  })
  const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(edited, anything), (bytes) => {
      const file = sealed(bytes)
      const result = decodeBaseline(file)
      // What is read after all must be a file that this plimsoll could have written.
      if ('baseline' in result) deepEqual(Buffer.from(encodeBaseline(result.baseline)), file)
    }),
    { numRuns: 3000 },
  )
  t.pass('3000 files')
})

t.test('what no baseline says is refused in words that name it', async (t) => {
  const evidence = { firstMs: 5, lastMs: 6, count: 1, runs: 1 }
  const call = { abi: 1, nr: 1, evidence }
  const program = { path: Buffer.from('/bin/sh'), exe: Buffer.from('sh'), evidence }
  const peer = { protocol: 1, address: Buffer.from('::1'), port: 1, source: 1, evidence }
  const main = (behaviour: plimsoll.v1.Behaviour.$Properties): Message => ({
    behaviours: [{ lineage: 2, ...behaviour }],
  })
  const cases: readonly [string, Message, RegExp][] = [
    ['no digest', { image: { kind: 1 } }, /digest/],
    ['a digest with a path', { image: { kind: 1, digest: '../../../etc/passwd' } }, /digest/],
    ['an unknown kind', { image: { ...imageMessage(), kind: code(3) } }, /image kind .* 3/],
    [
      'an unknown lineage',
      { behaviours: [{ lineage: code(9), syscalls: [call] }] },
      /lineage .* 9/,
    ],
    ['a lineage twice', { behaviours: [{ lineage: 2 }, { lineage: 2 }] }, /behaviours .* order/],
    ['an unknown ABI', main({ syscalls: [{ ...call, abi: code(6) }] }), /abi .* 6/],
    ['no ABI', main({ syscalls: [{ nr: 1, evidence }] }), /abi .* 0/],
    ['a number out of range', main({ syscalls: [{ ...call, nr: 1024 }] }), /nr is 1024/],
    ['a call twice', main({ syscalls: [call, call] }), /syscalls .* twice/],
    ['calls out of order', main({ syscalls: [{ ...call, nr: 2 }, call] }), /syscalls .* order/],
    ['a call without evidence', main({ syscalls: [{ abi: 1, nr: 1 }] }), /in no run/],
    [
      'an end before the beginning',
      main({ syscalls: [{ ...call, evidence: { ...evidence, lastMs: 4 } }] }),
      /before it was first/,
    ],
    [
      'a count of 2^53',
      main({ syscalls: [{ ...call, evidence: { ...evidence, count: 2 ** 53 } }] }),
      /count is 2\^53/,
    ],
    [
      'a time that is none',
      main({ syscalls: [{ ...call, evidence: { ...evidence, lastMs: 8.64e15 + 1 } }] }),
      /last_ms is no time/,
    ],
    [
      'a program that is not there',
      main({ syscalls: [{ ...call, evidence: { ...evidence, programs: [0] } }] }),
      /no program 0/,
    ],
    ['a program that nothing refers to', { programs: [Buffer.from('/x')] }, /canonical/],
    ['a long program', { programs: [Buffer.alloc(4097)] }, /field 5 .* 4097 bytes/],
    ['a program twice', { programs: [Buffer.from('x'), Buffer.from('x')] }, /programs .* twice/],
    ['an execution twice', main({ execs: [program, program] }), /execs .* twice/],
    ['a long path', main({ execs: [{ ...program, path: Buffer.alloc(4097) }] }), /4097 bytes/],
    [
      'an unknown protocol',
      main({ connections: [{ ...peer, protocol: code(4) }] }),
      /protocol .* 4/,
    ],
    ['an unknown source', main({ listeners: [{ ...peer, source: code(3) }] }), /source .* 3/],
    ['a port out of range', main({ listeners: [{ ...peer, port: 65_536 }] }), /port is 65536/],
    ['too many items', main({ listeners: Array(513).fill(peer) }), /more than 512 times/],
    ['too many runs', { runs: Array(1001).fill({}) }, /more than 1000 times/],
    ['a run twice', { runs: [{ runId: 'a' }, { runId: 'a', startedMs: 1 }] }, /same id/],
    ['a long text', { runs: [{ runId: 'x'.repeat(257) }] }, /257 bytes/],
    ['an unknown reason', { runs: [{ incompleteness: [{ reason: code(8) }] }] }, /reason .* 8/],
    ['a marker without items', main({ execsCollapsed: { count: 1 } }), /canonical/],
  ]
  for (const [name, part, expected] of cases) {
    const message: Message = { image: imageMessage(), ...part }
    t.match(problemOf(sealed(plimsoll.v1.Baseline.encode(message).finish())), expected, name)
  }
})

function imageMessage(): plimsoll.v1.ImageIdentity.$Properties {
  return { kind: 1, digest: IMAGE.digest }
}

/** A code that the enum does not have; a literal would not pass the type check. */
function code(unknown: number): number {
  return unknown
}

t.test('bytes that are no message of this kind are refused in words', async (t) => {
  const minimal = plimsoll.v1.Baseline.encode({ image: imageMessage() }).finish()
  t.equal(problemOf(sealed(minimal)), 'none', 'the smallest baseline is one')
  const cases: readonly [string, number[], RegExp][] = [
    ['an unknown field', [0x7a, 0x00], /unknown field 15/],
    ['a wrong type', [0x15, 0, 0, 0, 0], /field 2 .* wrong type/],
    ['a field twice', [0x10, 0x01, 0x10, 0x01], /more than 1 times/],
    ['a length beyond the end', [0x2a, 0x7f], /longer than its message/],
    ['a number that does not end', [0x10, 0xff], /malformed/],
    ['a default value that is written out', [0x10, 0x00], /canonical/],
    ['a number in too many bytes', [0x10, 0x81, 0x00], /canonical/],
  ]
  for (const [name, bytes, expected] of cases) {
    t.match(problemOf(sealed(Buffer.concat([minimal, Buffer.from(bytes)]))), expected, name)
  }
})

t.test('millions of empty items are refused before anything is made of them', async (t) => {
  const bomb = Buffer.alloc(8_000_000)
  for (let at = 0; at < bomb.length; at += 2) bomb.writeUInt16BE(0x1a00, at)
  t.match(problemOf(sealed(bomb)), /field 3 at byte 2000 occurs more than 1000 times/)
  t.match(problemOf(new Uint8Array(FILE_LIMIT_BYTES + 1)), /at most \d+ are read/)
})
