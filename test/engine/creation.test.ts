/** What becomes of a container that is about to be made: by engine, by what is applied, and by what stands against it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  type Applied,
  makeAppliedDirectory,
  readApplied,
  sha256Hex,
  writeApplied,
} from '../../src/engine/applied.js'
import { decideCreation, failureText, refusedConfig } from '../../src/engine/creation.js'
import {
  CONTAINER,
  DIGEST,
  dockerConfig,
  dockerData,
  podmanConfig,
  podmanStorage,
} from '../support/container-storage.js'

const DOCUMENT = '{\n  "defaultAction": "SCMP_ACT_ERRNO"\n}\n'
const WITH_PROFILE = '"seccomp":{\n  "defaultAction": "SCMP_ACT_ERRNO"\n},'
const WITHOUT = '"seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},'

function applied(assumeNoNewPrivileges = false): Applied {
  return {
    record: {
      image: { name: 'localhost/web:1', digest: DIGEST },
      baseline: { revision: 3, contentHash: 'ab'.repeat(32), isSealed: true },
      strength: 'enforce',
      assumeNoNewPrivileges,
      sha256: sha256Hex(DOCUMENT),
      atMs: 1_000,
      plimsoll: '0.1.0',
    },
    document: DOCUMENT,
    origins: { read: ['observed'] },
  }
}

/** A directory with the files of podman and Docker, and a state in which the image has a profile. */
async function home(
  t: Test,
  profile: Applied | undefined = applied(),
): Promise<{ home: string; state: string }> {
  const directory = t.testdir({})
  const state = join(directory, 'state')
  podmanStorage(directory)
  dockerData(directory)
  await makeAppliedDirectory(state)
  if (profile !== undefined) await writeApplied(state, profile)
  return { home: directory, state }
}

t.test(
  'the profile takes the place of the filter, and nothing else of the configuration changes',
  async (t) => {
    const { home: at, state } = await home(t)
    for (const config of [podmanConfig(at), dockerConfig(at)]) {
      t.match(config, /18446744073709551615/)
      t.same(await decideCreation(config, state), {
        kind: 'applied',
        config: config.replace(WITHOUT, WITH_PROFILE),
      })
      const unconfined = config.replace(WITHOUT, '')
      t.same(await decideCreation(unconfined, state), {
        kind: 'applied',
        config: unconfined.replace('"linux":{', `"linux":{${WITH_PROFILE}`),
      })
    }
  },
)

t.test('containers that no profile is meant for are left as they are', async (t) => {
  const { home: at, state } = await home(t)
  const other = applied()
  rmSync(join(state, 'applied'), { recursive: true })
  await writeApplied(state, {
    ...other,
    record: { ...other.record, image: { name: 'x', digest: `sha256:${'9'.repeat(64)}` } },
  })
  t.same(await decideCreation(podmanConfig(at), state), { kind: 'unchanged' }, 'another image')
  podmanStorage(at, { image: '' })
  t.same(
    await decideCreation(podmanConfig(at), state),
    { kind: 'unchanged' },
    'no image (--rootfs)',
  )
  const unknown = podmanConfig(at).replaceAll(CONTAINER, 'e'.repeat(64))
  t.match(await decideCreation(unknown, state), { kind: 'failed' })
  rmSync(join(state, 'applied'), { recursive: true })
  await makeAppliedDirectory(state)
  t.same(
    await decideCreation(unknown, state),
    { kind: 'unchanged' },
    'nothing is applied to any image',
  )
})

t.test('what stands against it is told with its reason', async (t) => {
  const { home: at, state } = await home(t)
  const directory = join(state, 'applied')
  const file = join(directory, readdirSync(directory)[0] ?? '')
  const good = readFileSync(file)
  const config = podmanConfig(at)
  const cases: readonly (readonly [string, string, RegExp, () => void])[] = [
    [
      'an unknown container',
      config.replaceAll(CONTAINER, 'e'.repeat(64)),
      /its record in the storage/,
      () => undefined,
    ],
    ['no container', config.replaceAll(CONTAINER, ''), /names no container/, () => undefined],
    [
      'no engine',
      config.replace('libpod"', 'x"').replace('libpod-', 'x-'),
      /neither podman nor CRI-O nor Docker/,
      () => undefined,
    ],
    ['no Docker data', dockerConfig(join(at, 'none')), /config\.v2\.json/, () => undefined],
    ['no JSON', '{', /names no container/, () => undefined],
    [
      'two filters',
      config.replace(WITHOUT, WITHOUT + WITHOUT),
      /ambiguous: it has linux\.seccomp twice/,
      () => undefined,
    ],
    ['a flipped bit', config, /its checksum does not match/, () => flip(file, 200)],
    ['half a file', config, /its checksum/, () => writeFileSync(file, good.subarray(0, 300))],
    ['an empty file', config, /it is empty/, () => writeFileSync(file, '')],
    ['another file', config, /another kind of file/, () => writeFileSync(file, DOCUMENT)],
    [
      'no directory',
      config,
      /applied: it is missing/,
      () => rmSync(directory, { recursive: true }),
    ],
    ['a file in its place', config, /leads through a file/, () => writeFileSync(directory, '')],
    [
      'a directory as file',
      config,
      /it is a directory/,
      () => {
        rmSync(directory)
        mkdirSync(file, { recursive: true })
      },
    ],
  ]
  for (const [name, text, problem, break_] of cases) {
    break_()
    t.match(await decideCreation(text, state), { kind: 'failed', problem }, name)
  }
})

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

t.test('a profile of another image under its name is not applied', async (t) => {
  const { home: at, state } = await home(t)
  const directory = join(state, 'applied')
  const file = join(directory, readdirSync(directory)[0] ?? '')
  const digest = `sha256:${'9'.repeat(64)}`
  const other = applied()
  await writeApplied(state, { ...other, record: { ...other.record, image: { name: 'x', digest } } })
  writeFileSync(file, readFileSync(join(directory, `${'9'.repeat(64)}.plp`)))
  t.match(await decideCreation(podmanConfig(at), state), { kind: 'failed', problem: /misplaced/ })
  t.match(await readApplied(state, digest), { kind: 'applied' })
})

t.test('a profile for no_new_privileges wants them', async (t) => {
  const { home: at, state } = await home(t, applied(true))
  t.match(await decideCreation(podmanConfig(at), state), {
    kind: 'failed',
    problem: /no_new_privileges/,
  })
  t.match(await decideCreation(podmanConfig(at, {}, true), state), { kind: 'applied' })
})

t.test('whoever starts a container can switch its profile off, and its image cannot', async (t) => {
  const { home: at, state } = await home(t)
  const off = { 'plimsoll.profile': 'off' }
  const subject = { containerId: CONTAINER, imageDigest: DIGEST, imageName: 'localhost/web:1' }
  t.same(await decideCreation(podmanConfig(at, off), state), { kind: 'off', subject })
  t.same(await decideCreation(dockerConfig(at, off), state), { kind: 'off', subject })
  t.match(await decideCreation(podmanConfig(at, { 'plimsoll.profile': 'of' }), state), {
    kind: 'applied',
  })
  podmanStorage(at, { annotations: off })
  t.match(
    await decideCreation(podmanConfig(at, off), state),
    { kind: 'applied' },
    "the image's own",
  )
  rmSync(join(at, 'storage/overlay-images'), { recursive: true })
  t.match(
    await decideCreation(podmanConfig(at, off), state),
    { kind: 'applied' },
    'it cannot be told',
  )
  const crio = { 'io.container.manager': 'cri-o', ...off }
  t.match(await decideCreation(podmanConfig(at, crio), state), { kind: 'applied' }, "a pod's")
})

t.test('CRI-O names images itself, and the first container of a pod has none', async (t) => {
  const { home: at, state } = await home(t)
  rmSync(join(at, 'storage'), { recursive: true })
  const named = (more: object): string =>
    podmanConfig(at, { 'io.container.manager': 'cri-o', ...more })
  const ref = {
    'io.kubernetes.cri-o.ImageRef': DIGEST,
    'io.kubernetes.cri-o.ContainerType': 'container',
  }
  t.match(await decideCreation(named(ref), state), { kind: 'applied' })
  t.match(await decideCreation(named({}), state), { kind: 'failed' })
  const sandbox = { 'io.kubernetes.cri-o.ContainerType': 'sandbox' }
  t.same(await decideCreation(named(sandbox), state), { kind: 'unchanged' })
})

t.test('a refusal is a filter that no runtime takes, and says why in one line', async (t) => {
  const { home: at, state } = await home(t, applied(true))
  const config = podmanConfig(at)
  const decided = await decideCreation(config, state)
  if (decided.kind !== 'failed') throw new Error(decided.kind)
  const line = failureText(decided, true)
  t.match(
    line,
    /^plimsoll refuses to start a container of localhost\/web:1: .*; it would run without its learned profile\. Start it with/,
  )
  t.match(
    failureText(decided, false),
    /^plimsoll starts a container of .* without its learned profile: /,
  )
  const hostile = {
    ...decided,
    subject: { ...decided.subject, imageName: '\u001b[31m\n'.repeat(500) },
  }
  t.ok(failureText(hostile, true).length <= 1000)
  t.match(failureText(hostile, true), /^[ -~]+$/)
  t.equal(
    refusedConfig(config, line),
    config.replace(WITHOUT, `"seccomp":${JSON.stringify({ defaultAction: line })},`),
  )
  t.equal(refusedConfig('{', line), undefined)
})
