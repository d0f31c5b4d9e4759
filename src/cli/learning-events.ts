/** What a person is told while learning goes on: on stderr, and the moving part only on a terminal. */
import { OWN_LINEAGES } from '../baseline/incidences.js'
import { itemText } from '../baseline/item-text.js'
import type { SessionEvents } from '../engine/session-events.js'
import { quoted } from '../errors.js'
import type { ProgressTicker } from './progress-ticker.js'
import type { Terminal } from './terminal.js'

/** `onReady` is called once, when the probes are first attached; the ticker hears of runs and of what is new. */
export function learningEvents(
  terminal: Terminal,
  ticker: ProgressTicker,
  onReady: () => void,
): Partial<SessionEvents> {
  const startedMs = Date.now()
  let isReady = false
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
    runStarted: (run) => ticker.runStarted(run),
    runEnded: (run) => ticker.runEnded(run),
    learned: (_baseline, lineage, item) => {
      if (OWN_LINEAGES.some((own) => own === lineage)) ticker.learned(itemText(item))
    },
  }
}
