/** Events of the session as messages of `baselines.proto`. Pure. */
import { plimsoll } from '../gen/plimsoll.js'
import { quoted } from '../errors.js'
import type { LearningEvent, LearningRun, LearningState } from './learning-source.js'

/** What a stream of `WatchLearning` carries. */
export type WatchMessage = plimsoll.v1.WatchLearningResponse.$Properties

/** Runs that are listed when a client begins to watch: with names at their bounds, half a megabyte. */
const RUNS_LISTED = 500

export function eventMessage(event: LearningEvent): WatchMessage {
  const { atMs } = event
  switch (event.kind) {
    case 'sensor-ready':
      return { atMs, sensorReady: {} }
    case 'sensor-ended':
      return { atMs, sensorEnded: { reason: quoted(event.reason) } }
    case 'run-started':
      return { atMs, runStarted: { run: runMessage(event.run) } }
    case 'run-ended':
      return { atMs, runEnded: { run: runMessage(event.run) } }
    case 'facts-learned':
      return { atMs, factsLearned: { baselineKey: event.baselineKey, facts: event.facts } }
  }
}

/** The first message of a stream. */
export function stateMessage(atMs: number, state: LearningState): WatchMessage {
  const { sensorReady, runs, runsEnded, facts } = state
  return {
    atMs,
    state: {
      sensorReady,
      runs: runs.slice(0, RUNS_LISTED).map(runMessage),
      runsGoingOn: runs.length,
      runsEnded,
      facts,
    },
  }
}

function runMessage(run: LearningRun): plimsoll.v1.LearningRun.$Properties {
  return { ...run }
}
