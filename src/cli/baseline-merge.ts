/** `plimsoll baseline merge`: what shards, replicas and hosts learned of one image, in one file. */
import { type Command } from 'commander'
import { Baseline } from '../baseline/baseline.js'
import { encodeBaseline } from '../baseline/codec.js'
import { merged } from '../baseline/merge.js'
import { writeWhole } from '../write-file.js'
import {
  command,
  type Context,
  floorsOf,
  jsonOption,
  printJson,
  stateOption,
  storeOf,
} from './context.js'
import { FILE_OR_REFERENCE, loadBaseline } from './load-baseline.js'
import { summaryLines, summaryOf } from './summary.js'

interface MergeFlags {
  readonly state?: string
  readonly json?: boolean
  readonly out: string
}

export function mergeCommand(context: Context): Command {
  return command('merge', 'add up what was learned of one image in several places')
    .argument('<baseline...>', FILE_OR_REFERENCE)
    .requiredOption('-o, --out <file>', 'the file to write, as `baseline export` does')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (refs: readonly string[], flags: MergeFlags) => {
      const store = storeOf(flags.state, context)
      let sum: Baseline | undefined
      // One after the other: no more than two are in memory.
      for (const ref of refs) {
        const next = await loadBaseline(store, ref)
        sum = sum === undefined ? next : merged(sum, next)
      }
      if (sum === undefined) return
      // Revisions count the changes of one store; equal content gives equal bytes.
      sum.revision = 0
      await writeWhole(flags.out, encodeBaseline(sum))
      const summary = summaryOf(sum, await floorsOf(flags.state, context))
      if (flags.json === true) printJson(context, summary)
      else context.terminal.out(`${summaryLines(summary).join('\n')}\n`)
    })
}
