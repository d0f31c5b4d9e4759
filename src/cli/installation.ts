/** What the installations of hook and runtime have in common on the command line. */
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { makeAppliedDirectory } from '../engine/applied.js'
import {
  changeableByOthers,
  type FailMode,
  type PrecreateCall,
  precreateCall,
} from '../engine/precreate-call.js'
import { DEFAULT_SPOOL } from '../engine/unapplied-spool.js'
import { quoted } from '../errors.js'
import { type Context, stateDirectory, stateOption } from './context.js'

export interface InstallFlags {
  readonly state?: string
  readonly spool: string
  readonly failOpen?: boolean
  readonly failClosed?: boolean
}

/** Adds the options that say what happens when a profile cannot be applied. */
export function withInstallOptions(sub: Command): Command {
  return sub
    .addOption(
      new Option(
        '--fail-closed',
        'refuse a container whose profile cannot be applied (default)',
      ).conflicts('failOpen'),
    )
    .option('--fail-open', 'start it without its profile, and leave a note for plimsoll enforce')
    .option('--spool <file>', 'where notes are left', DEFAULT_SPOOL)
    .addOption(stateOption())
}

/** What is to be started when a container is made; the directory it reads is there afterwards. */
export async function installationOf(
  context: Context,
  flags: InstallFlags,
): Promise<PrecreateCall> {
  const state = resolve(stateDirectory(flags.state, context.terminal.env))
  const fail: FailMode = flags.failOpen === true ? 'open' : 'closed'
  const call = await precreateCall(state, resolve(flags.spool), fail)
  await makeAppliedDirectory(state)
  const changeable = await changeableByOthers(call)
  if (changeable !== undefined) {
    context.terminal.say(
      `warning: root will run ${quoted(call.entry)} for every container, and others than root can change ${quoted(changeable)}`,
    )
  }
  return call
}

/** What happens to a container whose profile cannot be applied, in words. */
export function failText({ fail, spool }: PrecreateCall): string {
  return fail === 'closed'
    ? 'a container whose profile cannot be applied is refused'
    : `a container whose profile cannot be applied starts without, noted in ${quoted(spool)}`
}

/** Plain values for `--json`. */
export function callView({ node, entry, state, spool, fail }: PrecreateCall): object {
  return { fail, state, spool, node, entry }
}
