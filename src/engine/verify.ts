/**
 * Verifying a profile: its image runs once under the permissive learning filter, for comparison, and then several times
 * under the profile, while the kernel tells which calls the filter refuses.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '../errors.js'
import { isObject } from '../seccomp/problem.js'
import { problemsOf } from '../seccomp/validate.js'
import {
  ContainerEngine,
  type ContainerSpec,
  type EngineName,
  ENGINES,
} from '../workload/container-engine.js'
import { findExecutable } from '../workload/executable.js'
import { type Libseccomp, libseccompOf } from '../workload/libseccomp.js'
import { otherwiseAnswered } from './default-answer.js'
import { CLOCK, hostVersions, requireSensor } from './host.js'
import { namesInProfile, readProfile, sha256Of } from './profile-file.js'
import { type DeniedInRuns, type SeenRun, type Verdict, verdictOf } from './verdict.js'
import { runAll, type VerifyEvents } from './verify-runs.js'

export interface VerifyOptions {
  readonly env: NodeJS.ProcessEnv
  /** What an engine finds it by, and its name for people. */
  readonly image: { readonly reference: string; readonly name: string }
  /** The profile. */
  readonly path: string
  /** Undefined: podman if it has the image, else docker. */
  readonly engine: EngineName | undefined
  readonly times: number
  /** A container that runs longer is asked to end. */
  readonly forMs: number
  readonly container: Pick<
    ContainerSpec,
    'command' | 'network' | 'user' | 'noNewPrivileges' | 'engineArguments'
  >
  /** The user wants it to end. */
  readonly stop: AbortSignal
  readonly events: VerifyEvents
}

/** A verification with everything that it rests on. */
export interface Verification {
  readonly image: string
  /** `sha256:` and the image's id. */
  readonly imageDigest: string
  readonly path: string
  /** What took the place of the image's own command; empty for that. */
  readonly command: readonly string[]
  /** Of the bytes that were verified, in hexadecimal. */
  readonly sha256: string
  readonly atMs: number
  /** `podman 4.3.1` */
  readonly engine: string
  /** `runc 1.1.5`; empty if it does not tell. */
  readonly runtime: string
  readonly kernel: string
  readonly bpftrace: string
  /** The runtime's libseccomp; undefined where none could be found. */
  readonly libseccomp: Pick<Libseccomp, 'path' | 'version'> | undefined
  /** What the profile does about calls that it does not name. */
  readonly defaultAction: string
  /** Names in the profile that it does not know: their rules have no effect. */
  readonly unknownNames: readonly string[]
  readonly reference: SeenRun
  /** Those that came to their end. */
  readonly runs: readonly SeenRun[]
  readonly verdict: Verdict
  /** Denied calls that the profile does not name, and that were not answered as its default says. */
  readonly otherwiseAnswered: readonly DeniedInRuns[]
}

/**
 * Verifies. Throws `PROFILE_UNUSABLE`, `FILE_UNREADABLE`, `IMAGE_NOT_FOUND` and `NOT_READY` before anything runs, and
 * `NOTHING_VERIFIED` if the image does not start without the profile. Removes the containers that it makes, whatever happens.
 */
export async function verifyProfile(options: VerifyOptions): Promise<Verification> {
  const { env, image, path } = options
  const { bytes, document } = await readProfile(path)
  const problem = problemsOf(document).find(({ severity }) => severity === 'error')
  if (problem !== undefined) {
    const where = problem.path === '' ? 'it' : problem.path
    throw failure('PROFILE_UNUSABLE', { path, problem: `${where} ${problem.problem}` })
  }
  await requireSensor(env)
  const { engine, imageId } = await engineWith(image.reference, options.engine, env)
  const versions = await engine.versions()
  const libseccomp = await libseccompOfRuntime(versions.runtime, env)
  const host = await hostVersions(env)
  const unknown = namesInProfile(document).filter((name) => libseccomp?.knows(name) === false)
  const seen = await withCopy(bytes, (profile) =>
    runAll({ ...options, image: image.name, engine, imageId, profile, bpftrace: host.bpftrace }),
  )
  const verdict = verdictOf({ ...seen, isInterrupted: options.stop.aborted })
  return {
    image: image.name,
    imageDigest: `sha256:${imageId.replace(/^sha256:/, '')}`,
    path,
    command: options.container.command,
    sha256: sha256Of(bytes),
    atMs: CLOCK.nowMs(),
    engine: `${engine.name} ${versions.engine}`.trim(),
    runtime: versions.runtime.version,
    ...host,
    libseccomp: libseccomp && { path: libseccomp.path, version: libseccomp.version },
    defaultAction: String(isObject(document) ? document['defaultAction'] : ''),
    unknownNames: unknown,
    reference: seen.reference,
    runs: seen.runs,
    verdict,
    otherwiseAnswered: otherwiseAnswered(document, verdict.denied),
  }
}

async function engineWith(
  image: string,
  wanted: EngineName | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly engine: ContainerEngine; readonly imageId: string }> {
  const problems: string[] = []
  for (const name of wanted === undefined ? ENGINES : [wanted]) {
    const engine = new ContainerEngine(name, env)
    const found = await engine.imageId(image)
    if ('id' in found) return { engine, imageId: found.id }
    problems.push(`${name}: ${found.problem}`)
  }
  throw failure('IMAGE_NOT_FOUND', { image, problem: problems.join('; ') })
}

async function libseccompOfRuntime(
  runtime: { readonly program: string; readonly versionText: string },
  env: NodeJS.ProcessEnv,
): Promise<Libseccomp | undefined> {
  const found = await findExecutable(runtime.program, env['PATH'], '/')
  return found.kind === 'found' ? libseccompOf(found.path, runtime.versionText) : undefined
}

/** What is verified are the bytes that were read, whatever happens to the file meanwhile. */
async function withCopy<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'plimsoll-verify-'))
  try {
    const path = join(directory, 'profile.json')
    await writeFile(path, bytes)
    return await use(path)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
