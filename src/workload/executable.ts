/**
 * Which file a command name stands for, decided as a shell does (POSIX, "Command Search and Execution") but before
 * anything is started, so that a mistyped name is an error of plimsoll's and not a run of an empty workload.
 */
import { access, constants, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Where the name leads. `not-executable` is what a shell answers with 126, `not-found` with 127. */
export type ExecutableSearch =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'not-executable'; readonly path: string; readonly problem: string }
  | { readonly kind: 'not-found' }

/** What a search uses when PATH is not set, as glibc's execvp and dash do in effect. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/**
 * Looks `name` up: a name with a slash is a path relative to `cwd`; any other is sought in the directories of `path`
 * (a PATH value; an empty element is `cwd`). The path found is absolute; symbolic links are not followed in it.
 */
export async function findExecutable(
  name: string,
  path: string | undefined,
  cwd: string,
): Promise<ExecutableSearch> {
  if (name === '') return { kind: 'not-found' }
  if (name.includes('/')) return examine(resolve(cwd, name))
  let refused: ExecutableSearch = { kind: 'not-found' }
  for (const directory of (path ?? DEFAULT_PATH).split(':')) {
    const found = await examine(resolve(cwd, directory, name))
    if (found.kind === 'found') return found
    // A later directory may have one that can be run; if none does, the first obstacle is the answer.
    if (found.kind === 'not-executable' && refused.kind === 'not-found') refused = found
  }
  return refused
}

async function examine(path: string): Promise<ExecutableSearch> {
  try {
    if (!(await stat(path)).isFile()) return { kind: 'not-executable', path, problem: 'not a file' }
  } catch {
    return { kind: 'not-found' }
  }
  try {
    await access(path, constants.X_OK)
    return { kind: 'found', path }
  } catch {
    return { kind: 'not-executable', path, problem: 'permission denied' }
  }
}
