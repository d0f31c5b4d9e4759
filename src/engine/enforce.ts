/**
 * Holding the containers of this host to their sealed baselines: a session whose sensor also sees what is refused, the
 * detector that it feeds, and everything that happens from time to time - looking at the store, keeping what was learned,
 * counting repeats. What is new in a sealed image is kept as a candidate; nothing is widened by it.
 */
import type { BaselineStore } from '../baseline/store.js'
import type { Anomaly, Severity } from '../detect/anomaly.js'
import type { Action, Policy } from '../detect/policy.js'
import type { PlimsollError } from '../errors.js'
import type { ResponseRequest, ResponseResult } from '../respond/request.js'
import type { OperatorRecorder } from '../service/audit/recorder.js'
import { Enforcement } from './enforcement.js'
import type { ControlEvents, EnforcementControl } from './enforcement-control.js'
import { raisePriority } from './host.js'
import { ImageModes } from './image-modes.js'
import type { Selection } from './input.js'
import { observe, prepareHost } from './learn.js'
import { type LoadedPolicy, loadSeverityTable } from './policy-file.js'
import { findPolicy } from './policy-in-force.js'
import { rehearse } from './rehearsal.js'
import type { SessionEvents } from './session-events.js'

/** What a person or a program that listens may be told. */
export interface EnforceEvents
  extends Pick<SessionEvents, 'ready' | 'sensorEnded' | 'leftOut'>, ControlEvents {
  /** Before anything is watched: the policy in force, and how many images are held to a baseline. */
  begun(policy: LoadedPolicy, images: number): void
  /** So many containers are watched from now on. */
  watching(containers: number): void
  /** A first occurrence; told at once. */
  raised(anomaly: Anomaly): void
  /** It was seen again, some time ago. */
  repeated(anomaly: Anomaly): void
  responded(result: ResponseResult, anomaly: Anomaly): void
  /** The policy was read again: the new one is in force, or the old one stays. */
  reloaded(policy: LoadedPolicy): void
  refused(error: PlimsollError): void
  /** Something went wrong that does not end enforcement: a baseline that cannot be read or kept. */
  troubled(error: PlimsollError): void
}

/** Serves what enforcement is and does to other programs. */
export interface EnforceHost {
  /** Called once baselines and policy are read, and awaited before the probes are attached. */
  serve(control: EnforcementControl): Promise<void>
  /** The events to give to the session; each is told on to `inner`. */
  sessionHeard(inner: Partial<SessionEvents>): Partial<SessionEvents>
  /** A chunk of the sensor's bytes took so many seconds. */
  judgedIn(seconds: number): void
}

export interface EnforceOptions {
  readonly env: NodeJS.ProcessEnv
  readonly stateDirectory: string
  readonly store: BaselineStore
  readonly selection: Selection
  /** Undefined: that of the state directory, or the one that ships. */
  readonly policyPath: string | undefined
  /** What becomes of images without a sealed baseline; undefined: what the policy says. */
  readonly unknown: Policy['unknownImages'] | undefined
  readonly on: ReadonlyMap<Severity, Action>
  readonly dryRun: boolean
  readonly afterwards: ResponseRequest['afterwards']
  /** Where hooks leave a note of containers that started without their profile. */
  readonly spool: string
  readonly events: EnforceEvents
  readonly stop: AbortSignal
  /** Calls back each time that the policy is to be read again; returns what ends that. */
  readonly onReload: (reload: () => void) => () => void
  /** Puts on record what rules have done; undefined: nobody does. */
  readonly recorder?: OperatorRecorder | undefined
  /** What is around it for other programs. */
  readonly service?: EnforceHost | undefined
}

/**
 * Watches until `stop`. Throws what starting a session throws, `POLICY_INVALID` or `FILE_UNREADABLE` for a policy that cannot be
 * used, and `MODES_DAMAGED` for modes of images that cannot be read.
 */
export async function enforceContainers(options: EnforceOptions): Promise<void> {
  const { env, events, stop, selection } = options
  const policy = await findPolicy(options)
  const severity = await loadSeverityTable()
  const modes = await ImageModes.load(options.stateDirectory)
  const mount = await prepareHost(env)
  raisePriority()
  const enforcement = new Enforcement(options, { policy, severity, modes, mount })
  await enforcement.begin()
  const { service } = options
  await service?.serve(enforcement.control)
  const sessionEvents = enforcement.sessionEvents(events)
  const rehearsal = rehearse(policy.compiled, severity)
  const { finish, observer } = await observe(
    {
      env,
      events: service?.sessionHeard(sessionEvents) ?? sessionEvents,
      tracePath: undefined,
      stop,
      ...(service === undefined ? {} : { judgedIn: (seconds) => service.judgedIn(seconds) }),
    },
    {
      mount,
      selection,
      cgroupId: undefined,
      probes: enforcement.probes,
      session: enforcement.sessionOptions(),
    },
  )
  await rehearsal
  enforcement.start(observer.session)
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve()
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
  const { session } = await finish()
  await enforcement.end(session)
}
