/**
 * Learning live: a command in a cgroup of its own, or the containers of this host. Starts the parts in order, leaves
 * nothing behind whatever happens, and keeps what was learned in the store.
 */
import { randomUUID } from 'node:crypto'
import type { ImageIdentity } from '../baseline/image-identity.js'
import { byteStringOfText } from '../bytes.js'
import { failure } from '../errors.js'
import { VERSION } from '../version.js'
import { findCgroupMount } from '../workload/cgroup-mount.js'
import { createCommandCgroup, type CommandCgroup } from '../workload/command-cgroup.js'
import { identityOfCommand } from '../workload/command-identity.js'
import { startCommand, type RunningCommand } from '../workload/command.js'
import { findExecutable } from '../workload/executable.js'
import { exitStatusOf } from '../workload/exit-status.js'
import { cleanUpStale, removeEmptyParent } from '../workload/stale-cgroups.js'
import { hostVersions, requireSensor } from './host.js'
import type { Selection } from './input.js'
import { Observer } from './observer.js'
import type { LearningSession, SessionEvents } from './session.js'
import { TraceWriter } from './trace-file.js'

/** What both kinds of learning take. */
export interface LearnOptions {
  readonly env: NodeJS.ProcessEnv
  readonly events: Partial<SessionEvents>
  /** Write the session's inputs to this file. */
  readonly tracePath: string | undefined
  /** The user wants it to end. */
  readonly stop: AbortSignal
}

export interface CommandOptions extends LearnOptions {
  readonly argv: readonly string[]
  readonly cwd: string
  /** Told when the command runs, to forward signals to it; returns what ends that. */
  readonly onStarted: (command: RunningCommand, kill: () => void) => () => void
}

export interface ContainersOptions extends LearnOptions {
  readonly selection: Selection
  /** Ends after so many runs have ended. */
  readonly runs: number | undefined
}

/** What a session learned, ready to be stored. */
export interface Learned {
  readonly session: LearningSession
}

export interface LearnedCommand extends Learned {
  /** Status of the command, as a shell gives it. */
  readonly status: number
  /** Processes that the command left behind and that were ended with it. */
  readonly leftBehind: boolean
}

/** Runs and learns one command. Throws before it is started if it cannot be found or nothing can be observed. */
export async function learnCommand(options: CommandOptions): Promise<LearnedCommand> {
  const { argv, cwd, env } = options
  const image = await commandImage(argv, cwd, env)
  const mount = await prepareHost(env)
  const cgroup = await createCommandCgroup(mount)
  let observer: Observer | undefined
  try {
    const trace = await openTrace(options.tracePath)
    observer = await startObserver(options, mount, NO_CONTAINERS, cgroup.id, trace)
    observer.feed.give({ kind: 'command', cgroupId: cgroup.id, image })
    const { status, leftBehind } = await runIn(cgroup, options)
    await observer.detach()
    await trace?.close()
    return { session: observer.session, status, leftBehind }
  } finally {
    await observer?.detach()
    await cgroup.kill().catch(() => undefined)
    await cgroup.remove()
    await removeEmptyParent(mount)
  }
}

/** Learns the containers of this host until `stop`, or until enough runs have ended. */
export async function learnContainers(options: ContainersOptions): Promise<Learned> {
  const mount = await prepareHost(options.env)
  const trace = await openTrace(options.tracePath)
  let ended = 0
  let enough = (): void => undefined
  const done = new Promise<void>((resolve) => {
    enough = resolve
    options.stop.addEventListener('abort', () => resolve(), { once: true })
    if (options.stop.aborted) resolve()
  })
  const events: Partial<SessionEvents> = {
    ...options.events,
    runEnded: (run) => {
      options.events.runEnded?.(run)
      if (++ended === options.runs) enough()
    },
  }
  const observer = await startObserver(
    { ...options, events },
    mount,
    options.selection,
    undefined,
    trace,
  )
  await done
  await observer.detach()
  await trace?.close()
  return { session: observer.session }
}

/** Time between SIGTERM and the end of everything in the cgroup. */
const GRACE_MS = 5000

const NO_CONTAINERS: Selection = { all: false, image: '', container: '' }

/** Checks the host, takes away what a killed plimsoll left, and finds the cgroup tree. */
async function prepareHost(env: NodeJS.ProcessEnv): Promise<string> {
  await requireSensor(env)
  const mount = await findCgroupMount()
  await cleanUpStale(mount)
  return mount
}

async function openTrace(path: string | undefined): Promise<TraceWriter | undefined> {
  return path === undefined ? undefined : TraceWriter.create(path)
}

async function startObserver(
  options: LearnOptions,
  mount: string,
  selection: Selection,
  cgroupId: number | undefined,
  trace: TraceWriter | undefined,
): Promise<Observer> {
  const versions = await hostVersions(options.env)
  const observer = new Observer({
    env: options.env,
    facts: { sessionId: randomUUID(), plimsoll: VERSION, ...versions, selection },
    mount,
    cgroupId,
    trace,
    events: options.events,
  })
  await observer.attach()
  return observer
}

async function commandImage(
  argv: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<ImageIdentity> {
  const name = argv[0] ?? ''
  const found = await findExecutable(name, env['PATH'], cwd)
  if (found.kind === 'not-found') throw failure('COMMAND_NOT_FOUND', { command: name })
  if (found.kind === 'not-executable') {
    throw failure('COMMAND_NOT_EXECUTABLE', { command: found.path, problem: found.problem })
  }
  const identity = await identityOfCommand(found.path, argv)
  return { ...identity, entrypoint: identity.entrypoint.map((word) => byteStringOfText(word)) }
}

async function runIn(
  cgroup: CommandCgroup,
  options: CommandOptions,
): Promise<Pick<LearnedCommand, 'status' | 'leftBehind'>> {
  const command = await startCommand(options.argv, cgroup, { env: options.env, cwd: options.cwd })
  const kill = (): void => void cgroup.kill().catch(() => undefined)
  const release = options.onStarted(command, kill)
  let insist: NodeJS.Timeout | undefined
  const end = (): void => {
    command.signal('SIGTERM')
    insist = setTimeout(kill, GRACE_MS)
  }
  options.stop.addEventListener('abort', end, { once: true })
  if (options.stop.aborted) end()
  try {
    const exit = await command.exited
    const leftBehind = await cgroup.populated().catch(() => false)
    if (leftBehind) await cgroup.kill()
    return { status: exitStatusOf(exit), leftBehind }
  } finally {
    release()
    clearTimeout(insist)
    options.stop.removeEventListener('abort', end)
  }
}
