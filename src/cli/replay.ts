/** `plimsoll replay`: learn from a trace instead of the kernel. */
import type { Command } from 'commander'
import { keep } from '../engine/keep.js'
import { replay } from '../engine/replay.js'
import {
  command,
  type Context,
  floorsOf,
  jsonOption,
  printJson,
  stateOption,
  storeOf,
} from './context.js'
import { summaryLines, summaryOf } from './summary.js'

export function replayCommand(context: Context): Command {
  return command('replay', 'learn from a trace that `record` saved; needs no kernel support')
    .argument('<file>', 'the trace')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: { state?: string; json?: boolean }) => {
      const store = storeOf(flags.state, context)
      const floors = await floorsOf(flags.state, context)
      const kept = await keep(store, await replay(file))
      const summaries = kept.map((baseline) => summaryOf(baseline, floors))
      if (flags.json === true) printJson(context, summaries)
      else {
        for (const summary of summaries) {
          context.terminal.out(`${summaryLines(summary).join('\n')}\n`)
        }
      }
    })
}
