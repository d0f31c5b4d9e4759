/** The one number that stands for how a command ended, as shells give it. */
import { constants } from 'node:os'
import type { CommandExit } from './command.js'

/** The exit code, or 128 and the number of the signal that ended it. */
export function exitStatusOf(exit: CommandExit): number {
  if (exit.signal !== null) return 128 + (constants.signals[exit.signal] ?? 0)
  return exit.code ?? 0
}
