/** Stand-ins for container runtimes that give the captured answers: a service on a Unix socket and a command line. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunProcess } from '../../src/workload/bounded-process.js'
import { FIXTURES } from '../support/repository.js'

const DIRECTORY = join(FIXTURES, 'workload')

/** The text of a captured answer. */
export function captured(name: string): string {
  return readFileSync(join(DIRECTORY, name), 'utf8')
}

/** The container id in a captured inspect answer. */
export function capturedId(name: string): string {
  return /"Id": ?"([0-9a-f]{64})"/.exec(captured(name))?.[1] ?? ''
}

/** What a fake service does for one question. */
export type Answer = (asked: IncomingMessage, answer: ServerResponse) => void

/** A running fake service; `asked` are the paths it was asked for. */
export interface FakeService {
  readonly socketPath: string
  readonly asked: readonly string[]
}

/** The part of a test that a fake service needs to end with it. */
export interface Scope {
  teardown(fn: () => Promise<void>): unknown
}

/**
 * Serves on a socket until the test ends. The socket lies in a short directory of its own, because its path may have at
 * most 107 bytes (sockaddr_un).
 */
export async function serve(scope: Scope, onRequest: Answer): Promise<FakeService> {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-'))
  const socketPath = join(directory, 'runtime.sock')
  const asked: string[] = []
  const server = createServer((request, answer) => {
    asked.push(request.url ?? '')
    onRequest(request, answer)
  })
  scope.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    rmSync(directory, { recursive: true })
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return { socketPath, asked }
}

/** Answers as `docker` or `podman` did, while the container ran or after it was gone. */
export function capturedAnswers(runtime: 'docker' | 'podman', gone: boolean): Answer {
  return (request, answer) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const reply = (status: number, name: string): void => {
      answer.writeHead(status, { 'Content-Type': 'application/json' }).end(captured(name))
    }
    if (url.pathname === '/version') return reply(200, `${runtime}-version.json`)
    if (url.pathname.startsWith('/containers/')) {
      return gone
        ? reply(404, `${runtime}-container-404.json`)
        : reply(200, `${runtime}-container.json`)
    }
    if (url.pathname === '/images/localhost%2Ffixture%3A1/json') {
      return reply(200, `${runtime}-image.json`)
    }
    const ends =
      runtime === 'docker'
        ? url.searchParams.has('until')
        : url.searchParams.get('stream') === 'false'
    if (url.pathname === '/events' && ends && url.searchParams.has('since')) {
      return reply(200, `${runtime}-events.jsonl`)
    }
    answer.writeHead(500).end('{"message":"not captured"}')
  }
}

/** Runs no process, but answers as podman's command line did. */
export function capturedPodman(gone: boolean): RunProcess {
  return (_program, args) => {
    const output = (name: string): ReturnType<RunProcess> =>
      Promise.resolve({ code: 0, stdout: captured(name), problem: '' })
    const failed = (problem: string): ReturnType<RunProcess> =>
      Promise.resolve({ code: 125, stdout: '[]\n', problem })
    if (args[0] === 'version') return output('podman-cli-version.json')
    if (args[0] === 'events') return output('podman-cli-events.jsonl')
    if (args[0] === 'image') {
      return args.at(-1) === 'localhost/fixture:1'
        ? output('podman-cli-image.json')
        : failed(`Error: inspecting object: ${args.at(-1)}: image not known`)
    }
    return gone
      ? failed(`Error: inspecting object: no such container ${args.at(-1)}`)
      : output('podman-cli-container.json')
  }
}
