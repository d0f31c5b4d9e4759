/** `plimsoll learn`: observe a command or containers and keep what they do. */
import type { Command } from 'commander'
import { command, type Context } from './context.js'
import { type LearningFlags, runLearning, withLearningOptions } from './learning.js'

export function learnCommand(context: Context): Command {
  return withLearningOptions(
    command('learn', 'observe a command or containers, and keep what they do as a baseline'),
  ).action((argv: string[], flags: LearningFlags) => runLearning(context, argv, flags, undefined))
}
