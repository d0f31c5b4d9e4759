/** The resolver, over clients that answer late, never, or break their contract. */
import t from 'tap'
import type {
  ContainerFacts,
  Resolution,
  RuntimeClient,
} from '../../src/workload/container-facts.js'
import { ContainerResolver } from '../../src/workload/resolver.js'
import { FakeClock } from './fake-clock.js'

const DOCKER_ID = 'd0c'.padEnd(64, '0')
const PODMAN_ID = '90d'.padEnd(64, '0')
const FACTS = { containerId: DOCKER_ID } as ContainerFacts
const FOUND: Resolution = { kind: 'found', facts: FACTS }
const SILENT: Resolution = { kind: 'unreachable', problem: 'no listener' }

/** A client that gives these answers in turn, the last one for ever; `undefined` never answers. */
function scripted(
  ...answers: readonly (Resolution | undefined)[]
): RuntimeClient & { asked: number } {
  return {
    asked: 0,
    inspect() {
      const answer = answers[Math.min(this.asked++, answers.length - 1)]
      return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer)
    },
  }
}

void t.test('a container is asked for once, however many want to know', async (t) => {
  for (const answer of [FOUND, { kind: 'gone', problem: 'x' } as const]) {
    const docker = scripted(answer)
    const resolver = new ContainerResolver({ docker, clock: new FakeClock() })
    const both = [resolver.resolve('docker', DOCKER_ID), resolver.resolve('docker', DOCKER_ID)]
    t.same(await Promise.all(both), [answer, answer])
    t.same(await resolver.resolve('docker', DOCKER_ID), answer)
    t.equal(docker.asked, 1, answer.kind)
  }
})

void t.test('a runtime that starts late is asked again', async (t) => {
  const docker = scripted(SILENT, SILENT, SILENT, FOUND)
  const resolver = new ContainerResolver({ docker, clock: new FakeClock() })
  t.same(await resolver.resolve('docker', DOCKER_ID), FOUND)
  t.equal(docker.asked, 4)
})

void t.test(
  'silence ends after ten seconds, is not remembered, and is not waited for again soon',
  async (t) => {
    for (const docker of [scripted(SILENT), scripted(undefined)]) {
      const clock = new FakeClock()
      const resolver = new ContainerResolver({ docker, clock })
      const startMs = clock.nowMs()
      t.match(await resolver.resolve('docker', DOCKER_ID), { kind: 'unreachable', problem: String })
      t.equal(clock.nowMs() - startMs, 10_000)
      const { asked } = docker
      t.match(await resolver.resolve('docker', PODMAN_ID), { kind: 'unreachable' })
      t.equal(docker.asked, asked, 'answered at once for another container')
      clock.advance(5001)
      await resolver.resolve('docker', DOCKER_ID)
      t.ok(docker.asked > asked, 'asked again later')
    }
  },
)

void t.test('one silent runtime does not delay another', async (t) => {
  const docker = scripted(undefined)
  const clock = new FakeClock()
  const resolver = new ContainerResolver({ docker, podman: scripted(FOUND), clock, concurrency: 1 })
  const startMs = clock.nowMs()
  const waiting = resolver.resolve('docker', DOCKER_ID)
  t.same(await resolver.resolve('podman', PODMAN_ID), FOUND)
  t.equal(clock.nowMs(), startMs)
  await waiting
})

void t.test('no more questions are under way than allowed, and all are answered', async (t) => {
  let open = 0
  let most = 0
  const docker: RuntimeClient = {
    async inspect() {
      most = Math.max(most, ++open)
      await new Promise(setImmediate)
      open--
      return FOUND
    },
  }
  const clock = { nowMs: () => 0, sleep: () => new Promise<void>(() => undefined) }
  const resolver = new ContainerResolver({ docker, clock, concurrency: 3 })
  const ids = Array.from({ length: 17 }, (_, n) => n.toString(16).padStart(64, '0'))
  const answers = await Promise.all(ids.map((id) => resolver.resolve('docker', id)))
  t.ok(answers.every(({ kind }) => kind === 'found'))
  t.equal(most, 3)
})

void t.test(
  'a runtime without a client, a bad id and a client that throws are answers too',
  async (t) => {
    const docker: RuntimeClient = { inspect: () => Promise.reject(new Error('defect')) }
    const resolver = new ContainerResolver({ docker, clock: new FakeClock() })
    t.match(await resolver.resolve('containerd', DOCKER_ID), {
      kind: 'unreachable',
      problem: /containerd/,
    })
    t.match(await resolver.resolve('docker', 'x'), { kind: 'gone' })
    t.match(await resolver.resolve('docker', DOCKER_ID), { kind: 'unreachable', problem: 'defect' })
  },
)
