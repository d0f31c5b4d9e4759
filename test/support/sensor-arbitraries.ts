/** Random streams of the sensor: well-formed lines of every kind, with strings that try to be more than strings. */
import fc from 'fast-check'
import { callKey, mapPrint, printf } from './sensor-stream.js'

/** Bytes that a container may put into a name: anything but zero, and likely what means something to the reader. */
export const hostileString: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ min: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '"}\n',
          '{"type": "printf", "data": "',
          '\nE 4294967296 7 1 99 1 1 0 0\n',
          '\nR 1\n',
          '\\uffffff41',
          '\\u0041',
          '\\n',
          '\\',
          '"',
          ' 1 2 3 ',
          '{"type": "map", "data": {"@sent": {"83": 900}}}',
          '\ufffd\u202e',
        )
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts).subarray(0, 199))

/** The kernel's clock exceeds 2^53 after 104 days. */
const nsecs = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 50 }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
)
const pid = fc.integer({ min: 1, max: 6 })
const uid = fc.constantFrom(0, 1000, 4_294_967_294)
/** Caller and moment: `<pid> <ppid> <uid> <nsecs>`. */
const caller = [pid, pid, uid, nsecs] as const
const cgroupId = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 40 - 1 }))
const lineage = fc.integer({ min: 0, max: 4 })
const tag = fc.integer({ min: 0, max: 255 })
const owner = fc.tuple(cgroupId, lineage, tag).map(([id, how, of]) => callKey(id, how, 0, 0, of))
const call = fc
  .tuple(cgroupId, lineage, fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 1023 }), tag)
  .map((parts) => callKey(...parts))
const port = fc.integer({ min: 0, max: 65535 })
const word = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0n, 1n, 0xffff0000n, 0x0100007fffff0000n),
  )
  .map((value) => value.toString(16))
const op = fc.constantFrom(1, 2)
const epoch = fc.constantFrom(0, 1)
const text = hostileString
const what = fc.tuple(fc.constantFrom(2, 10), port).map(([state, number]) => state * 65536 + number)
const printedAddress = fc.oneof(
  fc.ipV4().map((address) => `::ffff:${address}`),
  fc.constantFrom('::', '::1', 'fe80::1', '2001:db8::2:1', '10.0.0.1'),
)

/** `[letter, fields..., string]` as one record. */
function record(
  letter: string,
  ...parts: readonly fc.Arbitrary<string | number | Buffer>[]
): fc.Arbitrary<Buffer> {
  return fc.tuple(...parts, fc.constantFrom('sign-extended', 'raw')).map((values) => {
    const dialect = values.at(-1) as 'sign-extended' | 'raw'
    const fields = values
      .slice(0, -1)
      .flatMap((v) => [' ', typeof v === 'number' ? String(v) : (v as Buffer)])
    return printf([letter, ...fields], dialect)
  })
}

function countedMap(name: string, key: fc.Arbitrary<number | string>): fc.Arbitrary<Buffer> {
  return (
    fc
      .uniqueArray(fc.tuple(key, fc.integer({ min: 1, max: 9 })), {
        selector: ([k]) => k,
        minLength: 1,
        maxLength: 4,
      })
      // In this order JSON.parse keeps them, which puts small whole numbers first.
      .map((entries) =>
        mapPrint(
          name,
          entries.toSorted(([a], [b]) => Number(a) - Number(b) || 0),
        ),
      )
  )
}

const fewCalls = fc.constantFrom(
  ...[1, 2, 3].map((nr) => callKey(4, 2, 0, nr)),
  callKey(2 ** 33, 3, 1, 7),
  callKey(2 ** 40 - 1, 3, 0, 2, 255),
)
const fewArguments = fc.constantFrom(
  `${callKey(4, 2, 0, 41)},33`,
  `${callKey(4, 2, 0, 41)},4294967280`,
  `${callKey(2 ** 40 - 1, 3, 1, 359, 7)},259`,
)
const fewEndpoints = fc.constantFrom(
  `${callKey(4, 2, 0, 0)},131152,::ffff:127.0.0.1`,
  `${callKey(4, 3, 0, 0)},655440,::`,
  `${callKey(2 ** 34, 3, 0, 0, 9)},131072,2001:db8::1`,
)

const fewUses = fc.constantFrom(
  `${callKey(4, 2, 0, 0)},0`,
  `${callKey(4, 2, 0, 0)},10`,
  `${callKey(2 ** 40 - 1, 3, 0, 0, 255)},40`,
)
const fewCapped = fc.constantFrom('4,78', '4,88', `${2 ** 40 - 1},68`)

/** Records that carry a container's string, as functions of it: what comes before it, by letter. */
export const STRING_RECORDS: readonly (readonly [letter: string, before: string])[] = [
  ['S', `S ${callKey(5, 3, 1, 11)} 7 6 0 1000000`],
  ['E', `E ${callKey(5, 3, 0, 0)} 7 6 0 1000000 42 1 794c7630 1`],
  ['V', `V ${callKey(5, 3, 1, 359)} 33 7 6 0 1000000`],
  ['K', `K ${callKey(5, 3, 0, 0)} 10 7 6 0 1000000`],
  ['U', `U ${callKey(5, 3, 0, 0)} 16 7 6 0 1000000`],
  ['P', 'P 7'],
  ['F', 'F 7'],
  ['X', `X ${callKey(5, 3, 0, 0)} 1 500 47 7 6 0 1000000`],
  ['G', 'G 5 1000000'],
]

/** An entry, whose tag fits its hash. */
const entry = fc
  .tuple(cgroupId, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .chain(([id, hash]) =>
    record(
      'A',
      fc.constant(callKey(id, 3, 0, 0, Number(hash >> 56n) || 1)),
      pid,
      nsecs,
      fc.nat({ max: 90 }),
      fc.constant(hash.toString(16)),
      ...Array.from({ length: 8 }, () => word),
    ),
  )

/** One well-formed line of the sensor, newline included. */
export const sensorLine: fc.Arbitrary<Buffer> = fc.oneof(
  record('R', nsecs),
  record('H', nsecs),
  record('W', epoch, nsecs),
  record('C', epoch, nsecs),
  record('c', epoch, nsecs),
  record('k', epoch, nsecs),
  record('u', epoch, nsecs),
  record('S', call, ...caller, text),
  record('V', call, fc.nat({ max: 2 ** 32 - 1 }), ...caller, text),
  record(
    'E',
    owner,
    ...caller,
    nsecs,
    pid,
    fc.constantFrom('794c7630', 'ef53', '0'),
    fc.constantFrom(0, 1),
    text,
  ),
  record('K', owner, fc.nat({ max: 63 }), ...caller, text),
  record('U', owner, fc.nat({ max: 255 }), ...caller, text),
  entry,
  record('P', pid, text),
  record('F', pid, text),
  record('N', owner, what, ...caller, printedAddress),
  record('D', owner, op, fc.constantFrom(2, 10), port, word, word, ...caller),
  record(
    'X',
    owner,
    op,
    fc.integer({ min: 0, max: 128 }),
    fc.constantFrom(0, 47, 97),
    ...caller,
    text,
  ),
  record('G', cgroupId, nsecs, text),
  record('g', cgroupId, nsecs),
  countedMap('calls_a', fewCalls),
  countedMap('calls_b', fewCalls),
  countedMap('args_a', fewArguments),
  countedMap('args_b', fewArguments),
  countedMap('endpoints_a', fewEndpoints),
  countedMap('endpoints_b', fewEndpoints),
  countedMap('capped', fewCapped),
  countedMap('caps_a', fewUses),
  countedMap('caps_b', fewUses),
  countedMap('uring_a', fewUses),
  countedMap('uring_b', fewUses),
)

/** A line that is nearly one of the sensor's: with bytes changed, taken away or put in. */
const brokenLine = fc
  .tuple(sensorLine, fc.nat(), fc.nat({ max: 12 }), fc.uint8Array({ maxLength: 6 }))
  .map(([line, place, removed, added]) => {
    const at = place % line.length
    return Buffer.concat([line.subarray(0, at), added, line.subarray(at + removed)])
  })

/** Streams with anything in them: good lines, broken ones, noise. */
export const anyBytes: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      sensorLine,
      brokenLine,
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '\n',
          '{"type": "printf", "data": ""}\n',
          '{"type": "printf", "data": "\\u"}\n',
          '{"type": "map", "data": {"@calls_a"\n',
          '{"type": "map", "data": {"@calls_a": 7}}\n',
          '{"type": "lost_events", "data": {"events": {"toString": 1}}}\n',
          'null\n',
        )
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))
