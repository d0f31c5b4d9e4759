/** What a person is told while learning goes on: on stderr, and the moving part only on a terminal. */
import { quoted } from '../errors.js'
import type { SessionEvents } from '../engine/session.js'
import { plural } from './plural.js'
import type { Terminal } from './terminal.js'

/**
 * `onReady` is called once, when the probes are first attached. While a command runs the terminal is the command's: then
 * nothing moves.
 */
export function learningEvents(
  terminal: Terminal,
  isCommand: boolean,
  onReady: () => void,
): Partial<SessionEvents> {
  const startedMs = Date.now()
  let isReady = false
  let facts = 0
  let ended = 0
  const progress = (): void => {
    if (isCommand) return
    terminal.progress(`learning: ${plural(ended, 'run')} ended, ${plural(facts, 'fact')} learned`)
  }
  terminal.progress('attaching the probes ...')
  return {
    ready: () => {
      if (isReady) {
        terminal.say('plimsoll: the sensor is back')
        return
      }
      isReady = true
      terminal.say(`plimsoll: probes attached in ${((Date.now() - startedMs) / 1000).toFixed(2)} s`)
      onReady()
    },
    sensorEnded: (_atMs, reason) => {
      if (isReady) terminal.say(`plimsoll: the sensor ended (${quoted(reason)}); starting it again`)
    },
    leftOut: ({ containerId, problem }) =>
      terminal.say(
        `plimsoll: container ${containerId.slice(0, 12)} was left out, its image is unknown: ${quoted(problem)}`,
      ),
    runEnded: () => {
      ended++
      progress()
    },
    learned: () => {
      facts++
      progress()
    },
  }
}
