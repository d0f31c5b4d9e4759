/**
 * Servers in containers, driven from outside: each is started, asked something over loopback, and told to end in its own
 * way. What a caller gets back is the answer and how the container ended.
 */
import { writeFileSync } from 'node:fs'
import { containerName, type ContainerRuntime } from './container-runtime.js'
import { nginxConf } from './images.js'
import { freePort, page } from './loopback.js'
import { failureOf, run, type Finished, type Running } from './process.js'
import { until } from './until.js'

/** One visit to a server. */
export interface Visit {
  readonly answer: string
  readonly finished: Finished
}

/** What a visit needs: the runtime, the image, and optionally the seccomp profile to run it under. */
export interface Server {
  readonly runtime: ContainerRuntime
  readonly image: string
  readonly seccomp?: string
}

/**
 * nginx: one page, then SIGQUIT. `confPath` is where its configuration may be written; `meanwhile` gets the container's name
 * while it serves.
 */
export async function visitNginx(
  server: Server,
  confPath: string,
  meanwhile?: (name: string) => Promise<unknown>,
): Promise<Visit> {
  const { runtime, ...spec } = server
  const port = await freePort()
  const name = containerName('nginx')
  writeFileSync(confPath, nginxConf(port))
  const volumes = [`${confPath}:/etc/nginx/nginx.conf:ro`]
  const running = runtime.launch({ ...spec, name, network: 'host', volumes })
  return visit(runtime, name, running, {
    ask: () => page(port),
    end: async () => {
      await meanwhile?.(name)
      await runtime.mustCli(['kill', '--signal=QUIT', name])
    },
  })
}

/** redis: PING until it answers, SET and GET, then SHUTDOWN. */
export async function visitRedis(server: Server): Promise<Visit> {
  const { runtime, ...spec } = server
  const port = String(await freePort())
  const name = containerName('redis')
  const running = runtime.launch({ ...spec, name, network: 'host', command: ['--port', port] })
  const ask = async (...words: readonly string[]): Promise<string> =>
    (await run('redis-cli', ['-p', port, ...words])).stdout.trim()
  return visit(runtime, name, running, {
    ask: async () => {
      if ((await ask('PING')) !== 'PONG') return undefined
      return `${await ask('SET', 'mark', 'afloat')} ${await ask('GET', 'mark')}`
    },
    end: () => ask('SHUTDOWN', 'NOSAVE'),
  })
}

async function visit(
  runtime: ContainerRuntime,
  name: string,
  running: Running,
  steps: { ask(): Promise<string | undefined>; end(): Promise<unknown> },
): Promise<Visit> {
  let ended: Finished | undefined
  void running.finished.then((finished) => (ended = finished))
  try {
    const answer = await until(`an answer from ${name}`, () => {
      if (ended !== undefined) throw new Error(failureOf(ended))
      return steps.ask()
    })
    await steps.end()
    return { answer, finished: await running.finished }
  } finally {
    if (ended === undefined) await runtime.remove(name)
  }
}
