/** Names of items: one for each, readable back, and in the order of the lists. */
import { deepStrictEqual as deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compareEndpoints, PROTOCOLS, SOURCES } from '../../src/baseline/endpoint-item.js'
import { compareCapabilities } from '../../src/baseline/capability-item.js'
import { compareUringOps } from '../../src/baseline/uring-item.js'
import { compareExecs } from '../../src/baseline/exec-item.js'
import {
  compareItemKeys,
  ITEM_KINDS,
  type ItemKey,
  itemKeyOf,
  itemOfKey,
  type NamedItem,
} from '../../src/baseline/item-key.js'
import { compareArguments } from '../../src/baseline/argument-item.js'
import { compareSyscalls } from '../../src/baseline/syscall-item.js'
import { byteStringOf, byteStringOfText } from '../../src/bytes.js'
import { ABIS } from '../../src/observation.js'

/** Much of it zeros and ones, which is what the escape is made of. */
const text = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 2, 0xff), fc.nat({ max: 255 })), { maxLength: 6 })
  .map((bytes) => byteStringOf(Uint8Array.from(bytes)))
const abi = fc.constantFrom(...ABIS)
const nr = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 1023 }))

const item: fc.Arbitrary<NamedItem> = fc.oneof(
  fc.record({ kind: fc.constant('syscall' as const), abi, nr }),
  fc.record({
    kind: fc.constant('argument' as const),
    abi,
    nr,
    value: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 2 ** 32 - 1 })),
  }),
  fc.record({ kind: fc.constant('exec' as const), path: text, exe: text }),
  fc.record({
    kind: fc.constantFrom('connect', 'listen'),
    protocol: fc.constantFrom(...PROTOCOLS),
    address: text,
    port: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 65_535 })),
    source: fc.constantFrom(...SOURCES),
  }),
  fc.record({ kind: fc.constant('capability' as const), capability: fc.nat({ max: 63 }) }),
  fc.record({ kind: fc.constant('io_uring' as const), opcode: fc.nat({ max: 255 }) }),
)

/** The order in which the lists have them. */
function order(a: NamedItem, b: NamedItem): number {
  const kinds = ITEM_KINDS.indexOf(a.kind) - ITEM_KINDS.indexOf(b.kind)
  if (a.kind === 'syscall' && b.kind === 'syscall') return compareSyscalls(a, b)
  if (a.kind === 'argument' && b.kind === 'argument') return compareArguments(a, b)
  if (a.kind === 'exec' && b.kind === 'exec') return compareExecs(a, b)
  if (a.kind === 'capability' && b.kind === 'capability') return compareCapabilities(a, b)
  if (a.kind === 'io_uring' && b.kind === 'io_uring') return compareUringOps(a, b)
  if (kinds !== 0 || !('address' in a) || !('address' in b)) return kinds
  return compareEndpoints(a, b)
}

t.test('a key is read back as what it names', async (t) => {
  fc.assert(
    fc.property(item, (one) => deepEqual({ ...itemOfKey(itemKeyOf(one)) }, { ...one })),
    { numRuns: 3000 },
  )
  t.pass('3000 items')
})

t.test('keys sort as the lists do, so different items have different keys', async (t) => {
  fc.assert(
    fc.property(item, item, (a, b) => {
      equal(Math.sign(compareItemKeys(itemKeyOf(a), itemKeyOf(b))), Math.sign(order(a, b)))
    }),
    { numRuns: 5000 },
  )
  t.pass('5000 pairs')
})

t.test('what is read back has that key and no other', async (t) => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7), fc.nat({ max: 255 }))
  const bytes = fc.array(byte, { maxLength: 12 }).map((all) => String.fromCharCode(...all))
  // A key with a byte changed, left out or put in is most like one that is read.
  const edited = fc
    .tuple(item, fc.nat({ max: 30 }), fc.nat({ max: 1 }), bytes)
    .map(([one, at, cut, added]) => {
      const key = itemKeyOf(one)
      return key.slice(0, at) + added.slice(0, 1) + key.slice(at + cut)
    })
  fc.assert(
    fc.property(fc.oneof(bytes, edited), (key) => {
      const named = itemOfKey(key)
      if (named !== undefined) equal(itemKeyOf(named), key)
    }),
    { numRuns: 10_000 },
  )
  t.pass('10000 keys')
})

t.test('what is no key names nothing', async (t) => {
  const exec = itemKeyOf({ kind: 'exec', path: byteStringOfText('/a'), exe: byteStringOfText('b') })
  const cases: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['no kind', '\u0000'],
    ['an unknown kind', '\u0008\u0001\u0000\u0001'],
    ['a capability that cannot be', '\u0006\u0040'],
    ['a capability without a number', '\u0006'],
    ['an operation without a number', '\u0007'],
    ['two opcodes', '\u0007\u0001\u0001'],
    ['a cut number', '\u0001\u0001\u0000'],
    ['an unknown ABI', '\u0001\u0006\u0000\u0001'],
    ['a number out of range', '\u0001\u0001\u0004\u0000'],
    ['something behind the end', '\u0001\u0001\u0000\u0001\u0000'],
    ['a cut text', exec.slice(0, -1)],
    ['no second text', '\u0003/a\u0000\u0000'],
    ['a wrong escape', '\u0003/a\u0000\u0002\u0000\u0000b\u0000\u0000'],
    ['units that are no bytes', `${exec}\u0100`],
    ['an unknown protocol', '\u0004\u0004a\u0000\u0000\u0000\u0050\u0001'],
    ['an unknown source', '\u0004\u0001a\u0000\u0000\u0000\u0050\u0003'],
  ]
  for (const [name, key] of cases) t.equal(itemOfKey(key), undefined, name)
  const known: readonly (readonly [ItemKey, NamedItem])[] = [
    ['\u0001\u0001\u0000\u003b' as ItemKey, { kind: 'syscall', abi: 'x86_64', nr: 59 }],
    [
      '\u0002\u0001\u0000\u0029\u0000\u0000\u0000\u0021' as ItemKey,
      { kind: 'argument', abi: 'x86_64', nr: 41, value: 33 },
    ],
    ['\u0006\u000d' as ItemKey, { kind: 'capability', capability: 13 }],
    ['\u0007\u00ff' as ItemKey, { kind: 'io_uring', opcode: 255 }],
  ]
  for (const [key, named] of known) t.strictSame(itemOfKey(key), named)
})
