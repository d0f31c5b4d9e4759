/**
 * plimsoll as a user runs it: the built command line, with a private state directory. A session is one test's use of it;
 * whatever it started is gone when the test ends.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { MAIN as BUILT } from '../repository.js'
import type { BaselineView } from './baseline-view.js'
import { bpftraceOf, cgroupsOf, isParentTidy, MARK, removeCgroups } from './leftovers.js'
import { failureOf, run, start, type Finished, type RunOptions, type Running } from './process.js'
import { until } from './until.js'

/** The command line under test: the built one (`make build`), or an installed one that $PLIMSOLL_MAIN names. */
export const MAIN = process.env['PLIMSOLL_MAIN'] ?? BUILT

const ATTACH_MS = 90_000
const STOP_MS = 60_000

/** A `plimsoll learn` or `record` whose probes are attached. */
export interface Attached extends Running {
  /** What it said: `probes attached in N s`. */
  readonly attachSeconds: number
  /** Sends the signal (default SIGINT) and waits for the end and all output. */
  stop(signal?: NodeJS.Signals): Promise<Finished>
}

export interface LaunchOptions extends RunOptions {
  /** A program, with its first arguments, that executes the command that follows. */
  readonly through?: readonly [string, ...string[]]
}

/** One test's plimsoll. */
export class Session {
  /** Private directories, removed at the end. */
  readonly stateDir: string
  readonly workDir: string
  /** What every process of the session has in its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly #mark = randomUUID()
  readonly #pids: number[] = []
  readonly #running: Running[] = []

  constructor(t: Test, env: Readonly<Record<string, string>> = {}) {
    this.workDir = mkdtempSync(join(tmpdir(), 'plimsoll-live-'))
    this.stateDir = join(this.workDir, 'state')
    this.env = { ...env, [MARK]: this.#mark }
    t.teardown(() => this.#end())
  }

  /** A path in the session's work directory. */
  path(name: string): string {
    return join(this.workDir, name)
  }

  /** Runs one command to its end. `--state` is added. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const running = this.launch(args, options)
    running.child.stdin?.end(options.input ?? '')
    const timer = setTimeout(
      () => running.child.kill('SIGKILL'),
      options.timeoutMs ?? ATTACH_MS + STOP_MS,
    )
    const finished = await running.finished
    clearTimeout(timer)
    return finished
  }

  /** As `run`, for a command that has to succeed; throws with its stderr if it does not. */
  async mustRun(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const finished = await this.run(args, options)
    if (finished.code !== 0) throw new Error(failureOf(finished))
    return finished
  }

  /** Starts a command without waiting for anything. */
  launch(args: readonly string[], options: LaunchOptions = {}): Running {
    const [program, ...first] = options.through ?? []
    const argv =
      program === undefined ? this.argv(args) : [...first, process.execPath, ...this.argv(args)]
    const running = start(program ?? process.execPath, argv, {
      ...options,
      env: { ...this.env, ...options.env },
    })
    this.#pids.push(running.pid)
    this.#running.push(running)
    return running
  }

  /** Arguments of node for a command of this session: `--state` goes before the `--` of a command to run. */
  argv(args: readonly string[]): readonly string[] {
    const end = args.includes('--') ? args.indexOf('--') : args.length
    return [MAIN, ...args.slice(0, end), '--state', this.stateDir, ...args.slice(end)]
  }

  /** Counts a plimsoll that something else started (a shell, a terminal) among the session's. */
  adopt(pid: number): void {
    this.#pids.push(pid)
  }

  /** Starts a command and waits until its probes are attached. */
  async attach(args: readonly string[], options: LaunchOptions = {}): Promise<Attached> {
    const running = this.launch(args, options)
    const attachSeconds = await until(
      'the line "probes attached"',
      () => {
        if (running.child.exitCode !== null) throw new Error(`ended early: ${running.stderr()}`)
        const said = /probes attached in ([0-9.]+) s/.exec(running.stderr())
        return said?.[1] === undefined ? undefined : Number(said[1])
      },
      ATTACH_MS,
    )
    const stop = async (signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> => {
      running.child.kill(signal)
      return this.ended(running)
    }
    return { ...running, attachSeconds, stop }
  }

  /** Waits for the end of a command that is about to end by itself. */
  async ended(running: Running, timeoutMs = STOP_MS): Promise<Finished> {
    const timer = setTimeout(() => running.child.kill('SIGKILL'), timeoutMs)
    const finished = await running.finished
    clearTimeout(timer)
    return finished
  }

  /** The baseline that `ref` names, as `baseline show --json` gives it. */
  async show(ref: string): Promise<BaselineView> {
    const { stdout } = await this.mustRun(['baseline', 'show', ref, '--json'])
    // The shape is the CLI's documented output; what a test uses of it, it asserts.
    return JSON.parse(stdout) as BaselineView
  }

  /** The baseline's bytes, as `baseline export --format proto` writes them. */
  async exported(ref: string): Promise<Uint8Array> {
    const file = this.path(`export-${randomUUID()}.plb`)
    await this.mustRun(['baseline', 'export', ref, '--format', 'proto', '--out', file])
    return readFileSync(file)
  }

  /** Pids of the session's bpftrace processes. */
  bpftrace(): readonly number[] {
    return bpftraceOf(this.#mark)
  }

  /** Paths of the session's cgroups. */
  cgroups(): readonly string[] {
    return cgroupsOf(this.#pids)
  }

  /** Asserts that neither a bpftrace process nor a cgroup of this session is left. */
  async nothingLeft(t: Test): Promise<void> {
    t.same(this.bpftrace(), [], 'no bpftrace process is left')
    t.same(this.cgroups(), [], 'no cgroup is left')
    await until('the end of the cgroup above', isParentTidy)
  }

  async #end(): Promise<void> {
    for (const { child } of this.#running) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    }
    await Promise.all(this.#running.map((running) => running.exited))
    for (const pid of this.bpftrace()) process.kill(pid, 'SIGKILL')
    await removeCgroups(this.cgroups())
    await Promise.all(this.#running.map((running) => running.finished))
    rmSync(this.workDir, { recursive: true, force: true })
  }
}

/** Runs `main.js` outside of any session, for what needs no state. */
export function plimsoll(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, [MAIN, ...args], options)
}
