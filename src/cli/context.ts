/** What every command gets, and the options that several commands share. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { BaselineStore } from '../baseline/store.js'
import { StoreActions } from '../engine/baseline-actions.js'
import type { OnRecord } from '../engine/on-record.js'
import { loadFloors } from '../engine/floors.js'
import { jsonText } from '../engine/json-text.js'
import { quoted } from '../errors.js'
import type { KnownFloor } from '../seccomp/floor.js'
import { OperatorLog } from '../service/audit/operator-log.js'
import type { OperatorRecorder } from '../service/audit/recorder.js'
import type { Terminal } from './terminal.js'

export interface Context {
  readonly terminal: Terminal
  /** Exit status; a command sets 3 where the answer is no, or its own command's status. */
  status: number
}

/** `--state DIR`, as every command has it that reads or keeps baselines. */
export function stateOption(): Option {
  return new Option(
    '--state <dir>',
    'where baselines are kept (default: $PLIMSOLL_STATE, /var/lib/plimsoll for root)',
  )
}

/** `--json`: for programs. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON')
}

/** The state directory: the option, the environment, the system's for root, else the XDG state directory. */
export function stateDirectory(option: string | undefined, env: NodeJS.ProcessEnv): string {
  if (option) return option
  if (env['PLIMSOLL_STATE']) return env['PLIMSOLL_STATE']
  if (process.geteuid?.() === 0) return '/var/lib/plimsoll'
  return join(
    env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state'),
    'plimsoll',
  )
}

export function storeOf(option: string | undefined, context: Context): BaselineStore {
  return new BaselineStore(stateDirectory(option, context.terminal.env))
}

/** Where commands that change the state put on record who did it. */
export function operatorLogOf(option: string | undefined, { terminal }: Context): OperatorRecorder {
  return new OperatorLog(stateDirectory(option, terminal.env), { nowMs: () => Date.now() })
}

/** What is needed to change the state on record. */
export function changingOf(
  option: string | undefined,
  context: Context,
): OnRecord & { readonly stateDirectory: string } {
  const { terminal } = context
  return {
    stateDirectory: stateDirectory(option, terminal.env),
    recorder: operatorLogOf(option, context),
    troubled: (error) =>
      terminal.say(`plimsoll: what came of it is not on record: ${quoted(error.message)}`),
  }
}

/** What people do to baselines, on record. */
export function baselineActionsOf(option: string | undefined, context: Context): StoreActions {
  return new StoreActions({
    ...changingOf(option, context),
    store: storeOf(option, context),
    nowMs: () => Date.now(),
    changed: () => undefined,
  })
}

/** The floors that profiles are built with here. */
export async function floorsOf(
  option: string | undefined,
  context: Context,
): Promise<readonly KnownFloor[]> {
  return loadFloors(stateDirectory(option, context.terminal.env))
}

/** A command with help behind usage errors; options of subcommands may follow their arguments. */
export function command(name: string, description: string): Command {
  return new Command(name).description(description)
}

export function printJson(context: Context, value: unknown): void {
  context.terminal.out(`${jsonText(value, 2)}\n`)
}
