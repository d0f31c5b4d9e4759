import fc from 'fast-check'
import t from 'tap'
import { byteStringOf, byteStringOfText, bytesOf, displayOf } from '../src/bytes.js'

/** Reads what `displayOf` wrote. That it can be read back is what makes distinct inputs distinct. */
function bytesShown(shown: string): Buffer {
  const parts = shown.matchAll(/\\\\|\\x([0-9a-f]{2})|[^\\]/gu)
  return Buffer.concat(
    [...parts].map(([text, hex]) => {
      if (hex !== undefined) return Buffer.from(hex, 'hex')
      return Buffer.from(text === '\\\\' ? '\\' : text)
    }),
  )
}

const DANGEROUS = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u

/** Bytes in which well-formed UTF-8, its fragments and characters that disguise text are all likely. */
const hostileBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom('\\', '\\x41', '\u001b[2J', '\r\n', '\u0085', '\u202e', '\u2066', '\ufffd')
        .map((text) => Buffer.from(text)),
      fc
        .constantFrom(
          'c3',
          'e282',
          'f09f98',
          'c080',
          'eda080',
          'f4908080',
          'fffe',
          'efbfbd',
          'efbf',
        )
        .map((hex) => Buffer.from(hex, 'hex')),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))

t.test('bytes survive the way into a byte string and back', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = byteStringOf(bytes)
      return text.length === bytes.length && Buffer.compare(bytesOf(text), bytes) === 0
    }),
  )
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  t.strictSame(Buffer.from(bytesOf(byteStringOf(every))), Buffer.from(every))
})

t.test('a byte string sorts as its bytes do and is no view of them', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const [x, y] = [byteStringOf(a), byteStringOf(b)]
      return Buffer.compare(a, b) === (x < y ? -1 : x > y ? 1 : 0)
    }),
  )
  const larger = Buffer.from('xabcx')
  const text = byteStringOf(larger.subarray(1, 4))
  larger.fill(0)
  t.equal(text, 'abc')
})

t.test('text becomes the bytes of its UTF-8', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) =>
      Buffer.from(text).equals(bytesOf(byteStringOfText(text))),
    ),
  )
  t.equal(byteStringOfText('\u00e9'), '\u00c3\u00a9')
})

t.test('what is shown can be read back to the very same bytes', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(hostileBytes, (bytes) =>
        bytesShown(displayOf(byteStringOf(bytes))).equals(bytes),
      ),
      { numRuns: 2000 },
    ),
  )
})

t.test('nothing that is shown can move a cursor, break a line or reorder text', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(hostileBytes, (bytes) => !DANGEROUS.test(displayOf(byteStringOf(bytes)))),
      { numRuns: 2000 },
    ),
  )
})

t.test(
  'every character that Unicode calls a control or a bidirectional one is escaped',
  async (t) => {
    const raw: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      const char = String.fromCodePoint(code)
      if (!/[\p{Cc}\p{Bidi_Control}]/u.test(char)) continue
      if (displayOf(byteStringOfText(char)).includes(char)) raw.push(code.toString(16))
    }
    t.strictSame(raw, [])
  },
)

t.test('what is shown looks like this', async (t) => {
  const cases: readonly [name: string, bytes: string | Buffer, shown: string][] = [
    ['nothing', '', ''],
    ['plain text', '/usr/bin/ls -l', '/usr/bin/ls -l'],
    ['quotes and braces', '"{}\'', '"{}\''],
    ['a backslash', 'a\\b', 'a\\\\b'],
    ['text that looks escaped', '\\x41', '\\\\x41'],
    ['a newline', 'a\nb', 'a\\x0ab'],
    ['a terminal sequence', '\u001b[31m', '\\x1b[31m'],
    ['delete', '\u007f', '\\x7f'],
    ['a zero byte', '\0', '\\x00'],
    ['two, three and four bytes of UTF-8', '\u00e9\u20ac\u{1f600}', '\u00e9\u20ac\u{1f600}'],
    ['a C1 control in UTF-8', '\u0085', '\\xc2\\x85'],
    ['right-to-left override', 'gpj.\u202eexe', 'gpj.\\xe2\\x80\\xaeexe'],
    ['zero-width space', 'l\u200bs', 'l\\xe2\\x80\\x8bs'],
    ['soft hyphen', 'l\u00ads', 'l\\xc2\\xads'],
    ['byte order mark', '\ufeff', '\\xef\\xbb\\xbf'],
    ['a genuine replacement character', '\ufffd', '\ufffd'],
    ['a lone continuation byte', Buffer.from('80', 'hex'), '\\x80'],
    ['a sequence cut short', Buffer.from('61e282', 'hex'), 'a\\xe2\\x82'],
    ['a sequence cut short before text', Buffer.from('e28261', 'hex'), '\\xe2\\x82a'],
    ['an overlong slash', Buffer.from('c0af', 'hex'), '\\xc0\\xaf'],
    ['a surrogate', Buffer.from('eda080', 'hex'), '\\xed\\xa0\\x80'],
    ['above the last code point', Buffer.from('f4908080', 'hex'), '\\xf4\\x90\\x80\\x80'],
  ]
  for (const [name, bytes, shown] of cases) {
    t.equal(displayOf(byteStringOf(Buffer.from(bytes as string))), shown, name)
  }
})
