/**
 * Calibration: measuring what the host's own runtimes call between loading a filter and the exec of the program, with
 * containers that do nothing. Whatever happens, no container, cgroup or directory is left behind.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asProblem, failure } from '../errors.js'
import type { FloorDocument } from '../seccomp/floor-document.js'
import { RUNTIMES, type Runtime } from '../seccomp/floor-tables.js'
import { VERSION } from '../version.js'
import { createCommandCgroup } from '../workload/command-cgroup.js'
import { RuntimeError } from '../workload/oci-runtime.js'
import { cleanUpStale, removeEmptyParent } from '../workload/stale-cgroups.js'
import { v1Mounts } from '../workload/v1-cgroups.js'
import { type Candidate, candidateOf, type Place } from './calibrate-candidate.js'
import { Measurement, Unmeasurable } from './calibrate-measure.js'
import type { Tally } from './calibrate-rounds.js'
import { CalibrationSensor } from './calibrate-sensor.js'
import { CLOCK, hostVersions } from './host.js'
import { prepareHost } from './learn.js'

export interface CalibrationOptions {
  readonly env: NodeJS.ProcessEnv
  /** Which runtimes to measure; empty means all that are there. */
  readonly runtimes: readonly Runtime[]
  readonly stop: AbortSignal
  readonly progress: (runtime: Runtime, round: number, tally: Tally) => void
}

/** A runtime and its floor, or why there is none. */
export type Calibration =
  | {
      readonly kind: 'measured'
      readonly document: FloorDocument
      /** Why rounds did not count, one entry each. */
      readonly spoiled: readonly string[]
    }
  | Extract<Candidate, { kind: 'unavailable' }>

/**
 * Measures one runtime after the other; takes about half a minute for each. Throws `NOT_READY` where this host cannot run
 * the sensor; `CALIBRATION_FAILED` where not one runtime could be measured, or it was stopped.
 */
export async function calibrate(options: CalibrationOptions): Promise<readonly Calibration[]> {
  await requireNoFilter()
  const mount = await prepareHost(options.env)
  // What a calibration that was killed has left there.
  for (const v1 of await v1Mounts()) await cleanUpStale(v1)
  const directory = await workDirectory()
  try {
    const cgroup = await createCommandCgroup(mount)
    try {
      return await calibrateIn({ mount, cgroup: cgroup.path, directory }, options)
    } finally {
      await cgroup.kill()
      await cgroup.remove()
      await removeEmptyParent(mount)
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function calibrateIn(
  place: Place,
  options: CalibrationOptions,
): Promise<readonly Calibration[]> {
  const candidates: Candidate[] = []
  for (const runtime of options.runtimes.length > 0 ? options.runtimes : RUNTIMES) {
    candidates.push(await candidateOf(runtime, place, options.env['PATH']))
  }
  requireOne(candidates)
  return measured(candidates, options)
}

async function workDirectory(): Promise<string> {
  const path = join(tmpdir(), 'plimsoll-calibrate-')
  try {
    return await mkdtemp(path)
  } catch (thrown) {
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

async function measured(
  candidates: readonly Candidate[],
  options: CalibrationOptions,
): Promise<readonly Calibration[]> {
  const versions = await hostVersions(options.env)
  const sensor = new CalibrationSensor({ env: options.env, bpftrace: versions.bpftrace })
  await sensor.attach()
  try {
    const calibrations: Calibration[] = []
    for (const candidate of candidates) {
      calibrations.push(
        candidate.kind === 'usable'
          ? await measureOne(candidate, sensor, versions, options)
          : candidate,
      )
    }
    requireOne(calibrations)
    return calibrations
  } finally {
    await sensor.detach()
  }
}

async function measureOne(
  { found, workshop }: Extract<Candidate, { kind: 'usable' }>,
  sensor: CalibrationSensor,
  versions: { readonly kernel: string; readonly bpftrace: string },
  { stop, progress }: CalibrationOptions,
): Promise<Calibration> {
  const { runtime, version, release, facts } = found
  const measurement = new Measurement({
    runtime,
    workshop,
    sensor,
    stop,
    progress: (round, tally) => progress(runtime, round, tally),
  })
  let tally: Tally
  try {
    tally = await measurement.run()
  } catch (thrown) {
    if (!(thrown instanceof RuntimeError || thrown instanceof Unmeasurable)) throw thrown
    return { kind: 'unavailable', runtime, problem: thrown.message }
  }
  const document: FloorDocument = {
    format: 1,
    runtime,
    version,
    release,
    facts,
    architecture: 'x86_64',
    measuredAt: new Date(CLOCK.nowMs()).toISOString(),
    kernel: numberOf(versions.kernel),
    bpftrace: numberOf(versions.bpftrace),
    plimsoll: VERSION,
    quietRounds: tally.quiet,
    tried: tally.tried,
    floors: tally.floors,
  }
  return { kind: 'measured', document, spoiled: tally.spoiled }
}

function requireOne(results: readonly (Candidate | Calibration)[]): void {
  const unavailable = results.filter((result) => result.kind === 'unavailable')
  const [first, ...others] = unavailable
  if (first === undefined || unavailable.length < results.length) return
  const all = unavailable.map(({ runtime, problem }) => `${runtime}: ${problem}`).join('; ')
  throw failure('CALIBRATION_FAILED', {
    runtime: others.length === 0 ? first.runtime : 'any runtime',
    problem: others.length === 0 ? first.problem : all,
    remedy:
      'Install runc or crun and run as root; the temporary directory ($TMPDIR) must allow programs.',
  })
}

/** Under a filter of plimsoll's own, everything that a runtime does would look like its floor. */
async function requireNoFilter(): Promise<void> {
  const status = await readFile('/proc/self/status', 'utf8')
  if (/^Seccomp:\s*0$/m.test(status)) return
  throw failure('NOT_READY', {
    problem: 'plimsoll itself runs under a seccomp filter',
    remedy: 'Calibrate on the host, or in a container with --security-opt seccomp=unconfined.',
  })
}

/** The numbers of a version; what a distribution or a host added says nothing about behaviour. */
function numberOf(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? 'unknown'
}
