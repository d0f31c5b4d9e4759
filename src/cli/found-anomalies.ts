/**
 * What enforcement found, from a state directory: read from its journal, or asked of the plimsoll that works with it and has
 * the journal open.
 */
import type { AnomalyView } from '../detect/anomaly-view.js'
import type { PlimsollClient } from '../client.js'
import type { ErrorCode } from '../error-catalogue.js'
import { failure, PlimsollError } from '../errors.js'
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
    return
  } catch (thrown) {
    if (!isCode(thrown, 'JOURNAL_IN_USE')) throw thrown
    let pageToken = ''
    do {
      const page = await asked(context, flags, thrown, ({ monitor }) =>
        monitor.listAnomalies({ pageSize: PAGE, pageToken }),
      )
      const { anomalyViewOf } = await import('../service/anomaly-message.js')
      yield* (page.anomalies ?? []).map(anomalyViewOf).filter(isWanted)
      pageToken = page.nextPageToken ?? ''
    } while (pageToken !== '')
  }
}

/** The one with that id, likewise. Throws `ANOMALY_NOT_FOUND` if it is not kept. */
export async function foundAnomaly(
  context: Context,
  flags: Flags,
  id: string,
): Promise<AnomalyView> {
  const { keptAnomaly } = await import('../engine/kept-anomalies.js')
  try {
    const found = await keptAnomaly(stateDirectory(flags.state, context.terminal.env), id)
    if (found === undefined) throw failure('ANOMALY_NOT_FOUND', { id })
    return found
  } catch (thrown) {
    if (!isCode(thrown, 'JOURNAL_IN_USE')) throw thrown
    const { anomalyViewOf } = await import('../service/anomaly-message.js')
    const { anomaly } = await asked(context, flags, thrown, ({ monitor }) =>
      monitor.getAnomaly({ id }),
    )
    return anomalyViewOf(anomaly ?? {})
  }
}

/** What the plimsoll that has the journal answers; that it is in use, where whoever has it does not listen there. */
async function asked<Answer>(
  context: Context,
  { state }: Flags,
  inUse: unknown,
  ask: (client: PlimsollClient) => Promise<Answer>,
): Promise<Answer> {
  // Whatever `$PLIMSOLL_ADDRESS` says.
  const own = { state: stateDirectory(state, context.terminal.env) }
  try {
    return await withClient(context, own, ask)
  } catch (thrown) {
    throw isCode(thrown, 'UNREACHABLE') ? inUse : thrown
  }
}

function isCode(thrown: unknown, code: ErrorCode): boolean {
  return thrown instanceof PlimsollError && thrown.code === code
}
