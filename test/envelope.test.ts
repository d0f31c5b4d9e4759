import t from 'tap'
import { open, seal } from '../src/envelope.js'

const MAGIC = 'PLIMTEST'
const PAYLOAD = Buffer.from('what was learned')
const FILE = seal(MAGIC, 2, PAYLOAD)

function problemOf(bytes: Uint8Array, magic = MAGIC, version = 2): string {
  const opened = open(magic, version, bytes)
  return 'problem' in opened ? opened.problem : 'none'
}

t.test('what was sealed comes back, the empty payload too', async (t) => {
  t.strictSame(open(MAGIC, 2, FILE), { payload: PAYLOAD })
  t.strictSame(open(MAGIC, 2, seal(MAGIC, 2, new Uint8Array())), { payload: Buffer.alloc(0) })
})

t.test('a view into a larger buffer is opened as what it shows', async (t) => {
  const larger = Buffer.concat([Buffer.from('xyz'), FILE, Buffer.from('xyz')])
  t.strictSame(open(MAGIC, 2, larger.subarray(3, 3 + FILE.length)), { payload: PAYLOAD })
})

t.test('each way of being unusable has its own words', async (t) => {
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /empty/],
    ['only the beginning of the magic', FILE.subarray(0, 5), /too short: 5 bytes/],
    ['only a header', FILE.subarray(0, 12), /too short/],
    ['one byte less than an empty payload', FILE.subarray(0, 43), /too short/],
    ['the end missing', FILE.subarray(0, FILE.length - 1), /truncated or altered/],
    ['something appended', Buffer.concat([FILE, Buffer.from('\n')]), /truncated or altered/],
    ['other text', Buffer.from('{"syscalls": []}'), /another kind of file/],
    ['another file of plimsoll', seal('PLIMOTHR', 2, PAYLOAD), /another kind of file/],
    ['a newer version', seal(MAGIC, 3, PAYLOAD), /version 3.*newer plimsoll/],
    ['an older version', seal(MAGIC, 1, PAYLOAD), /version 1, this plimsoll reads 2$/],
  ]
  for (const [name, bytes, expected] of cases) t.match(problemOf(bytes), expected, name)
})

t.test('no byte can change unnoticed', async (t) => {
  for (let at = 0; at < FILE.length; at++) {
    const altered = Buffer.from(FILE)
    altered.writeUInt8(altered.readUInt8(at) ^ 0x10, at)
    t.not(problemOf(altered), 'none', `byte ${at}`)
  }
})

t.test('a magic of the wrong length is a mistake of the caller', async (t) => {
  t.throws(() => seal('SHORT', 1, PAYLOAD), RangeError)
  t.throws(() => open('TOOLONGMAGIC', 1, FILE), RangeError)
})
