/** The hash of an entry's argv: the same that the kernel made, where it was recorded, and one that tells argvs apart. */
import fc from 'fast-check'
import t from 'tap'
import { type ByteString, byteStringOf } from '../../src/bytes.js'
import { ARGV_HASHED, argvBytes, argvHash, tagOf } from '../../src/sensor/argv-hash.js'

function hashOf(...argv: readonly string[]): bigint {
  return argvHash(argvBytes(argv as readonly ByteString[]))
}

/** What `podman exec` of these gave with bpftrace 0.17: some longer than is hashed, some ending at each place of a word. */
const RECORDED: readonly (readonly [hash: bigint, argv: readonly string[]])[] = [
  [0x963251afc1b5b73cn, ['ls']],
  [0x79a0ee75f12424a7n, ['/bin/ls', '/']],
  [0xbdffdecbeda9e02an, ['sh', '-c', 'true; true']],
  [0x397f853d86bb7804n, ['/bin/echo', 'a', 'b']],
  [0x03bd22ee85fadfd7n, ['/bin/echo', '', '', 'x']],
  [0xce71afbe1d8468b7n, ['sh', '-c', `true ${'\u00c3\u00a9\\x'.repeat(40)}`]],
  [0x83a60c5f8361a1fan, ['sh', '-c', `: ${'z'.repeat(600)}`]],
  [0xd6675fa271f861a5n, ['true', '1']],
  [0x5586f8be27f5fcb2n, ['true', '12']],
  [0xcb3daa3463d9dfban, ['true', '123']],
  [0xd8f3874b48c53decn, ['true', '1234']],
  [0x53f855aac726d89bn, ['true', '12345']],
  [0xd72d546c8c72f14dn, ['true', '123456']],
  [0x75106db3afe0e50cn, ['true', '1234567']],
  [0x60d9c7985d2639b1n, ['true', '12345678']],
]

t.test('the hash is the one that the probe prints', async (t) => {
  for (const [hash, argv] of RECORDED) t.equal(hashOf(...argv), hash, argv.join(' ').slice(0, 60))
})

t.test('a tag is never 0, which stands for no entry', async (t) => {
  t.equal(tagOf(0n), 1)
  t.equal(tagOf(2n ** 56n - 1n), 1)
  t.equal(tagOf(2n ** 64n - 1n), 255)
  t.equal(tagOf(0x79a0ee75f12424a7n), 0x79)
})

t.test('argvs of up to 512 bytes have hashes of their own', async (t) => {
  const word = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => byteStringOf(bytes.map((byte) => byte || 1)))
  const argv = fc.array(word, { maxLength: 5 })
  fc.assert(
    fc.property(argv, argv, (a, b) => {
      const [one, two] = [argvBytes(a), argvBytes(b)]
      const isSeen = one.length <= ARGV_HASHED || one.length !== two.length
      t.equal(!isSeen || (argvHash(one) === argvHash(two)) === (one === two), true)
    }),
    { numRuns: 2000 },
  )
})

t.test('a changed byte changes the hash, up to the bound', async (t) => {
  const text = 'x'.repeat(ARGV_HASHED + 20)
  const whole = hashOf(text)
  const changed = (at: number): bigint => hashOf(`${text.slice(0, at)}y${text.slice(at + 1)}`)
  const same = Array.from(text, (_, at) => changed(at) === whole)
  t.equal(same.indexOf(true), ARGV_HASHED)
  t.notOk(same.slice(0, ARGV_HASHED).includes(true))
})

t.test('tags of like command lines spread over all there are', async (t) => {
  const tags = new Map<number, number>()
  for (let i = 0; i < 25_500; i++) {
    const tag = tagOf(hashOf('sh', '-c', `echo ${i}`))
    tags.set(tag, (tags.get(tag) ?? 0) + 1)
  }
  t.equal(tags.size, 255)
  // 100 each but for tag 1, which has the share of 0 too; six standard deviations around that.
  t.ok([...tags].every(([tag, n]) => n > 40 && n < (tag === 1 ? 290 : 160)))
})
