/** `plimsoll record`: learn, and save everything that learning was fed. */
import type { Command } from 'commander'
import { command, type Context } from './context.js'
import { type LearningFlags, runLearning, withLearningOptions } from './learning.js'

export function recordCommand(context: Context): Command {
  return withLearningOptions(
    command(
      'record',
      'learn as `learn` does, and save a trace that `replay` can learn from',
    ).argument('<file>', 'the trace to write; must not exist'),
  ).action((file: string, argv: string[], flags: LearningFlags) =>
    runLearning(context, argv, flags, file),
  )
}
