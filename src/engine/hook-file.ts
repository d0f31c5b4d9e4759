/**
 * The hook of podman and CRI-O on disk: one file in a directory that they read, as oci-hooks(5) has it. podman 4.3 reads
 * /usr/share/containers/oci/hooks.d without being told to and honours `precreate` there.
 */
import { join } from 'node:path'
import { memberAt, parseJson, stringAt, stringsAt } from '../workload/json-fields.js'
import { writeWhole } from '../write-file.js'
import { makeDirectory, removeFile, textAt } from './owned-file.js'
import {
  BOUNDED,
  callOf,
  HOOK_SECONDS,
  NOTE_FAILURE,
  type PrecreateCall,
  wordsOf,
} from './precreate-call.js'

export const DEFAULT_HOOKS_DIR = '/usr/share/containers/oci/hooks.d'

const NAME = 'plimsoll.json'

/** What lies in a hooks directory under plimsoll's name. */
export type FoundHook =
  | { readonly kind: 'none' }
  | { readonly kind: 'hook'; readonly path: string; readonly call: PrecreateCall }
  | { readonly kind: 'foreign'; readonly path: string }

/** Passes the configuration on as it came if the step, which answers for its own failures, cannot be run. `$0` is the spool. */
const OPEN_SCRIPT =
  `spool=$0; config=$(cat); if changed=$(printf %s "$config" | ${BOUNDED} "$@") && ` +
  `[ -n "$changed" ]; then printf %s "$changed"; else printf %s "$config"; ${NOTE_FAILURE}; fi`

export function hookPath(directory: string): string {
  return join(directory, NAME)
}

/** Writes the hook, in place of one that is there. Throws `FILE_UNWRITABLE`. */
export async function installHook(directory: string, call: PrecreateCall): Promise<void> {
  await makeDirectory(directory)
  await writeWhole(hookPath(directory), `${JSON.stringify(hookDocument(call), null, 2)}\n`, 0o644)
}

/** Removes it; false if there is none. Throws `FILE_UNWRITABLE`. */
export function removeHook(directory: string): Promise<boolean> {
  return removeFile(hookPath(directory))
}

/** What is installed in that directory. Throws `FILE_UNREADABLE`. */
export async function findHook(directory: string): Promise<FoundHook> {
  const path = hookPath(directory)
  const text = await textAt(path)
  if (text === undefined) return { kind: 'none' }
  const hook = memberAt(parseJson(text), 'hook')
  const args = stringsAt(hook, 'args')
  const program = stringAt(hook, 'path') ?? ''
  const [node = '', ...words] =
    program === SHELL ? args.slice(SCRIPT_WORDS) : [program, ...args.slice(1)]
  const call = callOf(node, words)
  return call === undefined ? { kind: 'foreign', path } : { kind: 'hook', path, call }
}

const SHELL = '/bin/sh'
/** `sh -c SCRIPT SPOOL` go before what the script runs. */
const SCRIPT_WORDS = 4

function hookDocument(call: PrecreateCall): unknown {
  const words = wordsOf(call, 'hook')
  const hook =
    call.fail === 'closed'
      ? { path: call.node, args: ['plimsoll', ...words] }
      : { path: SHELL, args: ['sh', '-c', OPEN_SCRIPT, call.spool, call.node, ...words] }
  return {
    version: '1.0.0',
    hook: { ...hook, timeout: HOOK_SECONDS },
    when: { always: true },
    stages: ['precreate'],
  }
}
