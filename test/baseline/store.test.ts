import { createHash } from 'node:crypto'
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Baseline } from '../../src/baseline/baseline.js'
import { encodeBaseline } from '../../src/baseline/codec.js'
import {
  type ImageIdentity,
  imageKeyOf,
  type ImageKind,
} from '../../src/baseline/image-identity.js'
import { BaselineStore, REVISIONS_KEPT } from '../../src/baseline/store.js'
import { HOST_FS, type StoreFs } from '../../src/baseline/store-files.js'
import { runFacts } from '../support/baseline-steps.js'

function imageOf(name: string, kind: ImageKind = 'container', content = name): ImageIdentity {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
  return { kind, digest, name, entrypoint: [] }
}

function pathOf(dir: string, image: ImageIdentity, revision: number): string {
  return join(dir, 'baselines', imageKeyOf(image), `${revision}.plb`)
}

/** A baseline with one call per number, saved. */
async function saved(store: BaselineStore, image: ImageIdentity): Promise<Baseline> {
  const baseline = Baseline.empty(image)
  learn(baseline, 'first', 1)
  await store.save(baseline)
  return baseline
}

function learn(baseline: Baseline, runId: string, nr: number): void {
  const run = baseline.startRun(runFacts(runId))
  baseline.learnSyscall(run, 'main', 'x86_64', nr, 1, 1)
}

function refusing(operation: keyof StoreFs, code: string): StoreFs {
  const refuse = async (): Promise<never> => {
    throw Object.assign(new Error(`${code}: refused by the test`), { code })
  }
  return { ...HOST_FS, [operation]: refuse }
}

const WEB = imageOf('localhost/web:1.0')

t.test('what was saved is loaded, with its revision', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  t.strictSame(await store.list(), [], 'an empty store lists nothing')
  t.equal(await store.loadImage(WEB), undefined)
  const baseline = await saved(store, WEB)
  t.equal(baseline.revision, 1)
  const copy = await store.loadImage(WEB)
  t.strictSame(copy?.snapshot(), baseline.snapshot())
})

t.test('what is newest is known without reading a baseline', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  t.strictSame(await store.newest(), new Map())
  const web = await saved(store, WEB)
  learn(web, 'second', 2)
  await store.save(web)
  await truncate(pathOf(dir, WEB, 2), 0)
  t.strictSame(await store.newest(), new Map([[imageKeyOf(WEB), 2]]), 'damaged or not')
})

t.test('files and directories are for their owner only', async (t) => {
  const dir = t.testdir()
  await saved(new BaselineStore(join(dir, 'state')), WEB)
  const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
  t.equal(await mode(pathOf(join(dir, 'state'), WEB, 1)), 0o600)
  t.equal(await mode(join(dir, 'state', 'baselines')), 0o700)
  t.equal(await mode(join(dir, 'state', 'baselines', imageKeyOf(WEB))), 0o700)
})

t.test('the newest revisions are kept and nothing else is left behind', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  const baseline = await saved(store, WEB)
  for (let n = 0; n < REVISIONS_KEPT + 2; n++) await store.save(baseline)
  t.equal(baseline.revision, REVISIONS_KEPT + 3)
  const names = await readdir(join(dir, 'baselines', imageKeyOf(WEB)))
  t.strictSame(
    names.sort(),
    Array.from({ length: REVISIONS_KEPT }, (_, n) => `${n + 4}.plb`).sort(),
  )
})

t.test('a write that fails at any step leaves the stored baseline as it was', async (t) => {
  for (const operation of ['mkdir', 'readdir', 'open', 'link'] as const) {
    const dir = t.testdir({})
    const baseline = await saved(new BaselineStore(dir), WEB)
    const before = await readFile(pathOf(dir, WEB, 1))
    learn(baseline, 'second', 2)
    const failing = new BaselineStore(dir, refusing(operation, 'ENOSPC'))
    await t.rejects(failing.save(baseline), { code: 'STORE_UNWRITABLE' }, operation)
    t.equal(baseline.revision, 1, operation)
    t.strictSame(await readdir(join(dir, 'baselines', imageKeyOf(WEB))), ['1.plb'], operation)
    t.strictSame(await readFile(pathOf(dir, WEB, 1)), before, operation)
    await new BaselineStore(dir).save(baseline)
    t.equal(baseline.revision, 2, `${operation}: the next try succeeds`)
  }
})

t.test('a save is on record even if the directory cannot be synced', async (t) => {
  const dir = t.testdir()
  const baseline = await saved(new BaselineStore(dir), WEB)
  const open: StoreFs['open'] = async (path, flags, mode) => {
    if (flags === 'r') throw Object.assign(new Error('EIO: refused by the test'), { code: 'EIO' })
    return HOST_FS.open(path, flags, mode)
  }
  const failing = new BaselineStore(dir, { ...HOST_FS, open })
  await t.rejects(failing.save(baseline), { code: 'STORE_UNWRITABLE' })
  t.equal(baseline.revision, 2, 'the file is there, so the next save continues it')
  await new BaselineStore(dir).save(baseline)
  t.equal(baseline.revision, 3)
})

t.test('two writers of one image do not lose what the other learned', async (t) => {
  const dir = t.testdir()
  await saved(new BaselineStore(dir), WEB)
  const [ours, theirs] = [new BaselineStore(dir), new BaselineStore(dir)]
  const [mine, other] = [await ours.load('web'), await theirs.load('web')]
  learn(mine, 'mine', 10)
  learn(other, 'theirs', 11)
  const results = await Promise.allSettled([ours.save(mine), theirs.save(other)])
  t.strictSame(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
  const refused = results.find((result) => result.status === 'rejected')
  t.match(refused, { reason: { code: 'BASELINE_CONFLICT', message: /web:1.0.*revision 2/ } })
  t.equal((await new BaselineStore(dir).load('web')).revision, 2)
})

t.test('a name that is taken between look and link is a conflict too', async (t) => {
  const dir = t.testdir()
  const baseline = await saved(new BaselineStore(dir), WEB)
  const racing = new BaselineStore(dir, refusing('link', 'EEXIST'))
  await t.rejects(racing.save(baseline), { code: 'BASELINE_CONFLICT' })
})

t.test('saves of one process queue up', async (t) => {
  const store = new BaselineStore(t.testdir())
  const baseline = Baseline.empty(WEB)
  await Promise.all([store.save(baseline), store.save(baseline), store.save(baseline)])
  t.equal(baseline.revision, 3)
})

t.test('a removed baseline is not brought back by a writer that still holds it', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  const baseline = await saved(store, WEB)
  t.equal(await store.remove('web:1.0'), imageKeyOf(WEB))
  t.strictSame(await readdir(join(dir, 'baselines')), [])
  await t.rejects(store.save(baseline), { code: 'BASELINE_CONFLICT' })
})

t.test('leavings of a crash are removed when they are old', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  const baseline = await saved(store, WEB)
  const directory = join(dir, 'baselines', imageKeyOf(WEB))
  for (const name of ['.tmp-old', '.tmp-new']) await writeFile(join(directory, name), 'half')
  await utimes(join(directory, '.tmp-old'), 1, 1)
  await store.save(baseline)
  t.strictSame((await readdir(directory)).sort(), ['.tmp-new', '1.plb', '2.plb'])
})

t.test('a damaged file is refused, listed, and stays as it is', async (t) => {
  const cases: readonly [string, (path: string) => Promise<void>, RegExp][] = [
    ['empty', (path) => truncate(path, 0), /empty/],
    ['cut', (path) => truncate(path, 60), /truncated or altered/],
    [
      'flipped',
      async (path) => {
        const bytes = await readFile(path)
        bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50)
        await writeFile(path, bytes)
      },
      /truncated or altered/,
    ],
    [
      "another image's",
      (path) => writeFile(path, encodeBaseline(Baseline.empty(imageOf('other')), 2)),
      /misplaced/,
    ],
    [
      'an older revision renamed',
      (path) => copyFile(path.replace('2.plb', '1.plb'), path),
      /misplaced/,
    ],
  ]
  for (const [name, damage, problem] of cases) {
    const dir = t.testdir({})
    const store = new BaselineStore(dir)
    const baseline = await saved(store, WEB)
    await store.save(baseline)
    const path = pathOf(dir, WEB, 2)
    await damage(path)
    const before = await readFile(path)
    const refusal = { code: 'STORE_DAMAGED', message: new RegExp(`${path}.*${problem.source}`) }
    await t.rejects(store.loadImage(WEB), refusal, `${name}: by image`)
    await t.rejects(store.load(imageKeyOf(WEB)), refusal, `${name}: by key`)
    await t.rejects(store.load('web'), refusal, `${name}: by a name it may have had`)
    t.match(await store.list(), [{ kind: 'damaged', path, problem }], `${name}: listed`)
    await t.rejects(store.save(Baseline.empty(WEB)), { code: 'BASELINE_CONFLICT' }, name)
    t.strictSame(await readFile(path), before, `${name}: unchanged`)
    await rename(path, `${path}.away`)
    t.equal((await store.loadImage(WEB))?.revision, 1, `${name}: moved away, the one before counts`)
  }
})

t.test('a damaged old revision is not pruned', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  const baseline = await saved(store, WEB)
  await truncate(pathOf(dir, WEB, 1), 10)
  for (let n = 0; n < REVISIONS_KEPT + 1; n++) await store.save(baseline)
  const names = await readdir(join(dir, 'baselines', imageKeyOf(WEB)))
  t.ok(names.includes('1.plb'))
  t.notOk(names.includes('2.plb'))
})

t.test('a damaged baseline does not hide the others, and can be removed', async (t) => {
  const dir = t.testdir()
  const store = new BaselineStore(dir)
  await saved(store, WEB)
  const other = imageOf('other:1')
  await saved(store, other)
  await truncate(pathOf(dir, other, 1), 3)
  t.equal((await store.load('web')).image.name, WEB.name)
  t.equal(await store.remove(other.digest), imageKeyOf(other))
  t.equal((await store.list()).length, 1)
})

t.test('a file that cannot be read is no damaged one', async (t) => {
  const dir = t.testdir()
  await saved(new BaselineStore(dir), WEB)
  for (const operation of ['open', 'readdir'] as const) {
    const store = new BaselineStore(dir, refusing(operation, 'EACCES'))
    await t.rejects(store.loadImage(WEB), { code: 'STORE_UNREADABLE' }, operation)
  }
})

t.test('what does not belong to the store is ignored', async (t) => {
  const dir = t.testdir({ baselines: { 'notes.txt': 'mine', 'container-123': {} } })
  const store = new BaselineStore(dir)
  await saved(store, WEB)
  const directory = join(dir, 'baselines', imageKeyOf(WEB))
  await writeFile(join(directory, '1.plb.bak'), 'old')
  await mkdir(join(directory, '99'))
  t.match(await store.list(), [{ kind: 'baseline', key: imageKeyOf(WEB) }])
})

t.test('find() understands keys, digests and names', async (t) => {
  const store = new BaselineStore(t.testdir())
  const images = {
    nginx: imageOf('docker.io/library/nginx:latest'),
    pinned: imageOf('docker.io/library/nginx:1.25'),
    app: imageOf('registry.example:5000/team/app:2.0'),
    web: WEB,
    old: imageOf('dup:1', 'container', 'old'),
    rebuilt: imageOf('dup:1', 'container', 'rebuilt'),
    foo: imageOf('command:/usr/bin/foo', 'command'),
    hex: imageOf('decade'),
  }
  for (const image of Object.values(images)) await saved(store, image)
  const digits = images.app.digest.slice('sha256:'.length)
  const cases: readonly [
    string,
    keyof typeof images | 'BASELINE_NOT_FOUND' | 'BASELINE_AMBIGUOUS',
  ][] = [
    [imageKeyOf(images.app), 'app'],
    [images.app.digest, 'app'],
    [digits, 'app'],
    [digits.slice(0, 6), 'app'],
    [digits.slice(0, 12).toUpperCase(), 'app'],
    [`sha256:${digits.slice(0, 6)}`, 'app'],
    [digits.slice(0, 5), 'BASELINE_NOT_FOUND'],
    ['', 'BASELINE_NOT_FOUND'],
    ['docker.io/library/nginx:latest', 'nginx'],
    ['nginx:latest', 'nginx'],
    ['nginx', 'nginx'],
    ['nginx:1.25', 'pinned'],
    ['nginx:9', 'BASELINE_NOT_FOUND'],
    ['web', 'web'],
    ['web:1.0', 'web'],
    ['localhost/web', 'web'],
    ['registry.example:5000/team/app', 'app'],
    ['registry.example:5000/team/app:2.0', 'app'],
    ['team/app', 'BASELINE_NOT_FOUND'],
    ['app', 'BASELINE_NOT_FOUND'],
    ['dup:1', 'BASELINE_AMBIGUOUS'],
    ['dup', 'BASELINE_AMBIGUOUS'],
    ['command:/usr/bin/foo', 'foo'],
    ['/usr/bin/foo', 'foo'],
    ['foo', 'foo'],
    ['bar', 'BASELINE_NOT_FOUND'],
    ['decade', 'hex'],
    ['../../etc/passwd', 'BASELINE_NOT_FOUND'],
  ]
  for (const [ref, expected] of cases) {
    if (expected === 'BASELINE_NOT_FOUND' || expected === 'BASELINE_AMBIGUOUS') {
      await t.rejects(store.find(ref), { code: expected, exit: 1 }, ref)
    } else {
      t.equal(await store.find(ref), imageKeyOf(images[expected]), ref)
    }
  }
  await t.rejects(store.find('dup'), {
    message: /^dup matches 2 baselines: dup:1 \(container-[0-9a-f]{12}\), dup:1 \(container-/,
  })
})
