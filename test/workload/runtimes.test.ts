/** The contract of every runtime client, over captured answers. */
import { join } from 'node:path'
import t from 'tap'
import { runBounded } from '../../src/workload/bounded-process.js'
import type {
  ContainerFacts,
  Resolution,
  RuntimeClient,
} from '../../src/workload/container-facts.js'
import { DockerClient } from '../../src/workload/docker.js'
import { PodmanClient } from '../../src/workload/podman.js'
import { factsOfInspect, traceOfEvents, versionOf } from '../../src/workload/runtime-answers.js'
import { resolutionOfTrace } from '../../src/workload/traced-image.js'
import { getFromSocket } from '../../src/workload/unix-http.js'
import {
  captured,
  capturedAnswers,
  capturedId,
  capturedPodman,
  serve,
  type Answer,
  type Scope,
} from './fake-runtime.js'
import { FIXTURES } from '../support/repository.js'

const NOWHERE = '/nonexistent'
const STORAGE = join(FIXTURES, 'workload/storage')
const DOCKER_ID = capturedId('docker-container.json')
const PODMAN_ID = capturedId('podman-container.json')
const DOCKER_IMAGE = `sha256:${/"sha256:([0-9a-f]{64})"/.exec(captured('docker-image.json'))?.[1]}`
const PODMAN_IMAGE = `sha256:${/"sha256:([0-9a-f]{64})"/.exec(captured('podman-image.json'))?.[1]}`
const nowMs = (): number => 1_800_000_000_000
const signal = AbortSignal.timeout(60_000)

interface BackEnd {
  readonly name: string
  readonly runtime: 'docker' | 'podman'
  /** The client over answers of a container that runs or is gone. */
  readonly client: (t: Scope, gone: boolean) => Promise<RuntimeClient>
  readonly version: string
  readonly tellsStart: boolean
}

const backEnds: readonly BackEnd[] = [
  {
    name: "Docker's API",
    runtime: 'docker',
    client: async (t, gone) =>
      new DockerClient(nowMs, (await serveCaptured(t, 'docker', gone)).socketPath),
    version: '20.10.24+dfsg1 (runc 1.1.5+ds1)',
    tellsStart: true,
  },
  {
    name: "podman's API",
    runtime: 'podman',
    client: async (t, gone) => {
      const { socketPath } = await serveCaptured(t, 'podman', gone)
      return new PodmanClient({ nowMs, socketPath, storageRoot: NOWHERE, program: NOWHERE })
    },
    version: '4.3.1 (runc 1.1.5+ds1)',
    tellsStart: true,
  },
  {
    name: "podman's command line",
    runtime: 'podman',
    client: (_, gone) =>
      Promise.resolve(
        new PodmanClient({
          nowMs,
          socketPath: NOWHERE,
          storageRoot: NOWHERE,
          run: capturedPodman(gone),
        }),
      ),
    version: '4.3.1 (runc)',
    tellsStart: true,
  },
  {
    name: "podman's storage",
    runtime: 'podman',
    client: (_, gone) =>
      Promise.resolve(
        new PodmanClient({
          nowMs,
          socketPath: NOWHERE,
          storageRoot: gone ? NOWHERE : STORAGE,
          run: capturedPodman(true),
        }),
      ),
    version: '4.3.1',
    tellsStart: false,
  },
]

function serveCaptured(
  t: Scope,
  runtime: 'docker' | 'podman',
  gone: boolean,
): ReturnType<typeof serve> {
  return serve(t, capturedAnswers(runtime, gone))
}

function factsOf(resolution: Resolution): ContainerFacts {
  if (resolution.kind !== 'found') throw new Error(`${resolution.kind}: ${resolution.problem}`)
  return resolution.facts
}

for (const { name, runtime, client, version, tellsStart } of backEnds) {
  const id = runtime === 'docker' ? DOCKER_ID : PODMAN_ID
  const imageDigest = runtime === 'docker' ? DOCKER_IMAGE : PODMAN_IMAGE

  void t.test(`${name} tells what a running container is`, async (t) => {
    const { startedMs, ...facts } = factsOf(await (await client(t, false)).inspect(id, signal))
    t.same(facts, {
      runtime,
      runtimeVersion: version,
      containerId: id,
      name: 'fixture',
      imageDigest,
      imageName: 'localhost/fixture:1',
      entrypoint: ['/bin/sh', '-c', 'sleep 1'],
      healthChecks: [],
      labels: name === "podman's storage" ? undefined : [],
      noNewPrivileges: true,
      source: 'container',
    })
    t.equal(startedMs !== undefined && startedMs > 1.7e12, tellsStart)
  })

  void t.test(`${name} identifies a container that is gone by its events`, async (t) => {
    const facts = factsOf(await (await client(t, true)).inspect(id, signal))
    t.equal(facts.imageDigest, imageDigest)
    t.equal(facts.imageName, 'localhost/fixture:1')
    t.equal(facts.name, 'fixture')
    t.same(facts.entrypoint, ['/bin/sh', '-c', 'sleep 3'], "the image's own, not the container's")
    t.equal(facts.source, 'image')
    t.equal(facts.labels, undefined, 'the container may have had others than its image')
    t.match(facts.startedMs, Number)
  })

  void t.test(`${name} says gone for a container that nothing is known of`, async (t) => {
    const asked = await client(t, true)
    t.match(await asked.inspect('0'.repeat(64), signal), { kind: 'gone', problem: String })
  })

  void t.test(`${name} is not asked for what is no container id`, async (t) => {
    const asked = await client(t, false)
    for (const bad of ['', '--help', '../../images/json?', id.slice(1), `${id}/..`]) {
      t.match(await asked.inspect(bad, signal), { kind: 'gone' }, bad)
    }
  })
}

void t.test(
  'a service that misbehaves is unreachable, and ends when the question does',
  async (t) => {
    const cases: readonly (readonly [string, Answer, RegExp])[] = [
      [
        'refuses',
        (_, answer) => void answer.writeHead(500).end('{"message":"no\\u001b"}'),
        /answered 500: no/,
      ],
      ['answers no JSON', (_, answer) => void answer.end('<html>'), /not JSON/],
      ['hangs up', (request) => void request.socket.destroy(), /hang up/],
      [
        'hangs up half-way',
        (_, answer) => {
          answer.writeHead(200, { 'Content-Length': '1000' })
          answer.write('{', () => answer.destroy())
        },
        /aborted|hang up/,
      ],
      ['floods', (_, answer) => flood(answer), /larger than 4194304 bytes/],
    ]
    for (const [name, onRequest, problem] of cases) {
      await t.test(name, async (t) => {
        const service = await serve(t, onRequest)
        const resolution = await new DockerClient(nowMs, service.socketPath).inspect(
          DOCKER_ID,
          signal,
        )
        t.match(resolution, { kind: 'unreachable', problem })
      })
    }
    await t.test('says nothing', async (t) => {
      const controller = new AbortController()
      const service = await serve(t, () => {
        controller.abort()
      })
      const client = new DockerClient(nowMs, service.socketPath)
      t.match(await client.inspect(DOCKER_ID, controller.signal), { kind: 'unreachable' })
    })
  },
)

function flood(answer: {
  write(chunk: Buffer): boolean
  once(event: 'drain', go: () => void): unknown
}): void {
  const chunk = Buffer.alloc(65_536, 0x20)
  const more = (): void => {
    while (answer.write(chunk));
    answer.once('drain', more)
  }
  more()
}

void t.test('an answer without a proper image id is refused', async (t) => {
  const answer: unknown = JSON.parse(captured('docker-container.json'))
  for (const Image of ['', 'nginx', 'sha256:123', null, 7]) {
    const altered = { ...(answer as object), Image }
    t.equal(factsOfInspect(altered, 'docker', ''), undefined, JSON.stringify(Image))
    const service = await serve(t, (request, reply) => {
      reply.end(request.url === '/version' ? '{}' : JSON.stringify(altered))
    })
    const client = new DockerClient(nowMs, service.socketPath)
    t.match(await client.inspect(DOCKER_ID, signal), { kind: 'gone', problem: /no image id/ })
  }
  for (const odd of [undefined, null, 7, 'x', [], {}, { Id: {} }]) {
    t.equal(factsOfInspect(odd, 'docker', ''), undefined)
  }
})

void t.test('an image name that moved after the container ran identifies nothing', (t) => {
  const trace = { imageName: 'app', name: 'x', firstMs: 1_000_000 }
  const image = { imageDigest: DOCKER_IMAGE, entrypoint: [] }
  const kindAt = (changedMs: number): string =>
    resolutionOfTrace(DOCKER_ID, trace, { ...image, changedMs }, 'docker').kind
  t.equal(kindAt(999_000), 'found')
  t.equal(kindAt(1_000_999), 'found', 'within the second that an event is rounded down by')
  t.equal(kindAt(1_001_000), 'gone')
  t.match(resolutionOfTrace(DOCKER_ID, trace, undefined, 'docker'), {
    kind: 'gone',
    problem: /app is gone/,
  })
  t.end()
})

void t.test('events of other containers and damaged lines are passed over', (t) => {
  const lines = `nonsense\n{"ID":7}\n\n${captured('podman-cli-events.jsonl')}{"ID":"${PODMAN_ID}"`
  t.equal(traceOfEvents(lines, PODMAN_ID)?.imageName, 'localhost/fixture:1')
  t.equal(traceOfEvents(lines, DOCKER_ID), undefined)
  t.equal(versionOf(undefined), '')
  t.equal(
    versionOf({ Version: '29.0', Components: [{ Name: 'runc', Version: '1.3.0' }] }),
    '29.0 (runc 1.3.0)',
  )
  t.end()
})

void t.test('podman that cannot be run, fails, hangs or floods is unreachable', async (t) => {
  const missing = new PodmanClient({
    nowMs,
    socketPath: NOWHERE,
    storageRoot: NOWHERE,
    program: NOWHERE,
  })
  t.match(await missing.inspect(PODMAN_ID, signal), { kind: 'unreachable' })
  const failing = await runBounded('/bin/sh', ['-c', 'echo one >&2; echo two >&2; exit 3'], signal)
  t.same(failing, { code: 3, stdout: '', problem: 'two' })
  const hanging = await runBounded('/bin/sh', ['-c', 'exec sleep 60'], AbortSignal.timeout(50))
  t.match(hanging, { code: undefined, problem: /abort/i })
  const flooding = await runBounded('/bin/sh', ['-c', 'exec yes'], signal)
  t.match(flooding, { code: undefined, problem: /maxBuffer/ })
})

void t.test('a socket answer at the bound passes, one byte more does not', async (t) => {
  const service = await serve(t, (_, answer) => {
    answer.end('x'.repeat(100))
  })
  t.equal((await getFromSocket(service.socketPath, '/', signal, 100)).body.length, 100)
  await t.rejects(getFromSocket(service.socketPath, '/', signal, 99), /larger than 99/)
})
