/** `plimsoll baseline diff`: what a later baseline does that an earlier one did not, and the check for CI. */
import { type Command } from 'commander'
import { type BaselineDiff, difference } from '../baseline/diff.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { diffText, diffView } from './diff-text.js'
import { FILE_OR_REFERENCE, loadBaseline } from './load-baseline.js'

interface DiffFlags {
  readonly state?: string
  readonly json?: boolean
  readonly check?: boolean
  readonly checkAny?: boolean
}

/** Answer "no": there is something new. */
const HAS_NEW = 3

export function diffCommand(context: Context): Command {
  return command('diff', 'show what a later baseline does that an earlier one does not')
    .argument('<before>', FILE_OR_REFERENCE)
    .argument('<after>', 'likewise')
    .option('--check', 'exit with status 3 if anything new is dangerous')
    .option('--check-any', 'exit with status 3 if anything is new')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (beforeRef: string, afterRef: string, flags: DiffFlags) => {
      const store = storeOf(flags.state, context)
      const before = await loadBaseline(store, beforeRef)
      const after = await loadBaseline(store, afterRef)
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
