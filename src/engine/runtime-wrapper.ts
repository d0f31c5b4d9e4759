/**
 * The OCI runtime that stands in front of the real one, for Docker and for `podman --runtime`: a shell script, because it
 * has to become the real runtime (exec), which Node cannot. Only a call that makes a container pays for Node.
 */
import { dirname } from 'node:path'
import { failure } from '../errors.js'
import { writeWhole } from '../write-file.js'
import { makeDirectory, removeFile, textAt } from './owned-file.js'
import { BOUNDED, NOTE_FAILURE, type PrecreateCall, shellWord, wordsOf } from './precreate-call.js'

export const DEFAULT_WRAPPER = '/usr/local/libexec/plimsoll-runtime'

/** By this line a wrapper is known as plimsoll's own. */
const MARK = '# Written by plimsoll: an OCI runtime that applies learned seccomp profiles.'

/** What the script does where the step fails: `$?` is not 0, and a refusal has been said already. */
const ON_FAILURE = {
  closed: 'exit 1',
  open: NOTE_FAILURE,
} as const

/** The script. Its standard streams are the container's, so that nothing may read from or write to the first two. */
export function wrapperScript(call: PrecreateCall, runtime: string): string {
  const step = [call.node, ...wordsOf(call, 'bundle')].map(shellWord).join(' ')
  return `#!/bin/sh
${MARK}
spool=${shellWord(call.spool)}
for word in "$@"; do
  case $word in
  create | run)
    ${BOUNDED} ${step} -- "$@" </dev/null >/dev/null || ${ON_FAILURE[call.fail]}
    break
    ;;
  esac
done
exec ${shellWord(runtime)} "$@"
`
}

/** Writes the script. Throws `FILE_UNWRITABLE`, also where the file of that name is somebody else's. */
export async function writeWrapper(
  path: string,
  call: PrecreateCall,
  runtime: string,
): Promise<void> {
  if ((await wrapperAt(path)) === 'foreign') {
    throw failure('FILE_UNWRITABLE', { path, problem: 'it is there already and not of plimsoll' })
  }
  await makeDirectory(dirname(path))
  await writeWhole(path, wrapperScript(call, runtime), 0o755)
}

/** Removes the script if it is there and plimsoll's. Throws `FILE_UNREADABLE` and `FILE_UNWRITABLE`. */
export async function removeWrapper(path: string): Promise<boolean> {
  return (await wrapperAt(path)) === 'wrapper' && removeFile(path)
}

/** What is there under that name. Throws `FILE_UNREADABLE`. */
export async function wrapperAt(path: string): Promise<'none' | 'wrapper' | 'foreign'> {
  const text = await textAt(path)
  if (text === undefined) return 'none'
  return text.includes(MARK) ? 'wrapper' : 'foreign'
}
