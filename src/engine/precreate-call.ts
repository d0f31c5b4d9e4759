/**
 * How an engine starts `precreate.js`: by absolute paths, since hooks and runtimes have no PATH to rely on, and in such a way
 * that failing open holds even where it cannot be started at all.
 */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asProblem, failure } from '../errors.js'
import { PACKAGE_ROOT } from '../version.js'

export type FailMode = 'open' | 'closed'

/** One installation. All paths are absolute. */
export interface PrecreateCall {
  readonly node: string
  readonly entry: string
  readonly state: string
  readonly spool: string
  readonly fail: FailMode
}

/** The built entry of this package. */
const ENTRY = join(PACKAGE_ROOT, 'dist/cli/precreate.js')

/** The engine ends a hook after HOOK_SECONDS; what it starts has to have ended before, to be able to fail open. */
export const HOOK_SECONDS = 10
const STEP_SECONDS = HOOK_SECONDS - 2

/** The call for this package and this Node. Throws `FILE_UNREADABLE` where the package is not built. */
export async function precreateCall(
  state: string,
  spool: string,
  fail: FailMode,
): Promise<PrecreateCall> {
  try {
    await stat(ENTRY)
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path: ENTRY, problem: asProblem(thrown) }, thrown)
  }
  return { node: process.execPath, entry: ENTRY, state, spool, fail }
}

/** The words behind node. */
export function wordsOf(
  { entry, state, spool, fail }: PrecreateCall,
  mode: string,
): readonly string[] {
  return [entry, mode, '--state', state, '--spool', spool, `--fail-${fail}`]
}

/** The installation that such words are of; undefined if they are of something else. */
export function callOf(node: string, words: readonly string[]): PrecreateCall | undefined {
  const [entry, , stateFlag, state, spoolFlag, spool, fail] = words
  if (stateFlag !== '--state' || spoolFlag !== '--spool') return undefined
  if (entry === undefined || state === undefined || spool === undefined) return undefined
  if (fail !== '--fail-open' && fail !== '--fail-closed') return undefined
  return { node, entry, state, spool, fail: fail === '--fail-open' ? 'open' : 'closed' }
}

/** A shell command that runs its arguments for so long at most. */
export const BOUNDED = `timeout -k 1 ${STEP_SECONDS}`

/** A shell command that notes in the file `$spool` that the step itself failed: nothing better is known then. */
export const NOTE_FAILURE =
  `(umask 077; mkdir -p "\${spool%/*}"; printf '{"atMs":%s000,"outcome":"started",` +
  `"reason":"plimsoll could not be run when a container was made"}\\n' "$(date +%s)" >>"$spool")`

/** The word as a shell reads it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * The first of node, the entry and the directories above them that others than root may change, and with it what root
 * executes whenever a container is made; undefined if there is none.
 */
export async function changeableByOthers({
  node,
  entry,
}: Pick<PrecreateCall, 'node' | 'entry'>): Promise<string | undefined> {
  for (const path of [node, entry].flatMap(withAncestors)) {
    const { uid, mode } = await stat(path)
    if (uid !== 0 || (mode & 0o022) !== 0) return path
  }
  return undefined
}

function withAncestors(path: string): readonly string[] {
  const all = [path]
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) all.push(at)
  return all
}
