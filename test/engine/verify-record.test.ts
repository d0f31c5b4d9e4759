/** What is kept of a verification, and the small readers around it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { byteStringOf } from '../../src/bytes.js'
import { namesInProfile, readProfile, sha256Of } from '../../src/engine/profile-file.js'
import { saidLines } from '../../src/engine/said-lines.js'
import { recordVerification } from '../../src/engine/verify-record.js'
import { verification } from '../support/verifications.js'

t.test('the outcome goes into the provenance, bound to the bytes that were verified', async (t) => {
  const dir = t.testdir({ 'web.provenance.json': '{"notes": ["a"], "verified": false}' })
  const path = join(dir, 'web.json')
  t.equal(await recordVerification(verification({ path, sha256: 'ab', command: ['sh'] })), true)
  t.strictSame(JSON.parse(readFileSync(join(dir, 'web.provenance.json'), 'utf8')), {
    notes: ['a'],
    verified: {
      result: 'holds',
      sha256: 'ab',
      at: '2026-11-21T00:00:00.000Z',
      engine: 'podman 4.3.1',
      runtime: 'runc 1.1.5',
      kernel: '6.1',
      command: ['sh'],
      times: 1,
    },
  })
})

t.test('a provenance that is none is left alone', async (t) => {
  for (const content of [undefined, '', '[1]', '{"cut']) {
    const path = join(t.testdir(), 'web.json')
    const beside = join(t.testdirName, 'web.provenance.json')
    if (content !== undefined) writeFileSync(beside, content)
    t.equal(await recordVerification(verification({ path })), false)
    if (content !== undefined) t.equal(readFileSync(beside, 'utf8'), content)
  }
})

t.test('a profile is read with its bytes, and its names whatever its shape', async (t) => {
  const text = '{"syscalls": [{"names": ["b", "a"]}, {"names": ["a", 5]}, {}, 7, {"names": "c"}]}\n'
  const path = join(t.testdir({ 'p.json': text }), 'p.json')
  const { bytes, document } = await readProfile(path)
  t.strictSame(namesInProfile(document), ['a', 'b'])
  t.equal(sha256Of(bytes), sha256Of(Buffer.from(text)))
  for (const other of [undefined, null, 5, [], {}, { syscalls: {} }]) {
    t.strictSame(namesInProfile(other), [])
  }
  writeFileSync(path, 'web:\n')
  await t.rejects(readProfile(path), { code: 'FILE_UNREADABLE' })
})

t.test('what a program said is shown in a few safe lines', async (t) => {
  const said = byteStringOf(Buffer.from('1\n2\r\n\n3\n4\n5\n\u001b[2J\u00e9\n' + 'x'.repeat(500)))
  const lines = saidLines(said)
  t.strictSame(lines.slice(0, 4), ['1', '4', '5', '\\x1b[2J\u00e9'])
  t.equal(lines[4]?.length, 300)
  t.strictSame(saidLines(byteStringOf(Buffer.alloc(0))), [])
})
