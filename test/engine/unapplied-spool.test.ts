/** Notes of containers without their profile: bounded, whatever is in the file, none lost between reader and writer. */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  noteUnapplied,
  readUnapplied,
  SPOOL_BYTES,
  type UnappliedNote,
  UnappliedTail,
} from '../../src/engine/unapplied-spool.js'

function note(containerId: string, more: Partial<UnappliedNote> = {}): UnappliedNote {
  return {
    atMs: 1_000,
    outcome: 'started',
    containerId,
    imageDigest: `sha256:${'1'.repeat(64)}`,
    imageName: 'localhost/web:1',
    reason: 'why',
    ...more,
  }
}

const idsOf = ({ notes }: { readonly notes: readonly UnappliedNote[] }): readonly string[] =>
  notes.map(({ containerId }) => containerId)

t.test('a note is one line of a file that only its owner reads', async (t) => {
  const path = join(t.testdir(), 'run', 'unapplied.jsonl')
  t.same(readUnapplied(path), { notes: [], garbage: 0, isFull: false })
  t.equal(noteUnapplied(path, note('a')), undefined)
  t.equal(noteUnapplied(path, note('b', { outcome: 'refused', reason: 'two\nlines' })), undefined)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(readFileSync(path, 'utf8').split('\n').length, 3)
  t.same(readUnapplied(path).notes, [
    note('a'),
    note('b', { outcome: 'refused', reason: 'two\nlines' }),
  ])
})

t.test('a tail gives each note once, also one that was half written', async (t) => {
  const path = join(t.testdir(), 'unapplied.jsonl')
  const tail = new UnappliedTail(path)
  t.same(idsOf(tail.poll()), [])
  noteUnapplied(path, note('a'))
  t.same(idsOf(tail.poll()), ['a'])
  t.same(idsOf(tail.poll()), [])
  const line = JSON.stringify(note('b'))
  appendFileSync(path, line.slice(0, 20))
  t.same(tail.poll(), { notes: [], garbage: 0, isFull: false })
  appendFileSync(path, `${line.slice(20)}\n`)
  t.same(idsOf(tail.poll()), ['b'])
  writeFileSync(path, `${JSON.stringify(note('c'))}\n`)
  t.same(idsOf(tail.poll()), ['c'], 'a shorter file is another one')
})

t.test('what is no note is counted, and texts are cut', async (t) => {
  const path = join(t.testdir(), 'unapplied.jsonl')
  const strange = [
    'nonsense',
    '{}',
    '[1]',
    '{"atMs":1,"outcome":"gone"}',
    '{"outcome":"started"}',
    '\u0000',
  ]
  writeFileSync(path, strange.map((line) => `${line}\n`).join(''))
  noteUnapplied(path, note('a', { reason: 'x'.repeat(10_000) }))
  appendFileSync(path, '{"atMs":5,"outcome":"started","reason":7}\n')
  const { notes, garbage } = readUnapplied(path)
  t.equal(garbage, strange.length)
  t.same(
    notes.map(({ reason }) => reason.length),
    [512, 0],
  )
})

t.test('a full file takes no more, and a reader that rotates makes room', async (t) => {
  const path = join(t.testdir(), 'unapplied.jsonl')
  const long = note('a', { reason: 'x'.repeat(500) })
  let written = 0
  while (noteUnapplied(path, long) === undefined) written++
  t.match(noteUnapplied(path, long), /is full/)
  t.ok(statSync(path).size < SPOOL_BYTES + 4096)
  t.ok(readUnapplied(path).isFull)
  t.ok(existsSync(path), 'who only looks leaves it where it is')

  const tail = new UnappliedTail(path)
  const first = tail.poll()
  t.equal(first.notes.length, written)
  t.ok(first.isFull)
  appendFileSync(`${path}.read`, `${JSON.stringify(note('late'))}\n`)
  t.equal(noteUnapplied(path, note('next')), undefined, 'there is room again')
  t.same(idsOf(tail.poll()), ['late', 'next'], 'a writer that had the old file open is heard')
  t.notOk(existsSync(`${path}.read`))
})

t.test('a note that cannot be left says why', async (t) => {
  const dir = t.testdir({ file: '' })
  t.match(noteUnapplied(join(dir, 'file', 'unapplied.jsonl'), note('a')), /EEXIST|ENOTDIR/)
  const link = join(dir, 'link.jsonl')
  symlinkSync(join(dir, 'file'), link)
  t.match(noteUnapplied(link, note('a')), /ELOOP/)
  t.equal(readFileSync(join(dir, 'file'), 'utf8'), '')
})
