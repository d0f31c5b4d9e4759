/** The operator log: what is written, by whom it is checked, and what a crash or somebody's editor does to it. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { LINE_BYTES, type OperatorEntry } from '../../../src/service/audit/entry.js'
import { OperatorLog } from '../../../src/service/audit/operator-log.js'
import { verifyOperatorLog } from '../../../src/service/audit/verify-log.js'
import { operatorLogPage } from '../../../src/service/audit/log-page.js'
import { AuditService } from '../../../src/service/audit/audit-service.js'
import { AUDIT_SERVICE } from '../../../src/service/audit-methods.js'
import { ownIdentity } from '../../../src/workload/process-stat.js'
import { plimsoll } from '../../support/fake-terminal.js'
import { served } from '../../support/grpc-server.js'
import { refusalOf } from '../../support/service-client.js'

const INTENT = { actor: 'cli:ann', action: 'Respond', target: 'web', reason: 'to see' }
const HOSTILE = 'a"b\\c\u001b[2J\nd\u2028é\ud800😀'

function logAt(state: string, startMs = 1_700_000_000_000): OperatorLog {
  let nowMs = startMs
  return new OperatorLog(state, { nowMs: () => nowMs++ })
}

function fileOf(state: string): string {
  return join(state, 'audit', 'operator.jsonl')
}

function entriesOf(state: string): readonly OperatorEntry[] {
  const lines = readFileSync(fileOf(state), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as OperatorEntry)
}

/** A log of `acts` acts, two entries each. */
async function written(t: Test, acts: number): Promise<string> {
  const state = t.testdir()
  const log = logAt(state)
  for (let n = 0; n < acts; n++) {
    const begun = await log.begin({ ...INTENT, reason: `${n} ${HOSTILE}`, details: { n } })
    await begun.end('done', { text: HOSTILE })
  }
  return state
}

t.test('sha256sum and jq come to the hashes that are in the log', async (t) => {
  const state = await written(t, 3)
  const sum = (filter: string, line: string): string =>
    execFileSync('sh', ['-c', `${filter} | sha256sum`], { input: `${line}\n` })
      .toString()
      .slice(0, 64)
  let previous = '0'.repeat(64)
  for (const line of readFileSync(fileOf(state), 'utf8').trimEnd().split('\n')) {
    const entry = JSON.parse(line) as OperatorEntry
    t.equal(sum(`sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\\n'`, line), entry.hash)
    if (existsSync('/usr/bin/jq')) t.equal(sum(`jq -cj 'del(.hash)'`, line), entry.hash)
    t.equal(entry.previous, previous)
    previous = entry.hash
  }
  t.equal(statSync(fileOf(state)).mode & 0o777, 0o600)
  t.equal(statSync(join(state, 'audit')).mode & 0o777, 0o700)
})

t.test('entries say what began and what came of it, with bounded printable texts', async (t) => {
  const state = t.testdir()
  const long = HOSTILE.repeat(4000)
  const intent = { actor: long, action: long, target: long, reason: long, details: { long } }
  const begun = await logAt(state).begin(intent)
  await begun.end('failed', { many: Array.from({ length: 9000 }, () => HOSTILE) })
  const [first, second] = entriesOf(state)
  t.match(first, { sequence: 1, phase: 'begun', atMs: 1_700_000_000_000 })
  t.match(second, { sequence: 2, phase: 'failed', previous: first?.hash })
  t.match(JSON.parse(second?.details ?? ''), { omittedBytes: Number })
  const bytes = readFileSync(fileOf(state))
  for (const line of bytes.toString('utf8').split('\n')) t.ok(line.length < LINE_BYTES)
  t.notOk(bytes.some((byte) => byte < 0x20 && byte !== 0x0a))
  t.match(first?.reason, /^a"b\\c\\u001b\[2J\\u000ad\\u2028é/)
  t.match(await verifyOperatorLog(state), { intact: true, entries: 2, lastHash: second?.hash })
})

t.test('any byte that is changed is found, and its line is named', async (t) => {
  const state = await written(t, 2)
  const whole = readFileSync(fileOf(state))
  const other = join(t.testdir({ other: { audit: {} } }), 'other')
  const lineOf = (at: number): number => whole.subarray(0, at).filter((b) => b === 0x0a).length + 1
  let tried = 0
  const flipped = async (at: number, mask: number): Promise<void> => {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] ?? 0) ^ mask
    writeFileSync(fileOf(other), bytes)
    const found = await verifyOperatorLog(other)
    tried++
    if (found.intact || found.firstBadLine !== lineOf(at)) {
      throw new Error(`byte ${at} with ${mask}: ${JSON.stringify(found)}, not ${lineOf(at)}`)
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      flipped,
    ),
    { numRuns: 300 },
  )
  for (let at = 0; at < whole.length - 1; at++) await flipped(at, 1 << (at % 8))
  t.comment(`${tried} flips in ${whole.length} bytes`)
})

t.test('lines that are removed, added, moved or cut off are found', async (t) => {
  const state = await written(t, 3)
  const lines = readFileSync(fileOf(state), 'utf8').trimEnd().split('\n')
  const [, second = '', third = '', fourth = ''] = lines
  const lastHash = entriesOf(state).at(-1)?.hash
  const cases: readonly [string, string[], number, RegExp][] = [
    ['the first is removed', lines.slice(1), 1, /sequence is 2/],
    ['one is removed', lines.toSpliced(2, 1), 3, /sequence is 4/],
    ['one is there twice', lines.toSpliced(2, 0, second), 3, /sequence is 2/],
    ['two change places', lines.toSpliced(2, 2, fourth, third), 3, /sequence is 4/],
    ['an empty line', lines.toSpliced(4, 0, ''), 5, /no JSON object/],
    ['the last are cut off', lines.slice(0, 4), 5, /missing/],
    ['all is gone', [], 1, /missing/],
  ]
  for (const [name, changed, line, problem] of cases) {
    writeFileSync(fileOf(state), changed.map((each) => `${each}\n`).join(''))
    const found = await verifyOperatorLog(state, lastHash)
    t.match(found, { intact: false, firstBadLine: line, problem }, name)
  }
  writeFileSync(
    fileOf(state),
    lines
      .slice(0, 4)
      .map((each) => `${each}\n`)
      .join(''),
  )
  t.match(await verifyOperatorLog(state), { intact: true }, 'without a noted hash a cut is none')
})

t.test('a flipped byte is named over gRPC and at the terminal', async (t) => {
  const state = await written(t, 4)
  const call = await served(t, [[AUDIT_SERVICE, new AuditService({ stateDirectory: state })]])
  const last = entriesOf(state).at(-1)
  t.match(await call(AUDIT_SERVICE.verify, { knownHash: last?.hash ?? '' }), {
    intact: true,
    lastHash: last?.hash,
  })
  const args = ['--state', state]
  const good = await plimsoll(['audit', 'verify', '--known-hash', last?.hash ?? '', ...args])
  t.match([good.status, good.out.toString()], [0, /^intact: 8 entries\nlast hash [0-9a-f]{64}\n$/])
  const ofOther = await plimsoll(['audit', 'verify', '--known-hash', 'ab'.repeat(32), ...args])
  t.match([ofOther.status, ofOther.out.toString()], [3, /^broken: line 9: it is missing/])

  const bytes = readFileSync(fileOf(state))
  const at = bytes.indexOf('"sequence":5') + 60
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(fileOf(state), bytes)
  const verified = await call(AUDIT_SERVICE.verify, {})
  t.notOk(verified.intact)
  t.equal(Number(verified.firstBadLine), 5)
  const broken = await plimsoll(['audit', 'verify', ...args])
  t.equal(broken.status, 3)
  t.equal(broken.out.toString(), `broken: line 5: ${verified.problem}\n`)
  t.comment(broken.out.toString().trim())
  const json = await plimsoll(['audit', 'verify', '--json', ...args])
  t.match(JSON.parse(json.out.toString()), { intact: false, firstBadLine: 5, entries: 4 })
  const listed = await plimsoll(['audit', 'ls', ...args])
  t.match(listed.out.toString(), /^\?\s+damaged/m, 'and what is listed says so')
  t.match(await refusalOf(call(AUDIT_SERVICE.verify, { knownHash: 'x' })), { code: 'BAD_REQUEST' })
})

t.test('pages follow one another in both directions, and take no other tokens', async (t) => {
  const state = await written(t, 6)
  const call = await served(t, [[AUDIT_SERVICE, new AuditService({ stateDirectory: state })]])
  for (const descending of [false, true]) {
    const seen: number[] = []
    let pages = 0
    for (let pageToken = ''; ; pages++) {
      const page = await call(AUDIT_SERVICE.listEntries, { pageSize: 5, pageToken, descending })
      seen.push(...(page.entries ?? []).map(({ sequence }) => Number(sequence)))
      pageToken = page.nextPageToken ?? ''
      if (pageToken === '') break
      // What comes meanwhile changes no page that was begun.
      if (descending) await (await logAt(state).begin(INTENT)).end('done')
    }
    const all = Array.from({ length: 12 }, (_, i) => i + 1)
    t.same(seen, descending ? all.toReversed() : all)
    t.equal(pages, 2)
  }
  for (const pageToken of ['x', 'a1', 'd0x', 'a99999999', 'd1', 'a-1']) {
    const refused = await refusalOf(call(AUDIT_SERVICE.listEntries, { pageToken }))
    t.match(refused, { code: 'BAD_REQUEST', message: /^page_token/ }, pageToken)
  }
  t.same(await operatorLogPage(t.testdir(), { pageSize: 0, pageToken: '', descending: true }), {
    entries: [],
    nextPageToken: '',
  })
})

t.test(
  'what a crash left unfinished is cut off and put on record, wherever it was cut',
  async (t) => {
    const state = await written(t, 1)
    const whole = readFileSync(fileOf(state))
    const half = whole.lastIndexOf('\n', whole.length - 2) + 1
    for (const length of [half + 1, half + 70, whole.length - 1]) {
      writeFileSync(fileOf(state), whole.subarray(0, length))
      t.match(await verifyOperatorLog(state), {
        intact: false,
        firstBadLine: 2,
        problem: /finished/,
      })
      await logAt(state).begin(INTENT)
      const recovered = entriesOf(state)[1]
      t.match(recovered, { sequence: 2, actor: 'plimsoll', action: 'recovered', phase: 'done' })
      t.match(JSON.parse(recovered?.details ?? ''), { bytes: length - half, text: /^\{/ })
      t.match(await verifyOperatorLog(state), { intact: true, entries: 3 })
      t.notOk(existsSync(join(state, 'audit', 'operator.torn')))
    }
    // The crash came after cutting off, before that was on record.
    writeFileSync(join(state, 'audit', 'operator.torn'), '{"seq')
    await logAt(state).begin(INTENT)
    t.match(entriesOf(state).at(-2), { action: 'recovered', details: /"bytes":5,/ })
  },
)

t.test('nothing is chained to a line that was altered, nor to what no crash leaves', async (t) => {
  const state = await written(t, 1)
  const bytes = readFileSync(fileOf(state))
  bytes[bytes.length - 4] = 0x67
  writeFileSync(fileOf(state), bytes)
  await t.rejects(logAt(state).begin(INTENT), { code: 'AUDIT_UNWRITABLE', message: /damaged/ })
  appendFileSync(fileOf(state), Buffer.alloc(2 * 1024 * 1024, 0x61))
  await t.rejects(logAt(state).begin(INTENT), { code: 'AUDIT_UNWRITABLE', message: /no entry/ })
  t.equal(statSync(fileOf(state)).size, bytes.length + 2 * 1024 * 1024, 'nothing was touched')
})

t.test('a log that cannot be written refuses, and goes on once it can', async (t) => {
  const state = t.testdir({ audit: { 'operator.jsonl': t.fixture('symlink', '/etc/hostname') } })
  const log = logAt(state)
  await t.rejects(log.begin(INTENT), { code: 'AUDIT_UNWRITABLE' })
  const other = t.testdir({ audit: 'a file' })
  const away = logAt(other)
  await t.rejects(away.begin(INTENT), { code: 'AUDIT_UNWRITABLE' })
  const third = join(t.testdir(), 'new', 'deep')
  mkdirSync(third, { recursive: true })
  await logAt(third).begin(INTENT)
  t.match(await verifyOperatorLog(third), { intact: true, entries: 1 })
})

t.test(
  'processes append one after the other, also after one was killed with the lock',
  async (t) => {
    const state = t.testdir({ audit: {} })
    const gone = { ...ownIdentity(), pid: 999_999_99, boot: 'another', name: '00'.repeat(8) }
    writeFileSync(join(state, 'audit', 'operator.lock'), JSON.stringify(gone))
    // Whoever broke it first was killed as well.
    writeFileSync(join(state, 'audit', `operator.lock.${gone.name}.1`), JSON.stringify(gone))
    const program = join(import.meta.dirname, '../../support/append-many.js')
    const each = 20
    const started = ['one', 'two', 'three'].map((name) =>
      spawn(process.execPath, [program, state, name, String(each)], {
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    )
    const own = logAt(state)
    const many = Array.from({ length: 50 }, () => own.begin(INTENT))
    await Promise.all(many)
    for (const child of started) {
      if (child.exitCode === null) await once(child, 'exit')
      t.equal(child.exitCode, 0)
    }
    t.match(await verifyOperatorLog(state), { intact: true, entries: 3 * 2 * each + 50 })
    t.same(readdirSync(join(state, 'audit')), ['operator.jsonl'], 'no lock is left')
  },
)

t.test('a lock of a process that lives is waited for', async (t) => {
  const state = await written(t, 1)
  const audit = join(state, 'audit')
  const lives = {
    ...ownIdentity(),
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    name: '11'.repeat(8),
  }
  writeFileSync(join(audit, 'operator.lock'), JSON.stringify(lives))
  let isDone = false
  const begun = logAt(state)
    .begin(INTENT)
    .then(() => (isDone = true))
  // It has looked at the lock by the time that its draft is there.
  while (!readdirSync(audit).some((name) => name.endsWith('.draft')))
    await new Promise(setImmediate)
  t.notOk(isDone)
  writeFileSync(join(audit, 'operator.lock'), JSON.stringify({ ...lives, pid: 99_999_999 }))
  await begun
  t.match(await verifyOperatorLog(state), { intact: true, entries: 3 })
})
