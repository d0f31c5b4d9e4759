import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { byteStringOf } from '../../src/bytes.js'
import { naivelyDecoded } from '../support/naive-decoder.js'
import {
  anyBytes,
  hostileString,
  sensorLine,
  STRING_RECORDS,
} from '../support/sensor-arbitraries.js'
import {
  callKey,
  countsOf,
  decoded,
  mapPrint,
  observationsOf,
  printf,
} from '../support/sensor-stream.js'

/** `bytes` cut at those places. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length))
}

const MAIN = callKey(4, 2, 0, 0)
/** The record of an entry whose hash has tag 7. */
const entryOf = (key: string): string => `A ${key} 7 1 3 700000000000001 0 0 0 0 0 0 0 0`
/** Readiness at the kernel's time 0. */
const READY = printf('R 0')

t.test('whatever the bytes and wherever they are cut, the result is the same', async (t) => {
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat(), { maxLength: 20 }), (bytes, places) => {
      const whole = decoded([bytes])
      deepStrictEqual(decoded(cut(bytes, places)), whole)
      for (const [, count] of countsOf(whole)) deepStrictEqual(count > 0, true)
    }),
    { numRuns: 1000 },
  )
  const bytes = Buffer.concat(fc.sample(sensorLine, { numRuns: 20, seed: 7 }))
  const single = [...bytes].map((byte) => Uint8Array.of(byte))
  t.strictSame(decoded(single), decoded([bytes]), 'byte by byte')
})

t.test('well-formed streams are read as the naive twin reads them', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(sensorLine, { maxLength: 40 }), (lines) => {
        const { told, malformed } = decoded(lines)
        deepStrictEqual({ told, malformed }, { told: naivelyDecoded(lines), malformed: 0 })
      }),
      { numRuns: 1000 },
    ),
  )
})

t.test('a string reaches its own field whole, and no other field or record', async (t) => {
  const exec = printf(`E ${MAIN} 7 6 0 1000000 42 1 794c7630 1 comm`)
  for (const [letter, before] of STRING_RECORDS) {
    // An exec is told when its last part comes; its first part has all the numbers.
    const frame = letter === 'P' || letter === 'F' ? [READY, exec] : [READY]
    const told = (text: Uint8Array, dialect: 'sign-extended' | 'raw') =>
      decoded([...frame, printf([`${before} `, text], dialect)])
    const plain = told(Buffer.from('x'), 'raw')
    t.equal(observationsOf(plain).length, 1, `${letter}: one observation`)
    fc.assert(
      fc.property(hostileString, fc.constantFrom('sign-extended', 'raw'), (text, dialect) => {
        const result = told(text, dialect)
        const isCut = text.length >= 199
        const shown = JSON.stringify(letter === 'G' && isCut ? '' : byteStringOf(text))
        const expected = JSON.stringify(plain)
          .replace(':"x"', () => `:${shown}`)
          .replace('"truncated":false', `"truncated":${isCut && 'PF'.includes(letter)}`)
        deepStrictEqual(JSON.parse(JSON.stringify(result)), JSON.parse(expected))
      }),
      { numRuns: 300 },
    )
  }
})

t.test('what cannot be read is counted once and changes nothing', async (t) => {
  const cases: readonly [name: string, line: string | Uint8Array][] = [
    ['no record', printf([])],
    ['a printf without text', '{"type": "printf", "data": ""}\n'],
    ['an unknown letter', printf('Q 1 2')],
    ['a missing field', printf('S 1 2')],
    ['a field too many', printf('g 5 1 1')],
    ['two spaces', printf('g  5 1')],
    ['a letter and more', printf('gg 5 1')],
    ['a negative number', printf('g -5 1')],
    ['a hexadecimal number where a decimal one belongs', printf('g 5a 1')],
    ['a record without its newline', '{"type": "printf", "data": "g 5 1"}\n'],
    ['a string without its end', '{"type": "printf", "data": "g 5 1\\n\n'],
    ['an escape above a byte', '{"type": "printf", "data": "G 5 1 \\u0100\\n"}\n'],
    ['an escape without digits', '{"type": "printf", "data": "G 5 1 \\uzzzz\\n"}\n'],
    ['an ABI without a name', printf(`S ${callKey(5, 2, 5, 1)} 7 6 0 1 a`)],
    ['a key above 2^64', printf(`S ${2n ** 64n} 7 6 0 1 a`)],
    ['an argument record without value', printf(`V ${callKey(5, 2, 0, 41)} 7 6 0 1 a`)],
    ['an argument record of 33 bits', printf(`V ${MAIN} ${2 ** 32} 7 6 0 1 a`)],
    ['an argument record of an ABI without a name', printf(`V ${callKey(5, 2, 7, 1)} 1 7 6 0 1 a`)],
    ['a capability above 63', printf(`K ${MAIN} 64 7 6 0 1 a`)],
    ['a capability without program', printf(`K ${MAIN} 10 7 6 0 1`)],
    ['a capability with a key above 2^64', printf(`K ${2n ** 64n} 10 7 6 0 1 a`)],
    ['an opcode above 255', printf(`U ${MAIN} 256 7 6 0 1 a`)],
    ['a rotation of capabilities to a third map', printf('k 2 1')],
    ['a rotation of io_uring without time', printf('u 0')],
    ['a capability key without number', mapPrint('caps_a', [[MAIN, 5]])],
    ['a capability key above 63', mapPrint('caps_b', [[`${MAIN},64`, 5]])],
    ['an opcode key with more', mapPrint('uring_a', [[`${MAIN},1,1`, 5]])],
    ['an opcode key above 2^64', mapPrint('uring_b', [[`${2n ** 64n},1`, 5]])],
    ['a TCP address that is none', printf(`N ${MAIN} 131152 7 6 0 1 10.0.0.256`)],
    ['a UDP address of another family', printf(`D ${MAIN} 1 16 1 0 0 7 6 0 1`)],
    ['an address word above 64 bits', printf(`D ${MAIN} 1 10 1 0 10000000000000000 7 6 0 1`)],
    ['a readiness record without time', printf('R')],
    ['a readiness record with more', printf('R 5 5')],
    ['a heartbeat from beyond 2^64', printf(`H ${2n ** 64n + 4096n}`)],
    ['a heartbeat with more', printf(`H ${2 ** 50} x`)],
    ['a rotation to a third map', printf(`W 2 ${2 ** 50}`)],
    ['a call map key above 2^64', mapPrint('calls_a', [[`${2n ** 64n}`, 5]])],
    ['a call map key far above it', mapPrint('calls_a', [['9'.repeat(400), 5]])],
    ['a call map key that is no number', mapPrint('calls_a', [['1,2', 5]])],
    ['a call map key of an ABI without a name', mapPrint('calls_a', [[callKey(5, 2, 7, 1), 5]])],
    ['a call map value above 2^53', `{"type": "map", "data": {"@calls_a": {"1": ${2n ** 53n}}}}\n`],
    ['a negative map value', '{"type": "map", "data": {"@calls_a": {"1": -1}}}\n'],
    ['an endpoint key above 2^64', mapPrint('endpoints_a', [[`${2n ** 64n},131152,::1`, 5]])],
    ['an argument key above 2^64', mapPrint('args_a', [[`${2n ** 64n},33`, 5]])],
    ['an argument key without value', mapPrint('args_a', [[MAIN, 5]])],
    ['an argument key with nothing behind its comma', mapPrint('args_a', [[`${MAIN},`, 5]])],
    ['an argument key with more', mapPrint('args_a', [[`${MAIN},33,1`, 5]])],
    ['an argument above 2^32', mapPrint('args_a', [[`${MAIN},${2 ** 32}`, 5]])],
    ['an argument of an ABI without a name', mapPrint('args_a', [[`${callKey(5, 2, 7, 1)},1`, 5]])],
    ['an entry whose tag is not that of its hash', printf(entryOf(callKey(5, 3, 0, 0, 8)))],
    ['an entry of another lineage', printf(entryOf(callKey(5, 2, 0, 0, 7)))],
    ['an entry with a word too few', printf(entryOf(callKey(5, 3, 0, 0, 7)).slice(0, -2))],
    ['an entry with a word too many', printf(`${entryOf(callKey(5, 3, 0, 0, 7))} 0`)],
    ['a capped key without letter', mapPrint('capped', [['4', 5]])],
    ['a capped key of a letter that is none', mapPrint('capped', [['4,77', 5]])],
    ['a capped key with more', mapPrint('capped', [['4,78,1', 5]])],
    ['a capped key of no cgroup', mapPrint('capped', [['x,78', 5]])],
    ['an endpoint key without address', mapPrint('endpoints_a', [[`${MAIN},131152`, 5]])],
    ['an endpoint key with more', mapPrint('endpoints_a', [[`${MAIN},131152,::1,1`, 5]])],
    ['a map without keys', '{"type": "map", "data": {"@calls_a": 5}}\n'],
    ['a line that is no JSON', 'Attaching 5 probes...\n'],
    ['a line that is JSON of no object', 'null\n'],
    ['a line of bpftrace that is too long', `{"type": "x", "data": "${'x'.repeat(5000)}"}\n`],
    ['a line that never ended', '{"type": "pri'],
  ]
  const later = Buffer.concat([
    printf('H 2000000'),
    mapPrint('calls_b', [[callKey(4, 2, 0, 1), 3]]),
  ])
  const expected = decoded([READY, later])
  for (const [name, line] of cases) {
    const end = name.includes('never ended') ? Buffer.alloc(0) : later
    const result = decoded([READY, Buffer.from(line as string), end])
    const told = end === later ? expected.told : expected.told.slice(0, 1)
    t.strictSame([result.malformed, result.told], [1, told], name)
  }
})

t.test('a rotation record that is malformed does not start a count over', async (t) => {
  const print = mapPrint('calls_a', [[callKey(4, 2, 0, 1), 5]])
  for (const record of ['C 2 1', 'C 0', 'C x 1', 'C 0 1 1']) {
    const result = decoded([print, printf(record), print, print])
    t.strictSame(countsOf(result), [[1, 5]], record)
  }
})

t.test('lines of bpftrace itself are read or passed over', async (t) => {
  const result = decoded(
    [
      '{"type": "attached_probes", "data": {"probes": 19}}\n',
      '{"type": "lost_events", "data": {"events": 7}}\n',
      '{"type": "lost_events", "data": {"events": 4}}\n',
      '{"type": "time", "data": "12:00"}\n',
      '\n',
      '{"type": "map", "data": {"@lineage": {"7": 2}}}\n',
    ].map((line) => Buffer.from(line)),
  )
  t.strictSame([result.told, result.malformed], [[], 0])
  t.strictSame(result.running, [], 'classes are known one print later')
  t.strictSame(result.final, [{ what: 'unknown class', count: 11, isHint: false }])
})
