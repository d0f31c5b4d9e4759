/** An OCI runtime of the host, and its version. */
import { runBounded } from './bounded-process.js'
import { findExecutable } from './executable.js'
import { RuntimeError } from './oci-runtime.js'
import { parseRuntimeVersion, type RuntimeVersion } from './oci-version.js'

export interface FoundRuntime<Name extends string = string> extends RuntimeVersion {
  readonly runtime: Name
  readonly program: string
}

const VERSION_MS = 10_000
/** Where distributions put runtimes; a user's PATH may leave it out. */
const SYSTEM = '/usr/sbin:/sbin'
const DEFAULT = '/usr/local/bin:/usr/bin:/bin'

/** The runtime of that name on `path` (a PATH value). Throws `RuntimeError` where there is none that says its version. */
export async function findOciRuntime<Name extends string>(
  name: Name,
  path: string | undefined,
): Promise<FoundRuntime<Name>> {
  const found = await findExecutable(name, `${path ?? DEFAULT}:${SYSTEM}`, '/')
  if (found.kind === 'not-found') throw new RuntimeError('not installed')
  if (found.kind === 'not-executable') throw new RuntimeError(`${found.path}: ${found.problem}`)
  const signal = AbortSignal.timeout(VERSION_MS)
  const { code, stdout, problem } = await runBounded(found.path, ['--version'], signal)
  const version = code === 0 ? parseRuntimeVersion(name, stdout) : undefined
  if (version === undefined) throw new RuntimeError(problem || 'its version cannot be read')
  return { ...version, runtime: name, program: found.path }
}
