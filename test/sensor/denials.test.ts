/** What the decoder makes of probes/denials.bt: refused calls by their maps, who made them by their records. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { byteStringOf } from '../../src/bytes.js'
import { answerLabel, FILTERED, SIGSYS, UNPAIRED } from '../../src/kernel/denial-answer.js'
import type { DenialHint } from '../../src/observation.js'
import type { Loss } from '../../src/sensor/accounting.js'
import { Decoder } from '../../src/sensor/decoder.js'
import { hostileString } from '../support/sensor-arbitraries.js'
import { ARRIVED_MS, callKey, mapPrint, printf } from '../support/sensor-stream.js'

type Told = readonly (string | number)[]

interface Denials {
  readonly told: readonly Told[]
  readonly hints: readonly DenialHint[]
  readonly full: readonly string[]
  readonly malformed: number
  readonly refusals: readonly Loss[]
  readonly losses: readonly Loss[]
}

/** What is told of those lines; times are left out of what the maps tell. */
function denialsIn(lines: readonly Uint8Array[]): Denials {
  const told: Told[] = []
  const hints: DenialHint[] = []
  const full: string[] = []
  const decoder = new Decoder(
    {
      syscall: () => undefined,
      argument: () => undefined,
      observe: () => undefined,
      denied: (cgroupId, lineage, abi, nr, answer, count, _atMs, tag) =>
        void told.push([
          'denied',
          cgroupId,
          lineage,
          abi,
          nr,
          answer,
          count,
          ...(tag ? [tag] : []),
        ]),
      filtered: (...call) => void told.push(['filtered', ...call.slice(0, -1)]),
      unpaired: (...call) => void told.push(['unpaired', ...call.slice(0, -1)]),
      denialHint: (hint) => void hints.push(hint),
    },
    {
      ready: () => undefined,
      printed: () => undefined,
      mapFull: (what) => void full.push(what),
    },
  )
  for (const line of lines) decoder.push(line, ARRIVED_MS)
  decoder.end()
  const { accounting, malformed } = decoder
  const [refusals, losses] = [accounting.refusals(), accounting.losses(true)]
  return { told, hints, full, malformed, refusals, losses }
}

const MKDIR = callKey(4, 2, 0, 83)
const READY = printf('R 0')

t.test('a refused call is told with its answer, once, however often it is printed', async (t) => {
  const a = (count: number): Buffer => mapPrint('denials_a', [[`${MKDIR},1`, count]])
  const b = (count: number): Buffer => mapPrint('denials_b', [[`${MKDIR},1`, count]])
  const denied = (count: number): Told => ['denied', 4, 'main', 'x86_64', 83, 1, count]
  const cases: readonly [string, readonly Buffer[], readonly number[]][] = [
    ['a count that grows', [a(3), a(5), a(5)], [3, 2]],
    ['the other map', [a(3), b(2), a(3), b(4)], [3, 2, 2]],
    ['a map that is cleared', [a(3), printf('b 0 1'), a(4), b(1), a(2)], [3, 1, 1, 2]],
    ['one that is cleared and printed no more', [a(3), printf('b 0 1'), a(3), a(3)], [3, 3]],
    ['the other records of clearing', [a(3), printf('C 0 1'), printf('c 0 1'), a(3)], [3]],
  ]
  for (const [name, lines, counts] of cases) {
    const { told, malformed } = denialsIn([READY, ...lines])
    t.strictSame(told, counts.map(denied), name)
    t.equal(malformed, 0)
  }
})

t.test('lineage, ABI, number and answer are those of the key', async (t) => {
  const { told } = denialsIn([
    READY,
    mapPrint('denials_a', [
      [`${callKey(7, 1, 0, 59)},38`, 1],
      [`${callKey(7, 3, 1, 39)},1`, 2],
      [`${callKey(7, 3, 0, 39, 9)},1`, 8],
      [`${callKey(7, 2, 2, 110)},13`, 3],
      [`${callKey(7, 2, 0, 0)},0`, 4],
      [`${callKey(7, 2, 0, 1)},${SIGSYS}`, 5],
      [`${callKey(7, 2, 0, 2)},${UNPAIRED}`, 6],
      [`${callKey(7, 1, 0, 0)},${FILTERED}`, 7],
    ]),
  ])
  t.strictSame(told, [
    ['denied', 7, 'runtime', 'x86_64', 59, 38, 1],
    ['denied', 7, 'exec', 'i386', 39, 1, 2],
    ['denied', 7, 'exec', 'x86_64', 39, 1, 8, 9],
    ['denied', 7, 'main', 'x32', 110, 13, 3],
    ['denied', 7, 'main', 'x86_64', 0, 0, 4],
    ['denied', 7, 'main', 'x86_64', 1, SIGSYS, 5],
    ['unpaired', 7, 'main', 6],
    ['filtered', 7, 'runtime', 7],
  ])
})

t.test('an early record says who it was, whatever the name holds', async (t) => {
  const { hints, malformed } = denialsIn([READY, printf(`B ${MKDIR} 38 77 70 1000 5000000 mkdir`)])
  t.equal(malformed, 0)
  t.match(hints, [
    { cgroupId: 4, lineage: 'main', abi: 'x86_64', nr: 83, answer: 38, program: 'mkdir' },
  ])
  t.match(hints, [{ pid: 77, ppid: 70, uid: 1000, atNs: 5_000_000 }])
  t.equal(hints[0]?.atMs, ARRIVED_MS + 5)
  fc.assert(
    fc.property(hostileString, (text) => {
      const read = denialsIn([READY, printf([`B ${MKDIR} 38 77 70 0 1 `, text])])
      deepStrictEqual(read.malformed, 0)
      deepStrictEqual(read.hints[0]?.program, byteStringOf(text))
      deepStrictEqual(read.hints.length, 1)
    }),
    { numRuns: 300 },
  )
})

t.test('what cannot be read is counted once and tells nothing', async (t) => {
  const cases: readonly [string, Uint8Array][] = [
    ['a record without program', printf(`B ${MKDIR} 38 77 70 0 1`)],
    ['a record of no denial', printf(`B ${MKDIR} ${UNPAIRED} 77 70 0 1 x`)],
    ['a record of an ABI without a name', printf(`B ${callKey(4, 2, 5, 1)} 38 77 70 0 1 x`)],
    ['a record with a key above 2^64', printf(`B ${2n ** 64n} 38 77 70 0 1 x`)],
    ['a clearing of a third map', printf('b 2 1')],
    ['a clearing without time', printf('b 0')],
    ['a map key without answer', mapPrint('denials_a', [[MKDIR, 5]])],
    ['a map key with more', mapPrint('denials_a', [[`${MKDIR},1,1`, 5]])],
    ['an answer that is none', mapPrint('denials_a', [[`${MKDIR},${FILTERED + 1}`, 5]])],
    ['a map key above 2^64', mapPrint('denials_b', [[`${2n ** 64n},1`, 5]])],
    [
      'a map key of an ABI without a name',
      mapPrint('denials_b', [[`${callKey(4, 2, 7, 1)},1`, 5]]),
    ],
    ['a map without keys', Buffer.from('{"type": "map", "data": {"@denials_a": 5}}\n')],
  ]
  for (const [name, line] of cases) {
    const { told, hints, malformed } = denialsIn([READY, line])
    t.strictSame({ told, hints, malformed }, { told: [], hints: [], malformed: 1 }, name)
  }
})

t.test('a map that is full is told, a lost early record is not a loss', async (t) => {
  const many = Array.from({ length: 65536 }, (_, i) => [`${callKey(i + 1, 2, 0, 1)},1`, 1] as const)
  t.strictSame(denialsIn([READY, mapPrint('denials_a', many)]).full, ['denial'])
  const codes = { B: 66, b: 98 }
  const { refusals } = denialsIn([
    mapPrint('refused', [
      [codes.B, 2],
      [codes.b, 3],
    ]),
  ])
  t.strictSame(refusals, [
    { what: 'denial hint', count: 2, isHint: true },
    { what: 'denial', count: 3, isHint: false },
  ])
  const { losses } = denialsIn([mapPrint('sent', [[codes.B, 2]])])
  t.strictSame(losses, [{ what: 'denial hint', count: 2, isHint: true }])
})

t.test('an answer has a name', async (t) => {
  t.strictSame([1, 38, 13, 11, 95, 0, SIGSYS, 600].map(answerLabel), [
    'EPERM',
    'ENOSYS',
    'EACCES',
    'EAGAIN',
    'ENOTSUP',
    'success',
    'SIGSYS',
    'errno 600',
  ])
})
