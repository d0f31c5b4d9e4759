import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { decodeBaseline, encodeBaseline, FILE_LIMIT_BYTES } from '../../src/baseline/codec.js'
import { itemKeyOf } from '../../src/baseline/item-key.js'
import type { RunHandle } from '../../src/baseline/run.js'
import { messageOf } from '../../src/baseline/message-of.js'
import { FIRST_KINDS } from '../../src/baseline/kinds.js'
import { type ByteString, byteStringOfText } from '../../src/bytes.js'
import { seal } from '../../src/envelope.js'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { ABIS, type EndpointObservation, type ExecObservation } from '../../src/observation.js'
import { anyBaseline, IMAGE, runFacts, steps, take } from '../support/baseline-steps.js'
import { FIXTURES } from '../support/repository.js'
import { shard } from '../support/shards.js'

type Message = plimsoll.v1.Baseline.$Properties

/** Captured: a trace of the demo replayed by a plimsoll that wrote version 2; chmod approved, mkdir rejected, then sealed. */
const VERSION_2 = join(FIXTURES, 'baselines/version-2.plb')

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
  return seal('PLIMBASE', 3, payload)
}

function executionOf(path: ByteString, atMs: number): ExecObservation {
  return {
    kind: 'exec',
    cgroupId: 1,
    lineage: 'main',
    atMs,
    pid: 1,
    ppid: 0,
    uid: 0,
    atNs: 0,
    comm: byteStringOfText('x'),
    path,
    exe: byteStringOfText('busybox'),
    inode: 1,
    links: 1,
    fsMagic: 0x794c7630,
    upper: false,
    truncated: false,
  }
}

function peerOf(address: string, atMs: number): EndpointObservation {
  return {
    kind: 'connect',
    cgroupId: 1,
    lineage: 'main',
    atMs,
    pid: 1,
    ppid: 0,
    uid: 0,
    atNs: 0,
    protocol: 'tcp',
    address: byteStringOfText(address),
    port: 443,
    source: 'kernel',
    count: 2,
    truncated: false,
  }
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
  baseline.learnSyscall(run, 'main', 'x86_64', 41, 3, 6)
  baseline.learnArgument(run, 'main', 'x86_64', 41, 33, 2, 6)
  baseline.learnExec(
    run,
    {
      kind: 'exec',
      cgroupId: 1,
      lineage: 'main',
      atMs: 8,
      pid: 1,
      ppid: 0,
      uid: 0,
      atNs: 0,
      comm: byteStringOfText('x'),
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
    ppid: 0,
    uid: 0,
    atNs: 0,
    protocol: 'tcp',
    address: byteStringOfText('127.0.0.1'),
    port: 6379,
    source: 'kernel',
    count: 2,
    truncated: false,
  })
  const item = itemKeyOf({ kind: 'syscall', abi: 'x86_64', nr: 2 })
  baseline.setVerdict({ item, verdict: 'rejected', atMs: 10, by: 'ann', reason: 'no' })
  const capability = itemKeyOf({ kind: 'capability', capability: 13 })
  const kinds = ['syscall', 'capability'] as const
  baseline.setSeal({
    atMs: 11,
    by: 'ann',
    contentHash: 'sha256:1',
    items: [item, capability],
    kinds,
  })
  learnNewKinds(baseline, run)
  return baseline
}

/** What version 2 has no fields for. */
function learnNewKinds(baseline: Baseline, run: RunHandle): void {
  const program = byteStringOfText('/bin/sh')
  baseline.learnCapability(run, { lineage: 'main', capability: 13, count: 3, atMs: 9 }, program)
  baseline.learnUringOp(run, { lineage: 'main', opcode: 16, count: 0, atMs: 9 })
  baseline.learnDenial(run, 'main', 'x86_64', 83, 7, 10)
  baseline.learnDenialProgram(run, 'main', 'x86_64', 83, program, 10)
  baseline.learnResources(run, { memoryBytes: 2 ** 40, cpuMilli: 310, pids: 5 })
}

t.test('a decoded baseline is the encoded one, and encodes to the same bytes', async (t) => {
  fc.assert(
    fc.property(fc.oneof(anyBaseline, shard), (baseline) => {
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
      ppid: 0,
      uid: 0,
      atNs: 0,
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
  const call = { abi: 1, nr: 1 }
  const socket = { abi: 1, nr: 41, value: 33 }
  const program = { path: Buffer.from('/bin/sh'), exe: Buffer.from('sh') }
  const peer = { protocol: 1, address: Buffer.from('::1'), port: 1, source: 1 }
  /** Columns of one row. */
  const row = {
    items: [0],
    firstMs: [0],
    lastMs: [1],
    counts: [1],
    programSets: [0],
  }
  const flagged = { ...row, flags: [1] }
  const rows = (count: number): plimsoll.v1.Evidence.$Properties =>
    Object.fromEntries(Object.entries(row).map(([name, [one]]) => [name, Array(count).fill(one)]))
  const run = { runId: 'a', windowMs: 60_000 }
  const programSets = [{}]
  const items = (listed: plimsoll.v1.LineageItems.$Properties): Message => ({
    items: [{ lineage: 2, ...listed }],
  })
  const did = (
    listed: plimsoll.v1.LineageItems.$Properties,
    behaviour: plimsoll.v1.Behaviour.$Properties,
  ): Message => ({
    programSets,
    ...items(listed),
    runs: [{ ...run, behaviours: [{ lineage: 2, ...behaviour }] }],
  })
  const made = (columns: plimsoll.v1.Evidence.$Properties): Message =>
    did({ syscalls: [call] }, { syscalls: { ...row, ...columns } })
  const key = Buffer.from([1, 1, 0, 1])
  const verdict = { item: key, verdict: 1, atMs: 1 }
  const decided = (...verdicts: plimsoll.v1.Verdict.$Properties[]): Message => ({
    decisions: { verdicts },
  })
  t.equal(problemOf(fileOf(made({}))), 'none', 'this one says what one can say')
  const cases: readonly [string, Message, RegExp][] = [
    ['no digest', { image: { kind: 1 } }, /digest/],
    ['a digest with a path', { image: { kind: 1, digest: '../../../etc/passwd' } }, /digest/],
    ['an unknown kind', { image: { ...imageMessage(), kind: code(3) } }, /image kind .* 3/],
    ['an unknown lineage', { items: [{ lineage: code(9), syscalls: [call] }] }, /lineage .* 9/],
    ['a lineage twice', { items: [{ lineage: 2 }, { lineage: 2 }] }, /items .* order/],
    [
      'a lineage twice in a run',
      { runs: [{ ...run, behaviours: [{ lineage: 2 }, { lineage: 2 }] }] },
      /behaviours .* order/,
    ],
    ['an unknown ABI', items({ syscalls: [{ ...call, abi: code(6) }] }), /abi .* 6/],
    ['no ABI', items({ syscalls: [{ nr: 1 }] }), /abi .* 0/],
    ['a number out of range', items({ syscalls: [{ ...call, nr: 1024 }] }), /nr is 1024/],
    ['a call twice', items({ syscalls: [call, call] }), /syscalls .* twice/],
    ['calls out of order', items({ syscalls: [{ ...call, nr: 2 }, call] }), /syscalls .* order/],
    ['a call that no run made', items({ syscalls: [call] }), /canonical/],
    ['an argument of a call without', items({ arguments: [{ ...socket, nr: 1 }] }), /no argument/],
    ['an argument twice', items({ arguments: [socket, socket] }), /arguments .* twice/],
    ['an execution twice', items({ execs: [program, program] }), /execs .* twice/],
    ['a long path', items({ execs: [{ ...program, path: Buffer.alloc(4097) }] }), /4097 bytes/],
    [
      'an unknown protocol',
      items({ connections: [{ ...peer, protocol: code(4) }] }),
      /protocol .* 4/,
    ],
    ['an unknown source', items({ listeners: [{ ...peer, source: code(3) }] }), /source .* 3/],
    ['a port out of range', items({ listeners: [{ ...peer, port: 65_536 }] }), /port is 65536/],
    ['a call that is not listed', made({ items: [1] }), /items refer to 1, of 1/],
    ['a call twice in a run', made({ items: [0, 0] }), /items are not in order/],
    ['no times', made({ firstMs: [] }), /columns .* length/],
    ['one count too many', made({ counts: [1, 1] }), /columns .* length/],
    ['a flag of a call', made({ flags: [1] }), /flags is 1, at most 0/],
    ['flags that are not set', made({ flags: [0] }), /canonical/],
    ['windows as usual', made({ windows: [1] }), /canonical/],
    [
      'an unknown flag',
      did({ execs: [program] }, { execs: { ...row, flags: [16] } }),
      /flags is 16/,
    ],
    [
      'a program on two file systems in one run',
      did(
        { execs: [program, { ...program, fsMagic: 1 }] },
        { execs: { ...rows(2), items: [0, 1] } },
      ),
      /execs .* twice/,
    ],
    ['a count of 2^53', made({ counts: [2 ** 53] }), /count is 2\^53/],
    ['more windows than counts', made({ windows: [2] }), /windows is 2/],
    ['a time that is none', made({ lastMs: [8.64e15 + 1] }), /last_ms is no time/],
    [
      'a late beginning',
      did({ syscalls: [call] }, { baseMs: 8.64e15 + 1, syscalls: row }),
      /base_ms is no/,
    ],
    ['a base that no item has', made({ firstMs: [1] }), /canonical/],
    ['a set of programs that is not there', made({ programSets: [1] }), /no set of programs 1/],
    ['a set of programs that nothing refers to', { programSets }, /canonical/],
    ['a program that is not there', { programSets: [{ programs: [0] }] }, /programs refer to 0/],
    ['a set of programs twice', { programSets: [{}, {}] }, /sets of programs .* twice/],
    [
      'a set of nine programs',
      { programSets: [{ programs: Array(9).fill(1) }] },
      /9 numbers, at most 8/,
    ],
    ['a long program', { programs: [Buffer.alloc(4097)] }, /field 3 .* 4097 bytes/],
    ['a program twice', { programs: [Buffer.from('x'), Buffer.from('x')] }, /programs .* twice/],
    [
      'too many listeners in a run',
      did({ listeners: [peer] }, { listeners: rows(513) }),
      /513 numbers, at most 512/,
    ],
    [
      'too many arguments of one call',
      did(
        { arguments: Array.from({ length: 65 }, (_, value) => ({ ...socket, value })) },
        { arguments: { ...rows(65), items: Array(65).fill(1).fill(0, 0, 1) } },
      ),
      /more than 64 arguments/,
    ],
    ['too many runs', { runs: Array(1001).fill({}) }, /more than 1000 times/],
    ['a run twice', { runs: [run, run] }, /runs .* twice/],
    ['a run without windows', { runs: [{ runId: 'a' }] }, /windows of a run have no length/],
    ['a run that is folded', { runs: [run], folded: { upToRunId: 'b' } }, /runs .* order/],
    ['a long text', { runs: [{ runId: 'x'.repeat(257) }] }, /257 bytes/],
    [
      'an unknown reason',
      { runs: [{ ...run, incompleteness: [{ reason: code(8) }] }] },
      /reason .* 8/,
    ],
    [
      'a capability out of range',
      items({ capabilities: [{ capability: 64 }] }),
      /capability is 64/,
    ],
    ['a capability twice', items({ capabilities: [{}, {}] }), /capabilities .* twice/],
    ['a capability that nobody used', items({ capabilities: [{}] }), /canonical/],
    [
      'a flag of a capability',
      did({ capabilities: [{}] }, { capabilities: flagged }),
      /flags is 1/,
    ],
    ['an opcode out of range', items({ uringOps: [{ opcode: 256 }] }), /opcode is 256/],
    [
      'opcodes out of order',
      items({ uringOps: [{ opcode: 2 }, { opcode: 1 }] }),
      /uring_ops .* order/,
    ],
    ['a denied call twice', items({ denied: [call, call] }), /denied .* twice/],
    ['a denied call that is none', items({ denied: [{ ...call, nr: 1024 }] }), /nr is 1024/],
    [
      'more capabilities than there are',
      did({ capabilities: [{}] }, { capabilities: rows(65) }),
      /65 numbers, at most 64/,
    ],
    ['an unknown kind', { runs: [{ ...run, kinds: [code(8)] }] }, /kind .* 8/],
    ['a kind twice', { runs: [{ ...run, kinds: [6, 6] }] }, /kinds .* twice/],
    ['too many kinds', { runs: [{ ...run, kinds: Array(8).fill(1) }] }, /8 numbers, at most 7/],
    ['resources of no samples', { runs: [{ ...run, resources: { pids: 1 } }] }, /no samples/],
    [
      'resources of 2^53',
      { runs: [{ ...run, resources: { memoryBytes: 2 ** 53, samples: 1 } }] },
      /memory_bytes is 2\^53/,
    ],
    ['a seal of kinds out of order', { decisions: { seal: { kinds: [2, 1] } } }, /kinds .* order/],
    [
      'a decision on no capability',
      decided({ ...verdict, item: Buffer.from([6, 64]) }),
      /about no item/,
    ],
    [
      'a marker that ends early',
      did({}, { execsCollapsed: { count: 1, firstMs: 2, lastMs: 1 } }),
      /ends before it begins/,
    ],
    [
      'a marker that says nothing',
      did({}, { argumentsCollapsed: [{ abi: 1, nr: 41 }] }),
      /says nothing/,
    ],
    ['a verdict on nothing', decided({ ...verdict, item: Buffer.from('x') }), /about no item/],
    ['no verdict', decided({ item: key }), /verdict .* 0/],
    ['two verdicts on one item', decided(verdict, verdict), /verdicts .* twice/],
    ['decisions that are none', { decisions: {} }, /canonical/],
    [
      'a seal of an item twice',
      { decisions: { seal: { items: [key, key] } } },
      /sealed items .* twice/,
    ],
  ]
  for (const [name, part, expected] of cases) t.match(problemOf(fileOf(part)), expected, name)
})

function fileOf(part: Message): Uint8Array {
  return sealed(plimsoll.v1.Baseline.encode({ image: imageMessage(), ...part }).finish())
}

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
    ['a length beyond the end', [0x1a, 0x7f], /longer than its message/],
    ['a number that does not end', [0x10, 0xff], /malformed/],
    ['a default value that is written out', [0x10, 0x00], /canonical/],
    ['a number in too many bytes', [0x10, 0x81, 0x00], /canonical/],
  ]
  for (const [name, bytes, expected] of cases) {
    t.match(problemOf(sealed(Buffer.concat([minimal, Buffer.from(bytes)]))), expected, name)
  }
})

t.test('millions of empty items are refused before anything is made of them', async (t) => {
  const runs = Buffer.alloc(8_000_000)
  for (let at = 0; at < runs.length; at += 2) runs.writeUInt16BE(0x3200, at)
  t.match(problemOf(sealed(runs)), /field 6 at byte 2000 occurs more than 1000 times/)
  t.match(problemOf(new Uint8Array(FILE_LIMIT_BYTES + 1)), /at most \d+ are read/)
  // Each run within the bounds of one, all of them together far beyond those of a baseline.
  const items = { items: Array(5120).fill(1), counts: Array(5120).fill(1) }
  const behaviours = [1, 2, 3, 4].map((lineage) => ({ lineage, syscalls: items }))
  const many = { runs: Array.from({ length: 300 }, () => ({ behaviours })) }
  t.match(problemOf(fileOf(many)), /is part of more than \d+ fields/)
})

t.test('an older format is refused, and the reader is told what to do', async (t) => {
  const older = seal('PLIMBASE', 1, plimsoll.v1.Baseline.encode({ image: imageMessage() }).finish())
  t.match(problemOf(older), /format version 1, .* learn the image again/)
})

/** As version 2 wrote it; `newKinds` adds what it could not. */
function ofVersion2(newKinds?: (baseline: Baseline, run: RunHandle) => void): Uint8Array {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts('a', { kinds: [] }))
  baseline.learnSyscall(run, 'main', 'x86_64', 2, 3, 6)
  newKinds?.(baseline, run)
  const message = messageOf(baseline.snapshot())
  return seal('PLIMBASE', 2, plimsoll.v1.Baseline.encode(message).finish())
}

t.test('a file of the version before is read, and nothing of it is lost', async (t) => {
  const file = await readFile(VERSION_2)
  t.equal(file.readUInt32LE(8), 2)
  const old = decoded(file)
  const { revision, decisions, runs } = old.snapshot()
  t.match(runs, [{ runtime: 'podman', containerName: 'compassionate_roentgen', kinds: [] }])
  t.equal(revision, 4)
  t.match(decisions.verdicts, [{ verdict: 'rejected' }, { verdict: 'approved', reason: 'wanted' }])
  t.match(decisions.seal, { kinds: [] })
  t.equal(decisions.seal?.items.length, 35)
  t.strictSame(old.observableKinds(), FIRST_KINDS)
  const again = encodeBaseline(old)
  t.equal(Buffer.from(again).readUInt32LE(8), 3, 'it is saved as one of this version')
  t.strictSame(decoded(again).snapshot(), old.snapshot())
  t.same(again.subarray(12, -32), file.subarray(12, -32), 'of the same content')
})

t.test('what the version before had no fields for is not read in its files', async (t) => {
  t.equal(problemOf(ofVersion2()), 'none')
  const key = itemKeyOf({ kind: 'capability', capability: 13 })
  const decision = { atMs: 1, by: 'ann', reason: '', contentHash: '', items: [] }
  const seen = { lineage: 'main', count: 1, atMs: 9 } as const
  const cases: readonly [RegExp, (baseline: Baseline, run: RunHandle) => void][] = [
    [
      /no capabilities/,
      (baseline, run) => baseline.learnCapability(run, { ...seen, capability: 1 }),
    ],
    [/no io_uring/, (baseline, run) => baseline.learnUringOp(run, { ...seen, opcode: 1 })],
    [/no denied/, (baseline, run) => baseline.learnDenial(run, 'main', 'x86_64', 1, 1, 9)],
    [
      /no resources/,
      (baseline, run) => baseline.learnResources(run, { memoryBytes: 0, cpuMilli: 0, pids: 0 }),
    ],
    [/no kinds that/, (baseline) => baseline.startRun(runFacts('b', { kinds: ['syscall'] }))],
    [/no kinds of a seal/, (baseline) => baseline.setSeal({ ...decision, kinds: ['syscall'] })],
    [
      /no decisions on/,
      (baseline) => baseline.setVerdict({ ...decision, item: key, verdict: 'approved' }),
    ],
    [/no decisions on/, (baseline) => baseline.setSeal({ ...decision, items: [key], kinds: [] })],
  ]
  for (const [expected, newKinds] of cases) t.match(problemOf(ofVersion2(newKinds)), expected)
  for (const version of [0, 4, 2 ** 32 - 1]) {
    const file = Buffer.from(encodeBaseline(sample()))
    file.writeUInt32LE(version, 8)
    t.match(problemOf(file), /checksum/, 'a version that was altered')
  }
})

t.test('more runs than may be listed are refused, whatever each has', async (t) => {
  const baseline = Baseline.empty(IMAGE)
  for (let n = 0; n < 90; n++) {
    const run = baseline.startRun(runFacts(`r${n}`, { startedMs: n }))
    for (let nr = 0; nr < 5000; nr++) {
      const abi = ABIS[nr % ABIS.length] ?? 'arm'
      baseline.learnSyscall(run, 'main', abi, Math.floor(nr / ABIS.length), 1, 5_000)
    }
  }
  const { runs, folded } = baseline.snapshot()
  t.equal(runs.length, 80, '400,000 items')
  t.match(folded, { upTo: { runId: 'r9' } })
  const [oldest] = runs
  if (oldest === undefined) throw new Error('runs are listed')
  const snapshot = { ...baseline.snapshot(), folded: undefined }
  const over = { ...snapshot, runs: [{ ...oldest, runId: 'r', startedMs: 1 }, ...runs] }
  t.match(problemOf(encodeBaseline(Baseline.of(over))), /none/, 'a baseline folds what is too much')
  t.match(
    problemOf(sealed(plimsoll.v1.Baseline.encode(messageOf(over)).finish())),
    /too many or too large/,
  )
})

t.test('a thousand runs make a small file that is quickly read', async (t) => {
  const baseline = largeBaseline()
  encodeBaseline(baseline)
  const beginMs = performance.now()
  const file = encodeBaseline(baseline)
  const writtenMs = performance.now()
  const copy = decoded(file)
  const readMs = performance.now()
  t.comment(
    `${file.length} bytes, encoded in ${Math.round(writtenMs - beginMs)} ms, ` +
      `decoded in ${Math.round(readMs - writtenMs)} ms`,
  )
  t.equal(copy.runCount, 1000)
  t.equal(copy.syscalls('main').length, 110)
  t.ok(file.length < 1_500_000, `${file.length} bytes`)
})

/** 1000 runs of 150 items each, of which every run has some that others lack. */
function largeBaseline(): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const programs = Array.from({ length: 12 }, (_, n) =>
    byteStringOfText(`/usr/local/bin/program-${n}`),
  )
  for (let n = 0; n < 1000; n++) {
    const startedMs = 1.7e12 + n * 3_600_123
    const runId = `7c1f9d2e-4a0b-4f6e-9c39-2f5d8e1b6a47/${n}`
    const run = baseline.startRun(
      runFacts(runId, {
        startedMs,
        attachedMs: startedMs - 5_000,
        containerId: n.toString(16).padStart(64, 'c0ffee'),
        containerName: `web-${n}`,
      }),
    )
    for (let i = 0; i < 100; i++) {
      const nr = (i + (n % 11)) % 110
      const atMs = startedMs + 100 + ((i * 7919 + n * 104_729) % 20_000)
      baseline.learnProgram(run, 'main', 'x86_64', nr, programs[i % 12]!, atMs)
      baseline.learnProgram(run, 'main', 'x86_64', nr, programs[(i + n) % 3]!, atMs)
      baseline.learnSyscall(run, 'main', 'x86_64', nr, 1 + ((i * i * 31) % 5_000), atMs + 4_000)
    }
    for (let i = 0; i < 24; i++)
      baseline.learnSyscall(run, 'runtime', 'x86_64', i, 3 + i, startedMs + i)
    for (let i = 0; i < 6; i++) {
      baseline.learnArgument(run, 'main', 'x86_64', 41, 17 + i, 5, startedMs + 500)
    }
    for (let i = 0; i < 12; i++) {
      const seen = executionOf(programs[i]!, startedMs + 30 * i)
      baseline.learnExec(run, seen, programs[0])
    }
    for (let i = 0; i < 8; i++) {
      baseline.learnEndpoint(run, peerOf(`10.0.${n % 20}.${i}`, startedMs + 2_000), programs[1])
    }
    baseline.endRun(run, startedMs + 30_000)
  }
  return baseline
}
