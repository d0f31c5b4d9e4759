/** What learning a command and learning containers have in common: what they take, what they give, how they start. */
import { randomUUID } from 'node:crypto'
import { FIRST_KINDS } from '../baseline/kinds.js'
import type { PlimsollError } from '../errors.js'
import { asPlimsollError } from '../errors.js'
import { versionOf } from '../sensor/dialect.js'
import { LEARNING_PROBES, LEARNING_PROBES_IOCTL, type ProbeName } from '../sensor/program.js'
import { VERSION } from '../version.js'
import { findCgroupMount } from '../workload/cgroup-mount.js'
import { cleanUpStale } from '../workload/stale-cgroups.js'
import { hostVersions, observedKinds, requireSensor } from './host.js'
import type { Selection } from './input.js'
import { Observer } from './observer.js'
import type { LearningSession } from './session.js'
import type { SessionEvents, SessionOptions } from './session-events.js'
import { TraceWriter } from './trace-file.js'

export interface LearnOptions {
  readonly env: NodeJS.ProcessEnv
  readonly events: Partial<SessionEvents>
  /** Also learn which requests ioctl is called with. Default: no. */
  readonly ioctl?: boolean
  /** Write the session's inputs to this file. */
  readonly tracePath: string | undefined
  /** The user wants it to end. */
  readonly stop: AbortSignal
  /** Told of each chunk of the sensor's bytes how many seconds it took. */
  readonly judgedIn?: (seconds: number) => void
}

/** What a session learned, ready to be stored. */
export interface Learned {
  readonly session: LearningSession
  /** The trace could not be written; what was learned is there all the same. */
  readonly traceFailure: PlimsollError | undefined
}

/** What a session watches. */
export interface Watched {
  readonly mount: string
  readonly selection: Selection
  /** The one cgroup to watch; undefined for all containers. */
  readonly cgroupId: number | undefined
  /** Default: what learning what was asked for needs. */
  readonly probes?: readonly ProbeName[]
  readonly session?: SessionOptions
}

/** Checks the host, takes away what a killed plimsoll left, and finds the cgroup tree. */
export async function prepareHost(env: NodeJS.ProcessEnv): Promise<string> {
  await requireSensor(env)
  const mount = await findCgroupMount()
  await cleanUpStale(mount)
  return mount
}

/** A session whose probes are attached, with its trace. */
export interface Observation {
  readonly observer: Observer
  /** Stops the sensor, ends the session and its trace. */
  readonly finish: () => Promise<Learned>
}

/**
 * Starts a session and waits for its probes, or for `stop`: then `observer.session.isReady` is false. Throws what
 * `Observer.attach` throws, and leaves no half-written trace behind then.
 */
export async function observe(options: LearnOptions, watched: Watched): Promise<Observation> {
  const { env, tracePath, events, stop } = options
  const versions = await hostVersions(env)
  const version = versionOf(versions.bpftrace)
  const probes =
    watched.probes ?? (options.ioctl === true ? LEARNING_PROBES_IOCTL : LEARNING_PROBES)
  const trace = tracePath === undefined ? undefined : await TraceWriter.create(tracePath)
  const observer = new Observer({
    env,
    facts: {
      sessionId: randomUUID(),
      plimsoll: VERSION,
      ...versions,
      selection: watched.selection,
      kinds: version === undefined ? FIRST_KINDS : await observedKinds(version, probes),
    },
    mount: watched.mount,
    cgroupId: watched.cgroupId,
    probes,
    trace,
    events,
    session: watched.session ?? {},
    ...(options.judgedIn === undefined ? {} : { judgedIn: options.judgedIn }),
  })
  try {
    await observer.attach(stop)
  } catch (thrown) {
    await trace?.abandon()
    throw thrown
  }
  return {
    observer,
    finish: async () => {
      await observer.detach()
      return { session: observer.session, traceFailure: await failureOf(trace) }
    },
  }
}

async function failureOf(trace: TraceWriter | undefined): Promise<PlimsollError | undefined> {
  try {
    await trace?.close()
    return undefined
  } catch (thrown) {
    return asPlimsollError(thrown)
  }
}
