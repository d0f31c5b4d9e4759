/**
 * `plimsoll enforce` with no more capabilities than deploy/plimsoll-enforce.service leaves it, and without new privileges: it
 * sees, isolates and kills containers of other users with networks of their own, and its evidence lacks nothing. Without any
 * one of these capabilities something of that is missing, so that the list is no longer than it has to be; CAP_KILL is for
 * kernels without cgroup.kill, on which this does not run.
 */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Step } from '../../src/respond/request.js'
import { boundingSetOf, readUnit } from '../support/unit-file.js'
import { containerName, type ContainerRuntime } from '../support/live/container-runtime.js'
import { PERMISSIVE, seal } from '../support/live/enforcing.js'
import { BUSYBOX, extended, imageOf } from '../support/live/images.js'
import { NetPair } from '../support/live/net-pair.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { start, type Running } from '../support/live/process.js'
import { liveTest, type Need } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'

const NEEDS: readonly Need[] = ['root', 'bpf', 'podman', 'busybox', 'iproute2']
const UNIT = 'deploy/plimsoll-enforce.service'
const SEALED = extended(BUSYBOX, 'confined', (root) => {
  mkdirSync(join(root, 'data'), { recursive: true })
  chmodSync(join(root, 'data'), 0o777)
})
/** Waits to be told what to do by files, so that being told is nothing new. */
const SCRIPT =
  'umask 077; echo mine > /data/secret; echo ready; while [ ! -e /data/end ]; do sleep 1; done'
/** Nobody that the host knows. */
const USER = '4242:4242'

interface Response {
  readonly action: string
  readonly outcome: string
  readonly detail: string
  readonly steps: readonly Step[]
  readonly directory?: string
}

/** What enforcement did about a container that left its baseline. */
interface Done {
  readonly response: Response
  /** By a peer on its network. */
  readonly isReachable: boolean
  readonly read: (name: string) => string
}

function lines(running: Running, type: string): readonly Record<string, unknown>[] {
  return running
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['type'] === type)
}

/** Learns and seals the image. */
async function sealed(session: Session, runtime: ContainerRuntime): Promise<string> {
  const image = await imageOf(runtime, SEALED, 'confined')
  const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
  const container = runContainer(runtime, image)
  await isReady(container)
  await runtime.cli(['kill', '--signal=KILL', container.name])
  await container.running.finished
  await session.ended(learning)
  await seal(session, image)
  return image
}

interface Container {
  readonly name: string
  readonly running: Running
}

function runContainer(
  runtime: ContainerRuntime,
  image: string,
  network: 'none' | `ns:${string}` = 'none',
): Container {
  const name = containerName('confined')
  const command = ['/bin/sh', '-c', SCRIPT]
  const spec = { image, name, network, user: USER, command, seccomp: PERMISSIVE }
  return { name, running: runtime.launch(spec) }
}

function isReady({ running }: Container): Promise<unknown> {
  return until('its file', () => running.stdout().includes('ready'))
}

/** Enforces under these capabilities, has a container do something new, and waits for what is done about it. */
async function respond(
  t: Test,
  session: Session,
  runtime: ContainerRuntime,
  image: string,
  capabilities: readonly string[],
  action: string,
): Promise<Done> {
  const set = capabilities.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`)
  const confined = start(
    'setpriv',
    [
      '--no-new-privs',
      '--inh-caps=-all',
      `--bounding-set=${['-all', ...set].join(',')}`,
      process.execPath,
      ...session.argv(['enforce', '--image', image, '--json', '--on', `low=${action}`]),
    ],
    { env: session.env },
  )
  session.adopt(confined.pid)
  const net = await NetPair.make(t)
  try {
    await until(
      'the probes',
      () => {
        if (confined.child.exitCode !== null) throw new Error(confined.stderr())
        return confined.stderr().includes('probes attached')
      },
      60_000,
    )
    const container = runContainer(runtime, image, `ns:${net.path}`)
    t.teardown(() => runtime.remove(container.name))
    await isReady(container)
    // Frozen with its container, and killed with it.
    void runtime.cli(['exec', container.name, '/bin/busybox', 'sha256sum', '/data/secret'])
    // What else the command does is answered while the first response is being made.
    const found = await until(
      'the response',
      () => lines(confined, 'response').find(({ outcome }) => outcome !== 'already'),
      30_000,
    )
    const response = found as unknown as Response
    const isReachable = await net.isReachable()
    const read = (name: string): string =>
      readFileSync(join(response.directory ?? '', name), 'utf8')
    const done = { response, isReachable, read }
    await runtime.remove(container.name)
    return done
  } finally {
    confined.child.kill('SIGTERM')
    await confined.finished
  }
}

/** What is missing in what was done and in its evidence, in words. */
function lacksOf({ response, isReachable, read }: Done): readonly string[] {
  const { action, outcome, steps } = response
  const failed = steps.flatMap(({ step, outcome: each }) => (each === 'failed' ? [step] : []))
  const processes = JSON.parse(read('processes.json')) as readonly { exe: string; root: string }[]
  const files = (JSON.parse(read('changed-files.json')) as { files?: readonly ChangedFile[] }).files
  const secret = files?.find(({ path }) => path === '/data/secret')
  return [
    ...(outcome === 'done' ? [] : [`${action}: ${outcome}`]),
    ...failed,
    ...(isReachable ? ['it is still reachable'] : []),
    ...(processes.length > 0 && processes.every(({ exe, root }) => exe !== '' && root !== '')
      ? []
      : ['programs of processes']),
    ...(read('open-files.json').includes('pipe:[') ? [] : ['open files']),
    ...(secret?.sha256 === undefined ? ['contents of files'] : []),
  ]
}

interface ChangedFile {
  readonly path: string
  readonly sha256?: string
}

liveTest('the capabilities of the unit are enough, and none is too many', NEEDS, async (t) => {
  const runtime = podman()
  const session = new Session(t, runtime.env)
  const image = await sealed(session, runtime)
  const all = boundingSetOf(readUnit(UNIT))
  const isolated = await respond(t, session, runtime, image, all, 'isolate')
  t.same(lacksOf(isolated), [], isolated.response.detail)
  const { response: killed } = await respond(t, session, runtime, image, all, 'kill')
  t.match(killed, { action: 'kill', outcome: 'done' }, JSON.stringify(killed))
  for (const left of all) {
    if (left === 'CAP_KILL') continue
    const rest = all.filter((each) => each !== left)
    const lacks = await respond(t, session, runtime, image, rest, 'isolate').then(
      lacksOf,
      (thrown: unknown) => [thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : ''],
    )
    t.comment(`without ${left}: ${lacks.join('; ')}`)
    t.not(lacks.length, 0, `${left} is needed`)
  }
})
