/** The timeline of a container, and the bounded map that others use. */
import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { byteStringOfText } from '../../src/bytes.js'
import type { Subject, TimelineEntry } from '../../src/detect/anomaly.js'
import { FairCache } from '../../src/detect/fair-cache.js'
import { Timeline } from '../../src/detect/timeline.js'

function entryOf(subject: Subject, atMs = 1000): TimelineEntry {
  return { atMs, pid: 7, lineage: 'main', subject }
}

function call(nr: number): TimelineEntry {
  return entryOf({ kind: 'syscall', abi: 'x86_64', nr }, nr)
}

const [path, exe] = [byteStringOfText('/bin/sh'), byteStringOfText('dash')]
const SUBJECTS: readonly Subject[] = [
  { kind: 'syscall', abi: 'x86_64', nr: 1 },
  { kind: 'syscall', abi: 'i386', nr: 1 },
  { kind: 'abi', abi: 'x86_64', nr: 1 },
  { kind: 'argument', abi: 'x86_64', nr: 1, value: 1 },
  { kind: 'denied', abi: 'x86_64', nr: 1, answer: 1 },
  { kind: 'exec', path, exe, upper: false, fileless: false },
  { kind: 'exec', path, exe, upper: true, fileless: false },
  { kind: 'connect', protocol: 'tcp', address: path, port: 1, source: 'kernel' },
  { kind: 'listen', protocol: 'tcp', address: path, port: 1, source: 'kernel' },
  { kind: 'capability', capability: 1 },
  { kind: 'io_uring', opcode: 1 },
  { kind: 'sensor', what: 'gap', detail: '' },
  { kind: 'resource', resource: 'cpu', value: 1, learned: 1 },
]

t.test('a fact is kept when it is first seen, whatever it is', async (t) => {
  const timeline = new Timeline(2)
  for (const subject of SUBJECTS) t.ok(timeline.note(0, entryOf(subject)), subject.kind)
  for (const subject of SUBJECTS) t.notOk(timeline.note(0, entryOf(subject, 2000)), subject.kind)
  t.strictSame(
    timeline.last(0, 64),
    SUBJECTS.map((subject) => entryOf(subject)),
  )
  const injected = { ...call(1), lineage: 'exec' } as const
  t.ok(timeline.note(0, injected), 'of another lineage')
  t.ok(timeline.note(1, call(1)), 'of another container')
})

t.test('the last facts come oldest first, at most 64', async (t) => {
  const timeline = new Timeline(1)
  t.strictSame(timeline.last(0, 5), [])
  for (let nr = 0; nr < 3; nr++) timeline.note(0, call(nr))
  t.strictSame(timeline.last(0, 5), [call(0), call(1), call(2)])
  for (let nr = 3; nr < 200; nr++) timeline.note(0, call(nr))
  t.strictSame(timeline.last(0, 2), [call(198), call(199)])
  t.strictSame(
    timeline.last(0, 1000),
    Array.from({ length: 64 }, (_, i) => call(136 + i)),
  )
  t.strictSame(timeline.last(0, 0), [])
})

t.test(
  "a slot that becomes another container's begins anew, and none is out of bounds",
  async (t) => {
    const timeline = new Timeline(1)
    timeline.note(0, call(1))
    timeline.clear(0)
    t.strictSame(timeline.last(0, 5), [])
    t.ok(timeline.note(0, call(1)))
    for (const slot of [-1, 1]) {
      t.notOk(timeline.note(slot, call(1)))
      t.strictSame(timeline.last(slot, 5), [])
      timeline.clear(slot)
    }
  },
)

t.test('a bounded map keeps what was used last, and to each owner its own', async (t) => {
  const step = fc.record({
    key: fc.nat({ max: 40 }),
    owner: fc.nat({ max: 5 }),
    act: fc.constantFrom('set', 'set', 'get', 'delete'),
  })
  fc.assert(
    fc.property(fc.array(step, { size: 'large', maxLength: 200 }), (steps) => {
      const gone: number[] = []
      const cache = new FairCache<number, number>(16, (value) => gone.push(value))
      const live = new Map<number, number>()
      for (const [value, { key, owner, act }] of steps.entries()) {
        if (act === 'set') {
          cache.set(key, owner, value)
          live.set(key, value)
        } else if (act === 'delete') {
          cache.delete(key)
          live.delete(key)
        } else equal(cache.get(key), live.get(key))
        for (const pushed of gone.splice(0)) {
          for (const [other, kept] of live) if (kept === pushed) live.delete(other)
        }
        equal(cache.size, live.size)
        ok(cache.size <= 16)
      }
      for (const [key, value] of live) equal(cache.peek(key), value)
    }),
    { numRuns: 2000 },
  )
  t.pass('2000 lives')
})

t.test('whoever has most pays when all together have too many', async (t) => {
  const cache = new FairCache<string, number>(80)
  for (let owner = 0; owner < 9; owner++) {
    for (let i = 0; i < 10; i++) cache.set(`${owner} ${i}`, owner, i)
    cache.set('first', 99, 1)
    t.equal(cache.get('first'), 1)
  }
  t.ok(cache.size <= 80)
  t.equal(cache.get('8 9'), 9, 'the latest is there')
  for (let i = 0; i < 1000; i++) cache.set(`8 ${i}`, 8, i)
  t.ok(cache.size <= 80)
  t.equal(cache.peek('0 9'), 9, 'others keep theirs')
  cache.forget(8)
  t.equal(cache.peek('8 999'), undefined)
})
