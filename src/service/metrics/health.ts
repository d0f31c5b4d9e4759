/**
 * Whether the service lives and whether it is ready, for whoever starts and restarts it. Pure.
 *
 * Alive means that a restart would not help: a full disk or a sink that is away are not mended by one, and every restart is a
 * time in which nothing is seen. Ready means that what happens now is seen and will be told.
 */
import { quoted } from '../../errors.js'
import type { MetricsSource } from './metrics-source.js'

export interface Component {
  readonly name: string
  readonly isReady: boolean
  readonly isAlive: boolean
  /** In a few words. */
  readonly detail: string
}

/** The sensor restarts itself, at longest every thirty seconds, and may take as long to attach; after this it is stuck. */
export const SENSOR_STUCK_MS = 180_000
const DETAIL_LIMIT = 200

/** How each part is, as of now. */
export function componentsOf(source: MetricsSource, nowMs: number): readonly Component[] {
  const { isAttached, sinceMs, problem } = source.sensor()
  const journal = source.journal()
  const sinks = source.sinks()
  const failing = sinks.filter((sink) => sink.problem !== undefined)
  return [
    {
      name: 'service',
      isReady: !source.isStopping(),
      isAlive: true,
      detail: source.isStopping() ? 'it stops' : '',
    },
    {
      name: 'sensor',
      isReady: isAttached,
      isAlive: isAttached || nowMs - sinceMs < SENSOR_STUCK_MS,
      detail: isAttached ? '' : problem || 'not attached',
    },
    ...(journal === undefined
      ? []
      : [
          {
            name: 'journal',
            isReady: journal.problem === undefined,
            isAlive: true,
            detail: journal.problem ?? '',
          },
        ]),
    {
      name: 'sinks',
      isReady: true,
      isAlive: true,
      detail:
        failing.length === 0
          ? ''
          : `failing: ${failing
              .map((sink) => sink.name)
              .slice(0, 8)
              .join(', ')}`,
    },
  ]
}

/** Nothing that only a restart could mend is wrong. */
export function isAlive(source: MetricsSource, nowMs: number): boolean {
  return componentsOf(source, nowMs).every((component) => component.isAlive)
}

/** One line per component: its name, `ok` or `failed`, and what there is to say. */
export function healthText(
  components: readonly Component[],
  isWell: (component: Component) => boolean,
): string {
  return components
    .map((component) => {
      const word = isWell(component) ? 'ok' : 'failed'
      const detail = quoted(component.detail).slice(0, DETAIL_LIMIT)
      return `${component.name}: ${word}${detail === '' ? '' : ` (${detail})`}\n`
    })
    .join('')
}
