/** `plimsoll baseline diff`: what a later baseline does that an earlier one did not, and the check for CI. */
import { stat } from 'node:fs/promises'
import { type Command } from 'commander'
import type { Baseline } from '../baseline/baseline.js'
import { type BaselineDiff, difference } from '../baseline/diff.js'
import type { BaselineStore } from '../baseline/store.js'
import { readBaselineFile } from './baseline-file.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { diffText, diffView } from './diff-text.js'

interface DiffFlags {
  readonly state?: string
  readonly json?: boolean
  readonly check?: boolean
  readonly checkAny?: boolean
}

/** Answer "no": there is something new. */
const HAS_NEW = 3

export function diffCommand(context: Context): Command {
  const what =
    'a baseline as `baseline ls` shows it, or an exported file (*.plb, /..., ./... or one that exists)'
  return command('diff', 'show what a later baseline does that an earlier one does not')
    .argument('<before>', what)
    .argument('<after>', 'likewise')
    .option('--check', 'exit with status 3 if anything new is dangerous')
    .option('--check-any', 'exit with status 3 if anything is new')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (beforeRef: string, afterRef: string, flags: DiffFlags) => {
      const store = storeOf(flags.state, context)
      const before = await load(store, beforeRef)
      const after = await load(store, afterRef)
      const diff = difference(before, after)
      if (flags.json === true) printJson(context, diffView(before, after, diff))
      else context.terminal.out(diffText(before, after, diff))
      if (isRefused(diff, flags)) context.status = HAS_NEW
    })
}

function isRefused({ changes }: BaselineDiff, flags: DiffFlags): boolean {
  const isDangerous = changes.some((change) => change.class === 'new-dangerous')
  const isNew = isDangerous || changes.some((change) => change.class === 'new')
  return (flags.check === true && isDangerous) || (flags.checkAny === true && isNew)
}

async function load(store: BaselineStore, ref: string): Promise<Baseline> {
  return (await isFile(ref)) ? readBaselineFile(ref) : store.load(ref)
}

/** A slash in the middle does not make a file: most image names have one. None begins with a slash or a dot. */
async function isFile(ref: string): Promise<boolean> {
  if (ref.endsWith('.plb') || /^\.{0,2}\//.test(ref)) return true
  const found = await stat(ref).catch(() => undefined)
  return found?.isFile() ?? false
}
