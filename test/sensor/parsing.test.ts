import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ipv4Of, ipv6Of, portOf, printedAddress } from '../../src/sensor/address.js'
import { environmentOf, isAtLeast, OLDEST, versionOf } from '../../src/sensor/dialect.js'
import { Fields } from '../../src/sensor/fields.js'
import { unescapeInto } from '../../src/sensor/json-string.js'
import { LineSplitter } from '../../src/sensor/lines.js'
import { mapNameOf, readMapPrint } from '../../src/sensor/map-print.js'
import { usefulLine } from '../../src/sensor/stderr.js'
import { printf } from '../support/sensor-stream.js'

/** What a splitter with that limit makes of chunks: its lines, and `too long` for those it dropped. */
function linesOf(chunks: readonly (string | Uint8Array)[], limit?: number): readonly string[] {
  const lines: string[] = []
  const splitter = new LineSplitter(
    (line) => void lines.push(Buffer.from(line).toString('latin1')),
    () => void lines.push('too long'),
    limit,
  )
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string))
  if (splitter.pending > 0) lines.push(`${splitter.pending} pending`)
  return lines
}

t.test(
  'lines are cut at newlines, and those above the limit dropped, wherever the chunks end',
  async (t) => {
    const cases: readonly [name: string, text: string, lines: readonly string[]][] = [
      ['nothing', '', []],
      ['empty lines', '\n\n', ['', '']],
      ['two lines', 'ab\ncd\n', ['ab', 'cd']],
      ['a line without end', 'ab\ncd', ['ab', '2 pending']],
      ['a line of exactly the limit', '12345678\n', ['12345678']],
      ['a line above the limit', 'ab\n123456789\ncd\n', ['ab', 'too long', 'cd']],
      ['a line far above the limit', `${'x'.repeat(100)}\ncd\n`, ['too long', 'cd']],
      ['two of them', `${'x'.repeat(9)}\n${'y'.repeat(30)}\n`, ['too long', 'too long']],
      ['one without end', 'ab\n1234567890', ['ab', 'too long']],
    ]
    for (const [name, text, lines] of cases) {
      for (let size = 1; size <= Math.max(text.length, 1); size++) {
        const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
          text.slice(i * size, (i + 1) * size),
        )
        t.strictSame(linesOf(chunks, 8), lines, `${name}, in chunks of ${size}`)
      }
    }
  },
)

t.test('a held line does not change when the chunk it came in is used again', async (t) => {
  const lines: string[] = []
  const keep = (line: Uint8Array): void => void lines.push(Buffer.from(line).toString())
  const splitter = new LineSplitter(keep, () => t.fail('no line is too long'))
  const chunk = Buffer.from('ab')
  splitter.push(chunk)
  chunk.fill('x')
  splitter.push(Buffer.from('c\n'))
  t.strictSame(lines, ['abc'])
})

t.test('every byte survives both ways in which bpftrace writes strings', async (t) => {
  const from = '{"type": "printf", "data": "'.length
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('sign-extended', 'raw'), (bytes, dialect) => {
        const line = printf([bytes], dialect)
        const into = new Uint8Array(line.length)
        const read = unescapeInto(line, from, into)
        // The record's own newline is the last byte; behind the string are its quote, a brace and the line's newline.
        deepStrictEqual(read, { length: bytes.length + 1, end: line.length - 2 })
        deepStrictEqual(into.slice(0, bytes.length), Uint8Array.from(bytes))
      }),
    ),
  )
})

t.test('escapes are undone, and what is none is refused', async (t) => {
  const cases: readonly [text: string, bytes: string | undefined][] = [
    ['"', ''],
    ['plain" and more', 'plain'],
    ['\\"\\\\\\/"', '"\\/'],
    ['\\b\\f\\n\\r\\t"', '\b\f\n\r\t'],
    ['\\u0000\\u001f\\u007F"', '\u0000\u001f\u007f'],
    ['\\uffffff80\\uFFFFFFFF"', '\u0080\u00ff'],
    ['\\uffffff8041"', '\u008041'],
    ['\\\\uffffff80"', '\\uffffff80'],
    ['\\u00ff"', '\u00ff'],
    ['\\u0100"', undefined],
    ['\\uffff"', undefined],
    ['\\uffffff"', undefined],
    ['\\u00"', undefined],
    ['\\u00g0"', undefined],
    ['\\u00:0"', undefined],
    ['\\', undefined],
    ['no end', undefined],
    ['', undefined],
  ]
  for (const [text, bytes] of cases) {
    const into = Buffer.alloc(text.length)
    const read = unescapeInto(Buffer.from(text, 'latin1'), 0, into)
    t.equal(read && into.toString('latin1', 0, read.length), bytes, JSON.stringify(text))
  }
})

t.test('numbers of a record are read in full or not at all', async (t) => {
  type Reader = 'decimal' | 'decimal64' | 'signed' | 'hex' | 'hex64'
  const cases: readonly [reader: Reader, text: string, value: number | bigint | undefined][] = [
    ['decimal', '0', 0],
    ['decimal', '007', 7],
    ['decimal', '9007199254740991', 2 ** 53 - 1],
    ['decimal', '9007199254740992', undefined],
    ['decimal', '18446744073709551615', undefined],
    ['decimal', '9'.repeat(400), undefined],
    ['decimal', '', undefined],
    ['decimal', '-1', undefined],
    ['decimal', '1a', undefined],
    ['decimal', '1.5', undefined],
    ['decimal64', '0', 0],
    ['decimal64', '9007199254740991', 2 ** 53 - 1],
    ['decimal64', '9007199254740993', 9007199254740992],
    ['decimal64', '11111111111111111111', Number('11111111111111111111')],
    ['decimal64', '18446744073709551615', 2 ** 64],
    ['decimal64', '18446744073709555712', undefined],
    ['decimal64', '9'.repeat(400), undefined],
    ['decimal64', '', undefined],
    ['decimal64', '-1', undefined],
    ['decimal64', '1e5', undefined],
    ['signed', '-1', -1],
    ['signed', '-2147483648', -2147483648],
    ['signed', '110', 110],
    ['signed', '-0', 0],
    ['signed', '-', undefined],
    ['signed', '--1', undefined],
    ['signed', '+1', undefined],
    ['hex', '794c7630', 0x794c7630],
    ['hex', '7g', undefined],
    ['hex', 'A', undefined],
    ['hex', '20000000000000', undefined],
    ['hex64', 'ffffffffffffffff', 2n ** 64n - 1n],
    ['hex64', '0', 0n],
    ['hex64', '10000000000000000', undefined],
    ['hex64', '0x1', undefined],
    ['hex64', '', undefined],
  ]
  for (const [reader, text, value] of cases) {
    const bytes = Buffer.from(`Z ${text}\n`)
    const fields = new Fields()
    fields.reset(bytes, bytes.length)
    const read = fields[reader]()
    if (value === undefined) t.notOk(fields.isComplete, `${reader} refuses ${text}`)
    else t.strictSame([read, fields.isComplete], [value, true], `${reader} reads ${text}`)
  }
  const beyond = Buffer.from(`Z ${2n ** 60n}\n`)
  const fields = new Fields()
  fields.reset(beyond, beyond.length)
  t.equal(fields.decimal(), 0, 'a failed read returns nothing of what it saw')
})

t.test('IPv6 addresses are written as the platform writes them', async (t) => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      fc.pre(!(groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff))
      const bytes = Buffer.alloc(16)
      groups.forEach((g, i) => void bytes.writeUInt16BE(g, i * 2))
      const { hostname } = new URL(`http://[${groups.map((g) => g.toString(16)).join(':')}]/`)
      deepStrictEqual(`[${ipv6Of(bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8))}]`, hostname)
    }),
    { numRuns: 500 },
  )
  t.equal(ipv6Of(0n, 0x0100007fffff0000n), '127.0.0.1', 'IPv4-mapped')
  t.equal(ipv4Of(0xffffffff_0100007fn), '127.0.0.1', 'only the low word counts')
  t.equal(ipv4Of(0xffffffffn), '255.255.255.255')
})

t.test('ports come from network byte order', async (t) => {
  for (const [printed, port] of [
    [0, 0],
    [256, 1],
    [1, 256],
    [13568, 53],
    [65535, 65535],
  ] as const) {
    t.equal(portOf(printed), port)
  }
})

t.test('a printed address is an IP address or nothing', async (t) => {
  const cases: readonly [text: string, address: string | undefined][] = [
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['fe80::1', 'fe80::1'],
    ['::ffff:0:1', '::ffff:0:1'],
    ['::ffff:10.0.0.256', undefined],
    ['10.0.0.1\n', undefined],
    ['localhost', undefined],
    ['', undefined],
  ]
  for (const [text, address] of cases) t.equal(printedAddress(text), address, text)
})

t.test('a map print is read entry by entry up to its first fault', async (t) => {
  const cases: readonly [inner: string, entries: readonly string[], count: number | undefined][] = [
    ['{}', [], 0],
    ['{"1": 5}', ['1=5'], 1],
    ['{"1": 5, "a,b": 6}', ['1=5', 'a,b=6'], 2],
    ['{"1":5,"2":6}', ['1=5', '2=6'], 2],
    ['{"1": "5"}', ['1=5'], 1],
    ['{"1": 5, 2: 6}', ['1=5'], undefined],
    ['{"1": 5 "2": 6}', ['1=5'], undefined],
    ['{"1": 5, "2": x}', ['1=5'], undefined],
    ['{"1": 9007199254740992}', [], undefined],
    ['{"1": 5', ['1=5'], undefined],
    ['{"1', [], undefined],
    ['{"1"', [], undefined],
    ['[1, 2]', [], undefined],
    ['7', [], undefined],
    ['', [], undefined],
  ]
  for (const [inner, entries, count] of cases) {
    const line = Buffer.from(`{"type": "map", "data": {"@m": ${inner}`)
    const read: string[] = []
    const result = readMapPrint(line, (start, end, value) => {
      read.push(`${line.toString('latin1', start, end)}=${value}`)
    })
    t.strictSame([read, result], [entries, count], inner)
  }
  t.equal(mapNameOf(Buffer.from('{"type": "map", "data": {"@calls_a": {}}}')), 'calls_a')
  t.equal(mapNameOf(Buffer.from('{"type": "map", "data": {"@calls_a')), undefined)
  t.equal(mapNameOf(Buffer.from(`{"type": "map", "data": {"@${'x'.repeat(65)}": {}}}`)), undefined)
  t.equal(mapNameOf(Buffer.from('{"type": "hist", "data": {"@m": {}}}')), undefined)
})

t.test('versions are found in what bpftrace says of itself, and compared', async (t) => {
  const cases: readonly [said: string, version: readonly [number, number] | undefined][] = [
    ['bpftrace v0.17.0', [0, 17]],
    ['bpftrace v0.20.2', [0, 20]],
    ['bpftrace v0.23.0-6-gabcdef', [0, 23]],
    ['bpftrace 1.0', [1, 0]],
    ['bpftrace', undefined],
    ['version unknown', undefined],
    ['', undefined],
  ]
  for (const [said, version] of cases) {
    const expected = version && { major: version[0], minor: version[1] }
    t.strictSame(versionOf(said), expected, said)
  }
  t.ok(isAtLeast({ major: 0, minor: 17 }, OLDEST))
  t.ok(isAtLeast({ major: 1, minor: 0 }, OLDEST))
  t.notOk(isAtLeast({ major: 0, minor: 9 }, OLDEST))
})

t.test('each version gets the names of its own environment variables', async (t) => {
  const old = { BPFTRACE_MAP_KEYS_MAX: '65536', BPFTRACE_STRLEN: '200' }
  const renamed = { BPFTRACE_MAX_MAP_KEYS: '65536', BPFTRACE_MAX_STRLEN: '200' }
  const both = { BPFTRACE_PERF_RB_PAGES: '512', BPFTRACE_STR_TRUNC_TRAILER: '' }
  t.strictSame(environmentOf({ major: 0, minor: 17 }), { ...old, ...both })
  t.strictSame(environmentOf({ major: 0, minor: 19 }), { ...old, ...both })
  t.strictSame(environmentOf({ major: 0, minor: 20 }), { ...renamed, ...both })
  t.strictSame(environmentOf({ major: 1, minor: 0 }), { ...renamed, ...both })
})

t.test('of what bpftrace complains, the line that says why is found', async (t) => {
  const limit = "ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace."
  const cases: readonly [name: string, stderr: string, line: string][] = [
    ['nothing', '', ''],
    ['only noise', `\n${limit}\n  ~~~~\nWARNING: Addrspace mismatch\n`, ''],
    ['one error', 'ERROR: no tracepoints found\n', 'ERROR: no tracepoints found'],
    [
      'an error among noise',
      `${limit}\nstdin:1:2-3: ERROR: Unknown field\nx = y\n    ~\n`,
      'stdin:1:2-3: ERROR: Unknown field',
    ],
    ['the first of two errors', 'ERROR: a\nERROR: b\n', 'ERROR: a'],
    ['no error, but words', 'first\nlast words\n\n', 'last words'],
    ['a line without end', 'ERROR: cut of', 'ERROR: cut of'],
    ['a line that is too long', `ERROR: ${'x'.repeat(400)}`, `ERROR: ${'x'.repeat(293)}`],
  ]
  for (const [name, stderr, line] of cases) t.equal(usefulLine(stderr), line, name)
})
