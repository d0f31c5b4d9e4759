/** Writing a profile: whole, with its provenance, and not where runtimes would not notice the change. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  DEFAULT_PROFILE,
  profileOf,
  provenancePath,
  writeProfile,
} from '../../src/engine/profile.js'
import { replay } from '../../src/engine/replay.js'

const TRACE = fileURLToPath(new URL('../fixtures/traces/demo.trace', import.meta.url))

t.test('a profile is written with its provenance, and again over itself', async (t) => {
  const [baseline] = await replay(TRACE)
  if (baseline === undefined) throw new Error('the trace has no baseline')
  const built = profileOf(baseline, DEFAULT_PROFILE)
  const path = join(t.testdir({}), 'demo.json')
  await writeProfile(path, built, baseline)
  await writeProfile(path, built, baseline)
  const provenance = JSON.parse(readFileSync(provenancePath(path), 'utf8')) as {
    verified: boolean
    syscalls: Record<string, { origins: readonly string[] }>
  }
  t.equal(provenance.verified, false)
  t.same(Object.keys(provenance.syscalls), [...built.origins.keys()])
  t.same(provenance.syscalls['execve']?.origins, ['observed', 'runtime', 'floor'])
})

t.test('a change of errnos alone is refused, and the file is left as it is', async (t) => {
  const [baseline] = await replay(TRACE)
  if (baseline === undefined) throw new Error('the trace has no baseline')
  const built = profileOf(baseline, DEFAULT_PROFILE)
  const path = join(t.testdir({}), 'demo.json')
  await writeProfile(path, built, baseline)
  const other = readFileSync(path, 'utf8').replace('"errnoRet": 1', '"errnoRet": 13')
  writeFileSync(path, other)
  await t.rejects(writeProfile(path, built, baseline), { code: 'PROFILE_ERRNO_ONLY' })
  t.equal(readFileSync(path, 'utf8'), other)
})
