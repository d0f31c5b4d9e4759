/** What `plimsoll watch` says on stderr: gaps, loss of sight, and a connection that fails and comes back. Each once. */
import type { WatchEvent, WatchState } from '../client.js'
import { quoted } from '../errors.js'
import { plural } from './plural.js'
import type { Terminal } from './terminal.js'
import { gapCause } from './watch-line.js'

export interface WatchNotices {
  readonly connection: (state: WatchState) => void
  readonly event: (event: WatchEvent) => void
}

export function watchNotices(terminal: Terminal): WatchNotices {
  let failedAtMs: number | undefined
  let said = ''
  return {
    connection: (state) => {
      if (state.kind === 'waiting') {
        if (failedAtMs !== undefined) return
        failedAtMs = performance.now()
        terminal.say(`plimsoll: ${state.error.message}; trying again until it answers`)
        if (state.error.hint !== '') terminal.say(`hint: ${state.error.hint}`)
      } else if (failedAtMs !== undefined) {
        const seconds = ((performance.now() - failedAtMs) / 1000).toFixed(1)
        failedAtMs = undefined
        terminal.say(`plimsoll: connected again after ${seconds} s`)
      }
    },
    event: ({ gap, collectorState }) => {
      if (gap != null) terminal.say(`plimsoll: ${gapText(gap)}`)
      if (collectorState == null) return
      const problem = stateProblem(collectorState)
      if (problem === said) return
      said = problem
      terminal.say(`plimsoll: ${problem === '' ? 'everything is seen and kept again' : problem}`)
    },
  }
}

function gapText({ cause, count, detail }: NonNullable<WatchEvent['gap']>): string {
  const events = (count ?? 0) > 0 ? plural(count ?? 0, 'event') : 'events'
  const said = detail ? `: ${quoted(detail)}` : ''
  return `${events} missing here (${gapCause(cause)})${said}`
}

/** What is wrong; empty if nothing is. */
export function stateProblem(state: NonNullable<WatchEvent['collectorState']>): string {
  const { sensorAttached, sensorProblem, journalWritable, journalProblem, journalPending } = state
  const problems = [
    ...(sensorAttached === true ? [] : [`the sensor is not attached${because(sensorProblem)}`]),
    ...(journalWritable === true
      ? []
      : [
          `the journal cannot be written${because(journalProblem)}, ${plural(journalPending ?? 0, 'event')} wait`,
        ]),
  ]
  return problems.join('; ')
}

function because(problem: string | null | undefined): string {
  return problem ? ` (${quoted(problem)})` : ''
}
