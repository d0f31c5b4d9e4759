/** Whether the terminal talks to plimsoll directly. */
import type { ProcessStat } from './process-stat.js'
import { readProcessStat } from './process-stat.js'

/**
 * Whether this process has a controlling terminal and is in its foreground group, so that the terminal sends Ctrl-C and
 * Ctrl-\ to it and to the command that shares its group. Cost: one small read; may be called in a signal handler.
 */
export function isForeground(stat: ProcessStat | undefined = readProcessStat('self')): boolean {
  return stat !== undefined && stat.terminal !== 0 && stat.foregroundGroup === stat.processGroup
}
