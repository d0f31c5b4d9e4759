/** The hash of an entry's argv: the same that the kernel made, where it was recorded, and one that tells argvs apart. */
import fc from 'fast-check'
import t from 'tap'
import { type ByteString, byteStringOf } from '../../src/bytes.js'
import { ARGV_HASHED, argvBytes, argvHash, tagOf } from '../../src/sensor/argv-hash.js'

function hashOf(...argv: readonly string[]): bigint {
  return argvHash(argvBytes(argv as readonly ByteString[]))
}

/** What `podman run` of these gave with bpftrace 0.17: some longer than is hashed, some ending at each place of a word. */
const RECORDED: readonly (readonly [hash: bigint, argv: readonly string[]])[] = [
  [0x86d8cb9d2d722fb9n, ['ls']],
  [0x7e5e62e5f7f9ea72n, ['/bin/ls', '/']],
  [0x36fa8fca5cd7394fn, ['sh', '-c', 'true; true']],
  [0x4506e0b3f938b355n, ['/bin/echo', 'a', 'b']],
  [0xcca327a148987447n, ['/bin/echo', '', '', 'x']],
  [0xc7ae322953c39b10n, ['sh', '-c', `true ${'\u00c3\u00a9\\x'.repeat(40)}`]],
  [0xc9b005848af787adn, ['sh', '-c', `: ${'z'.repeat(600)}`]],
  [0xd4b5d99440c1b05cn, ['true', '1']],
  [0xca51ce2529b088c0n, ['true', '12']],
  [0xddd67e580ce31dd9n, ['true', '123']],
  [0x57f1caca512beafdn, ['true', '1234']],
  [0x4c699c25891ca587n, ['true', '12345']],
  [0x0080e1984aef9a3en, ['true', '123456']],
  [0xbd6dedd74a8324e9n, ['true', '1234567']],
  [0x453a4be829a26af5n, ['true', '12345678']],
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

t.test('length and hash together tell argvs of up to 512 bytes apart', async (t) => {
  const twoOfOneLength = fc.integer({ min: 1, max: ARGV_HASHED }).chain((length) => {
    const argv = fc.uint8Array({ minLength: length, maxLength: length }).map(byteStringOf)
    return fc.tuple(argv, argv)
  })
  fc.assert(
    fc.property(twoOfOneLength, ([a, b]) => {
      t.equal(argvHash(a) === argvHash(b), a === b)
    }),
    { numRuns: 2000 },
  )
})

t.test('argvs of two lengths may have one hash', async (t) => {
  t.equal(hashOf(''), hashOf('\u0001'))
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
