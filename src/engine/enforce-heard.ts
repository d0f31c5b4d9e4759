/** The events of enforcement on their way: told to who listens, then journaled, then counted. */
import type { EnforceEvents } from './enforce.js'
import type { EnforceMonitor } from './enforce-monitor.js'
import type { Journaled } from './journaled.js'

export interface Hearing {
  readonly monitor: EnforceMonitor
  readonly journaled: Journaled
  /** The sensor was attached, or has ended. */
  readonly sensorChanged: () => void
}

/** The events to give to enforcement. `inner` comes first: what waits to hear of an anomaly does not wait for the journal. */
export function heardEvents(
  inner: EnforceEvents,
  { monitor, journaled, sensorChanged }: Hearing,
): EnforceEvents {
  return {
    ...inner,
    ready: (atMs) => {
      monitor.attached()
      sensorChanged()
      inner.ready(atMs)
    },
    sensorEnded: (atMs, reason) => {
      monitor.detached(reason)
      sensorChanged()
      inner.sensorEnded(atMs, reason)
    },
    watching: (containers) => {
      monitor.changed()
      inner.watching(containers)
    },
    raised: (anomaly) => {
      inner.raised(anomaly)
      journaled.raised(anomaly)
      monitor.raised(anomaly)
    },
    repeated: (anomaly) => {
      inner.repeated(anomaly)
      journaled.repeated(anomaly)
    },
    responded: (result, anomaly) => {
      inner.responded(result, anomaly)
      journaled.responded(result)
      monitor.responded(result)
    },
    acted: (result) => {
      inner.acted?.(result)
      journaled.responded(result)
      monitor.responded(result)
    },
    released: (released, order) => {
      inner.released?.(released, order)
      journaled.released(released, order)
    },
    modeSet: (mode) => {
      inner.modeSet?.(mode)
      journaled.modeSet(mode)
      monitor.changed()
    },
    reloaded: (policy) => {
      monitor.tallies.policyRead(true)
      inner.reloaded(policy)
    },
    refused: (error) => {
      monitor.tallies.policyRead(false)
      inner.refused(error)
    },
  }
}
