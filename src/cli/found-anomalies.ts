/**
 * What enforcement found, from a state directory: read from its journal, or asked of the plimsoll that works with it and has
 * the journal open.
 */
import type { AnomalyView } from '../detect/anomaly-view.js'
import { PlimsollError } from '../errors.js'
import { type Context, stateDirectory } from './context.js'
import { withClient } from './ctl-connection.js'

interface Flags {
  readonly state?: string
}

const PAGE = 500

/** First occurrences that are wanted, with their latest counts, in the order in which they were found. */
export async function* foundAnomalies(
  context: Context,
  flags: Flags,
  isWanted: (anomaly: AnomalyView) => boolean,
): AsyncGenerator<AnomalyView> {
  const { keptAnomalies } = await import('../engine/kept-anomalies.js')
  try {
    yield* keptAnomalies(stateDirectory(flags.state, context.terminal.env), isWanted)
  } catch (thrown) {
    if (!isInUse(thrown)) throw thrown
    yield* servedAnomalies(context, flags, isWanted)
  }
}

/** The one with that id, likewise; undefined if it is not kept. */
export async function foundAnomaly(
  context: Context,
  flags: Flags,
  id: string,
): Promise<AnomalyView | undefined> {
  const { keptAnomaly } = await import('../engine/kept-anomalies.js')
  try {
    return await keptAnomaly(stateDirectory(flags.state, context.terminal.env), id)
  } catch (thrown) {
    if (!isInUse(thrown)) throw thrown
  }
  const { anomalyViewOf } = await import('../service/anomaly-message.js')
  const { anomaly } = await withClient(context, own(context, flags), ({ monitor }) =>
    monitor.getAnomaly({ id }),
  )
  return anomalyViewOf(anomaly ?? {})
}

async function* servedAnomalies(
  context: Context,
  flags: Flags,
  isWanted: (anomaly: AnomalyView) => boolean,
): AsyncGenerator<AnomalyView> {
  const { anomalyViewOf } = await import('../service/anomaly-message.js')
  let pageToken = ''
  do {
    const page = await withClient(context, own(context, flags), ({ monitor }) =>
      monitor.listAnomalies({ pageSize: PAGE, pageToken }),
    )
    yield* (page.anomalies ?? []).map(anomalyViewOf).filter(isWanted)
    pageToken = page.nextPageToken ?? ''
  } while (pageToken !== '')
}

/** The plimsoll that has the journal of that directory, whatever `$PLIMSOLL_ADDRESS` says. */
function own({ terminal }: Context, { state }: Flags): { readonly state: string } {
  return { state: stateDirectory(state, terminal.env) }
}

function isInUse(thrown: unknown): boolean {
  return thrown instanceof PlimsollError && thrown.code === 'JOURNAL_IN_USE'
}
