/** The containers of a verification, one after the other, under one sensor. */
import { join } from 'node:path'
import { failure } from '../errors.js'
import type { Incompleteness } from '../observation.js'
import { DENIAL_PROBES } from '../sensor/program.js'
import { PACKAGE_ROOT } from '../version.js'
import type { ContainerEngine, ContainerSpec } from '../workload/container-engine.js'
import { attachSensor } from './attach.js'
import type { Denials } from './denial-tally.js'
import { DenialWatch } from './denial-watch.js'
import { CLOCK } from './host.js'
import { saidLines } from './said-lines.js'
import type { SeenRun } from './verdict.js'
import { type ContainerRun, runContainer } from './verify-run.js'

/** What a person who waits may be told. */
export interface VerifyEvents {
  /** A container is about to run; 0 is the one without the profile. */
  running(run: number): void
}

export interface RunsOptions {
  readonly env: NodeJS.ProcessEnv
  readonly engine: ContainerEngine
  /** As the user named it, for messages. */
  readonly image: string
  readonly imageId: string
  /** Path of the profile. */
  readonly profile: string
  readonly bpftrace: string
  readonly times: number
  readonly forMs: number
  readonly container: Omit<ContainerSpec, 'image' | 'name' | 'seccomp'>
  readonly stop: AbortSignal
  readonly events: VerifyEvents
}

export interface SeenRuns {
  readonly reference: SeenRun
  /** Those that came to their end before the user wanted it to stop. */
  readonly runs: readonly SeenRun[]
  readonly missed: readonly Incompleteness[]
}

/** The permissive filter under which the image runs for comparison. */
const REFERENCE_FILTER = join(PACKAGE_ROOT, 'profiles', 'learning.json')

/**
 * Runs the image once under the permissive filter and `times` times under the profile. Throws `NOTHING_VERIFIED` if it does
 * not start without the profile, or if it was stopped before that run was over.
 */
export async function runAll(options: RunsOptions): Promise<SeenRuns> {
  let onReady = (): void => undefined
  const ready = new Promise<void>((resolve) => {
    onReady = resolve
  })
  const watch = new DenialWatch(() => onReady())
  const sensor = await attachSensor({
    env: options.env,
    bpftrace: options.bpftrace,
    probes: DENIAL_PROBES,
    cgroupId: undefined,
    give: (fact) => watch.apply(fact, CLOCK.nowMs()),
    ready,
    stop: options.stop,
  })
  let ended: readonly ContainerRun[]
  try {
    ended = await runUnderSensor(options)
  } finally {
    // Its last maps come when it ends.
    await sensor.stop()
  }
  const missed = watch.missed()
  const [reference, ...runs] = ended.map((run) =>
    seenRun(run, watch.ofContainer(run.containerId), missed.length > 0),
  )
  if (reference === undefined) {
    throw failure('NOTHING_VERIFIED', {
      problem: 'it was stopped before the first container had ended',
      remedy: 'Run it again.',
    })
  }
  return { reference, runs, missed }
}

/**
 * What engine and kernel say together. A runtime may have started its own process, which then died of the filter before it
 * executed the entrypoint: only the kernel knows, if it was heard in full.
 */
function seenRun(run: ContainerRun, denials: Denials | undefined, isPartial: boolean): SeenRun {
  const hasDied = run.end.kind === 'exited' && denials?.hasStarted === false && !isPartial
  return { ...run, denials, ...(hasDied ? { end: { kind: 'not-started' } } : {}) }
}

async function runUnderSensor(options: RunsOptions): Promise<readonly ContainerRun[]> {
  const { stop, events, engine, imageId, profile } = options
  const ended: ContainerRun[] = []
  for (let run = 0; run <= options.times && !stop.aborted; run++) {
    events.running(run)
    const seccomp = run === 0 ? REFERENCE_FILTER : profile
    const spec = { ...options.container, image: imageId, seccomp }
    const container = await runContainer(engine, spec, options.forMs, stop)
    // One that was cut short says nothing of the profile.
    if (stop.aborted) break
    if (run === 0 && container.end.kind === 'not-started') {
      const said = saidLines(container.said).join('; ')
      throw failure('NOTHING_VERIFIED', {
        problem: `${options.image} does not start without the profile either: ${said}`,
        remedy:
          'Run it by hand first; what it needs goes into --engine-arg, --user, --network or a command after --.',
      })
    }
    ended.push(container)
  }
  return ended
}
