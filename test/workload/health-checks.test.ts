/** With which command lines runtimes start health checks: by what they say of them, and who is asked. */
import { join } from 'node:path'
import t from 'tap'
import type { RunProcess } from '../../src/workload/bounded-process.js'
import type { ContainerFacts } from '../../src/workload/container-facts.js'
import { healthChecksOf } from '../../src/workload/health-check.js'
import { PodmanClient } from '../../src/workload/podman.js'
import { captured, capturedId, capturedPodman, serve } from './fake-runtime.js'
import { FIXTURES } from '../support/repository.js'

interface Captured {
  readonly name: string
  readonly source: 'docker' | 'podman-api' | 'podman-cli'
  readonly Config: object
}

const CAPTURED = JSON.parse(captured('health-checks.json')) as readonly Captured[]
const TEXT = 'ls /etc/passwd || exit 1'
const SHELLS = [
  ['/bin/sh', '-c', TEXT],
  ['sh', '-c', TEXT],
]

t.test('what runtimes said of health checks is read as what they start', async (t) => {
  const expected: Readonly<Record<string, readonly [docker: object, podman: object]>> = {
    shell: [SHELLS.slice(0, 1), SHELLS],
    'image-shell': [SHELLS.slice(0, 1), SHELLS],
    'image-exec': [[['/bin/ls', '/etc/passwd']], [['/bin/ls', '/etc/passwd']]],
    disabled: [[], []],
    none: [[], []],
    words: [
      [],
      [
        ['/bin/sh', '-c', 'ls /etc'],
        ['sh', '-c', 'ls /etc'],
      ],
    ],
  }
  for (const { name, source, Config } of CAPTURED) {
    const runtime = source === 'docker' ? 'docker' : 'podman'
    const checks = healthChecksOf({ Config }, runtime)
    t.strictSame(checks, expected[name]?.[runtime === 'docker' ? 0 : 1], `${name} by ${source}`)
  }
  t.equal(CAPTURED.length, 17)
})

t.test('what is no health check is none', async (t) => {
  const checksOf = (Test: unknown, Shell?: unknown): readonly (readonly string[])[] =>
    healthChecksOf({ Config: { Healthcheck: { Test }, Shell } }, 'docker')
  const none: readonly unknown[] = [
    undefined,
    null,
    'ls',
    [],
    [''],
    ['NONE'],
    ['CMD'],
    ['CMD-SHELL'],
    ['ls', '/'],
    ['CMD', 7],
    ['CMD', 'ls', null],
    ['CMD', ...Array<string>(256).fill('x')],
    ['CMD-SHELL', 'x'.repeat(16 * 1024)],
  ]
  for (const test of none) t.strictSame(checksOf(test), [], JSON.stringify(test)?.slice(0, 40))
  t.strictSame(checksOf(['CMD-SHELL', 'a', 'b'], ['/bin/ash', '-ec']), [
    ['/bin/ash', '-ec', 'a', 'b'],
  ])
  const asIs = healthChecksOf({ Config: { Healthcheck: { Test: ['ls', '/'] } } }, 'podman')
  t.strictSame(asIs, [['ls', '/']], 'podman takes words without a kind as they are')
})

const STORAGE = join(FIXTURES, 'workload/storage')
const PODMAN_ID = capturedId('podman-container.json')
const signal = AbortSignal.timeout(60_000)
const withCheck = (name: string, source: string): string => {
  const answer = JSON.parse(captured(name)) as { Config: object } | [{ Config: object }]
  const container = Array.isArray(answer) ? answer[0] : answer
  const check = CAPTURED.find((one) => one.name === 'image-exec' && one.source === source)
  Object.assign(container.Config, check?.Config)
  return JSON.stringify(answer)
}
const cli: RunProcess = (file, args, signal) =>
  args[0] === 'inspect'
    ? Promise.resolve({
        code: 0,
        stdout: withCheck('podman-cli-container.json', 'podman-cli'),
        problem: '',
      })
    : capturedPodman(false)(file, args, signal)

async function factsOf(socketPath: string, run: RunProcess): Promise<ContainerFacts | undefined> {
  const nowMs = (): number => 1_800_000_000_000
  const client = new PodmanClient({ nowMs, socketPath, storageRoot: STORAGE, run })
  const resolution = await client.inspect(PODMAN_ID, signal)
  return resolution.kind === 'found' ? resolution.facts : undefined
}

t.test(
  "podman's storage knows no health check, so its API is asked, or its command line",
  async (t) => {
    const expected = [['/bin/ls', '/etc/passwd']]
    const service = await serve(t, (request, reply) => {
      const isVersion = request.url === '/version'
      reply.end(isVersion ? '{}' : withCheck('podman-container.json', 'podman-api'))
    })
    const byApi = await factsOf(service.socketPath, capturedPodman(false))
    t.strictSame([byApi?.healthChecks, byApi?.name], [expected, 'fixture'])
    const byCli = await factsOf('/nonexistent', cli)
    t.strictSame([byCli?.healthChecks, byCli?.name], [expected, 'fixture'])
  },
)

t.test('which container it is does not depend on podman saying more of it', async (t) => {
  const asked: string[] = []
  const gone: RunProcess = (file, args, signal) => {
    asked.push(args[0] ?? '')
    return capturedPodman(true)(file, args, signal)
  }
  const facts = await factsOf('/nonexistent', gone)
  t.strictSame([facts?.healthChecks, facts?.name], [[], 'fixture'])
  t.strictSame(asked, ['version', 'inspect'], 'and nothing more is asked of one that is gone')
  const hanging: RunProcess = (file, args, signal) =>
    args[0] === 'inspect'
      ? new Promise((resolve) => {
          const answer = { code: undefined, stdout: '', problem: 'aborted' }
          signal.addEventListener('abort', () => resolve(answer))
        })
      : capturedPodman(true)(file, args, signal)
  // The time limit alone does not keep the process alive.
  const alive = setInterval(() => undefined, 1000)
  const late = await factsOf('/nonexistent', hanging)
  clearInterval(alive)
  t.strictSame([late?.healthChecks, late?.name], [[], 'fixture'])
})
