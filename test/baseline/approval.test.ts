/** What people decide on a baseline, and what it is bound to. */
import t from 'tap'
import { candidatesOf, decide, itemsNamed, seal } from '../../src/baseline/approval.js'
import { Baseline } from '../../src/baseline/baseline.js'
import { contentHashOf, SHORT_HASH } from '../../src/baseline/content-hash.js'
import { itemOfKey } from '../../src/baseline/item-key.js'
import { itemText } from '../../src/baseline/item-text.js'
import { merged } from '../../src/baseline/merge.js'
import { standingItems } from '../../src/baseline/own-items.js'
import { byteStringOfText } from '../../src/bytes.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { Abi, Lineage } from '../../src/observation.js'
import { IMAGE, runFacts } from '../support/baseline-steps.js'

const WHO = { by: 'someone', atMs: 5_000, reason: 'because' }

function learned(runId: string, names: readonly string[], lineage: Lineage = 'main'): Baseline {
  const baseline = Baseline.empty(IMAGE)
  const run = baseline.startRun(runFacts(runId))
  for (const name of names) {
    const [abi, call] = name.includes(':')
      ? (name.split(':') as [Abi, string])
      : ['x86_64' as Abi, name]
    baseline.learnSyscall(run, lineage, abi, syscallNr(abi, call) ?? 0, 1, 2_000)
  }
  return baseline
}

function standings(baseline: Baseline): Readonly<Record<string, string>> {
  return Object.fromEntries(
    standingItems(baseline).map(({ item, standing }) => [itemText(item), standing]),
  )
}

const decideOn = (baseline: Baseline, text: string, verdict: 'approved' | 'rejected'): void =>
  decide(baseline, itemsNamed(baseline, [text]), verdict, {
    ...WHO,
    contentHash: contentHashOf(baseline),
  })

t.test('what is never learned is a candidate, everything else is learned', async (t) => {
  const baseline = learned('a', ['read', 'ptrace', 'i386:socket'])
  t.same(standings(baseline), {
    read: 'learned',
    ptrace: 'candidate-never-learned',
    'i386:socket': 'learned',
  })
  t.same(
    candidatesOf(baseline).map(({ item }) => itemText(item)),
    ['ptrace'],
  )
})

t.test('dangerous arguments are candidates although their call is not', async (t) => {
  const baseline = learned('a', ['socket', 'clone'])
  const run = baseline.startRun(runFacts('b'))
  const nr = (name: string): number => syscallNr('x86_64', name) ?? 0
  baseline.learnArgument(run, 'main', 'x86_64', nr('socket'), (2 << 4) | 1, 1, 2_000)
  baseline.learnArgument(run, 'main', 'x86_64', nr('socket'), (38 << 4) | 5, 1, 2_000)
  baseline.learnArgument(run, 'main', 'x86_64', nr('clone'), 0, 1, 2_000)
  baseline.learnArgument(run, 'main', 'x86_64', nr('clone'), 0x1000_0000, 1, 2_000)
  t.same(
    candidatesOf(baseline).map(({ item }) => itemText(item)),
    ['socket:AF_ALG,SOCK_SEQPACKET', 'clone:CLONE_NEWUSER'],
  )
})

t.test('capabilities that give the host away are candidates; operations are learned', async (t) => {
  const baseline = learned('a', ['io_uring_setup'])
  const run = baseline.startRun(runFacts('b'))
  for (const capability of [0, 2, 12, 13, 21, 39, 50]) {
    baseline.learnCapability(run, { lineage: 'main', capability, count: 1, atMs: 2_000 })
  }
  baseline.learnUringOp(run, { lineage: 'probe', opcode: 16, count: 0, atMs: 2_000 })
  const never = 'candidate-never-learned'
  t.same(standings(baseline), {
    io_uring_setup: never,
    'capability:CAP_CHOWN': 'learned',
    'capability:CAP_DAC_READ_SEARCH': never,
    'capability:CAP_NET_ADMIN': 'learned',
    'capability:CAP_NET_RAW': 'learned',
    'capability:CAP_SYS_ADMIN': never,
    'capability:CAP_BPF': never,
    'capability:50?': 'learned',
    'io_uring:CONNECT': 'learned',
  })
  decideOn(baseline, 'capability:CAP_SYS_ADMIN', 'approved')
  decideOn(baseline, 'io_uring:CONNECT', 'rejected')
  t.match(standings(baseline), {
    'capability:CAP_SYS_ADMIN': 'approved',
    'io_uring:CONNECT': 'rejected',
  })
})

t.test('exec and runtime are nobody to decide on', async (t) => {
  t.same(standings(learned('a', ['ptrace'], 'exec')), {})
  t.same(standings(learned('a', ['ptrace'], 'runtime')), {})
  t.same(standings(learned('a', ['ptrace'], 'probe')), { ptrace: 'candidate-never-learned' })
})

t.test('a verdict stays, whatever is learned and merged afterwards', async (t) => {
  const baseline = learned('a', ['read', 'chmod', 'ptrace'])
  decideOn(baseline, 'chmod', 'rejected')
  decideOn(baseline, 'ptrace', 'approved')
  const more = merged(baseline, learned('b', ['chmod', 'ptrace', 'write']))
  const expected = { read: 'learned', write: 'learned', chmod: 'rejected', ptrace: 'approved' }
  t.same(standings(more), expected)
  t.same(standings(merged(learned('c', ['chmod']), more)), expected, 'in either order')
  decideOn(more, 'chmod', 'approved')
  t.equal(standings(more)['chmod'], 'approved', 'until somebody decides again')
})

t.test('after the seal, what is new waits; what was sealed stays', async (t) => {
  const baseline = learned('a', ['read', 'ptrace'])
  seal(baseline, { ...WHO, contentHash: contentHashOf(baseline) })
  t.same(
    baseline.decisions.seal?.items.map((key) => itemOfKey(key)?.kind),
    ['syscall'],
    'a candidate is not sealed',
  )
  const later = merged(baseline, learned('b', ['read', 'write', 'bpf']))
  t.same(standings(later), {
    read: 'sealed',
    ptrace: 'candidate-never-learned',
    bpf: 'candidate-never-learned',
    write: 'candidate-after-seal',
  })
})

t.test('the hash follows items and decisions, not evidence', async (t) => {
  const baseline = learned('a', ['read', 'chmod'])
  const hash = contentHashOf(baseline)
  t.equal(contentHashOf(merged(baseline, learned('b', ['read', 'chmod']))), hash, 'one more run')
  t.not(contentHashOf(merged(baseline, learned('b', ['write']))), hash, 'one more item')
  decideOn(baseline, 'chmod', 'rejected')
  t.not(contentHashOf(baseline), hash, 'a decision')
})

t.test(
  'a decision on something else than what was looked at is refused, and changes nothing',
  async (t) => {
    const baseline = learned('a', ['read', 'chmod'])
    const items = itemsNamed(baseline, ['chmod'])
    const stale = contentHashOf(learned('a', ['read']))
    for (const contentHash of [stale, '', contentHashOf(baseline).slice(0, SHORT_HASH - 1)]) {
      t.throws(() => decide(baseline, items, 'approved', { ...WHO, contentHash }), {
        code: 'CONTENT_CHANGED',
      })
      t.throws(() => seal(baseline, { ...WHO, contentHash }), { code: 'CONTENT_CHANGED' })
    }
    t.same(baseline.decisions, { verdicts: [], seal: undefined })
    const short = contentHashOf(baseline).slice(0, SHORT_HASH)
    decide(baseline, items, 'approved', { ...WHO, contentHash: short })
    t.equal(baseline.decisions.verdicts.length, 1)
  },
)

t.test('items are named by their text; a call need not have been seen', async (t) => {
  const baseline = learned('a', ['read'])
  const run = baseline.startRun(runFacts('b'))
  baseline.learnExec(run, {
    kind: 'exec',
    cgroupId: 1,
    lineage: 'main',
    atMs: 2_000,
    pid: 1,
    ppid: 0,
    uid: 0,
    atNs: 0,
    comm: byteStringOfText('x'),
    path: byteStringOfText('/bin/sh\n'),
    exe: byteStringOfText('busybox'),
    inode: 1,
    links: 1,
    fsMagic: 1,
    upper: false,
    truncated: false,
  })
  const texts = standingItems(baseline).map(({ item }) => itemText(item))
  t.equal(texts.length, 2)
  t.notMatch(texts.join(''), /\n/, 'no text of a container reaches the terminal raw')
  t.equal(itemsNamed(baseline, texts).length, 2, 'what is printed can be typed')
  t.equal(itemsNamed(baseline, ['mkdir', 'i386:mkdir', 'mkdir']).length, 2)
  t.equal(itemsNamed(baseline, ['capability:CAP_SYS_BOOT', 'io_uring:TEE']).length, 2)
  const numbers = ['capability:50?', 'capability:SYS_BOOT', 'io_uring:tee', 'capability:tee']
  for (const unknown of [...numbers, 'exec:/bin/none', 'no_such_call', 'arm:', ':', '']) {
    t.throws(() => itemsNamed(baseline, [unknown]), { code: 'ITEM_UNKNOWN' }, unknown)
  }
})
