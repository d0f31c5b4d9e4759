/** What was missed, as a loss of sight that may be told. Pure. */
import type { Incompleteness } from '../observation.js'
import type { Subject } from './anomaly.js'

/** The subject; undefined for what is no news of the moment, such as a late start. Every gap is one of its own. */
export function troubleOf(
  missed: Incompleteness,
): Extract<Subject, { readonly kind: 'sensor' }> | undefined {
  const { reason, detail = '', fromMs, toMs } = missed
  switch (reason) {
    case 'sensor-restarted':
      return { kind: 'sensor', what: 'gap', detail: gapText(fromMs, toMs) }
    case 'lost-events':
      return { kind: 'sensor', what: 'lost', detail }
    case 'malformed-records':
      return { kind: 'sensor', what: 'lost', detail: 'records that cannot be read' }
    case 'map-full':
      return { kind: 'sensor', what: 'map-full', detail }
    case 'attached-late':
    case 'truncated':
    case 'unresolved-image':
      return undefined
  }
}

function gapText(fromMs: number | undefined, toMs: number | undefined): string {
  if (fromMs === undefined || toMs === undefined) return ''
  return `${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`
}
