/**
 * An OCI runtime by its own command line, without an engine in between: `create`, `start`, `exec` and `delete`, as runc
 * and crun share them. Each call is a process that is bounded in time; what the runtime said when it failed comes from its
 * log, because its standard streams are the container's.
 */
import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asProblem } from '../errors.js'
import { parseJson, stringAt } from './json-fields.js'

/** Where a container's standard streams lead: nowhere, to pipes, or to a terminal behind that console socket. */
export type Streams = 'null' | 'pipe' | { readonly consoleSocket: string }

/** A call that failed, in the runtime's words. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
}

/** A container takes some 50 ms; a runtime that needs so long hangs. */
const TIMEOUT_MS = 20_000
const LOG_BYTES = 64 * 1024
const SAID_CHARACTERS = 300

export class OciRuntime {
  readonly #program: string
  /** Private, so that no container of the host is ever in reach. */
  readonly #stateDir: string
  #calls = 0

  /** `stateDir`: an existing directory, where the runtime's state and logs are kept. */
  constructor(program: string, stateDir: string) {
    this.#program = program
    this.#stateDir = stateDir
  }

  /** Makes the container; its program waits for `start`. */
  async create(id: string, bundle: string, streams: Streams): Promise<void> {
    await this.#call(['create', '--bundle', bundle, ...consoleFlags(streams), id], streams)
  }

  async start(id: string): Promise<void> {
    await this.#call(['start', id], 'null')
  }

  /** `create` and `start` in one. Returns when the container's program has been let go. */
  async run(id: string, bundle: string, streams: Streams): Promise<void> {
    const flags = ['--detach', '--bundle', bundle, ...consoleFlags(streams)]
    await this.#call(['run', ...flags, id], streams)
  }

  /** Puts the process of the file `process` into a running container. Does not wait for its end. */
  async exec(id: string, process: string, streams: Streams): Promise<void> {
    const flags = ['--detach', '--process', process, ...consoleFlags(streams)]
    await this.#call(['exec', ...flags, id], streams)
  }

  /** Kills what is in it and takes it away; gone already is success. */
  async remove(id: string): Promise<void> {
    await this.#call(['delete', '--force', id], 'null')
  }

  /** Throws `RuntimeError` where the runtime fails, hangs or cannot be run. */
  async #call(args: readonly string[], streams: Streams): Promise<void> {
    const log = join(this.#stateDir, `log-${this.#calls++}`)
    const stdio: StdioOptions = streams === 'pipe' ? ['ignore', 'pipe', 'pipe'] : 'ignore'
    const late = AbortSignal.timeout(TIMEOUT_MS)
    const flags = ['--root', join(this.#stateDir, 'containers'), '--log', log]
    // In a session of its own: Ctrl-C at the terminal must not leave it half done.
    const child = spawn(this.#program, [...flags, '--log-format', 'json', ...args], {
      stdio,
      detached: true,
      signal: late,
      killSignal: 'SIGKILL',
    })
    // Read to nowhere: a full pipe would stop the container.
    child.stdout?.resume()
    child.stderr?.resume()
    try {
      // Not its `close`: the container still holds the pipes.
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (code === 0) return
      const how = `${args[0] ?? ''} ended with ${signal ?? `status ${code}`}`
      throw new RuntimeError((await lastWords(log)) || how)
    } catch (thrown) {
      // One that could not be started at all has no exit but an error.
      if (thrown instanceof RuntimeError) throw thrown
      const how = late.aborted ? `${args[0] ?? ''} hung` : asProblem(thrown)
      throw new RuntimeError(how)
    } finally {
      child.stdout?.destroy()
      child.stderr?.destroy()
      await rm(log, { force: true })
    }
  }
}

function consoleFlags(streams: Streams): readonly string[] {
  return typeof streams === 'string' ? [] : ['--console-socket', streams.consoleSocket]
}

/** The last error in a log of JSON lines, bounded; empty where there is none. */
async function lastWords(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '')
  const messages = text
    .slice(-LOG_BYTES)
    .split('\n')
    .map((line) => stringAt(parseJson(line), 'msg'))
    .filter((message) => message !== undefined)
  return (messages.at(-1) ?? '').slice(0, SAID_CHARACTERS)
}
