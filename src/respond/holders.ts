/**
 * Incidents that concern one container. Two of them may hold it at once: it is thawed, and its network restored, only when the
 * last one lets go.
 */
import type { IncidentRecord } from './incident-record.js'
import type { IncidentStore } from './incident-store.js'

/** The records of the container that `record` is about, itself among them. Damaged ones are left out. */
export async function sameContainer(
  store: IncidentStore,
  { facts }: IncidentRecord,
): Promise<readonly IncidentRecord[]> {
  const stored = await store.list()
  return stored.flatMap((incident) => {
    if (incident.kind === 'damaged') return []
    const { cgroupId, cgroupPath, bootId } = incident.record.facts
    const isSame =
      cgroupId === facts.cgroupId && cgroupPath === facts.cgroupPath && bootId === facts.bootId
    return isSame ? [incident.record] : []
  })
}

/** Whether the incident wants the container to stay frozen. */
export function holdsFrozen({ freeze, release }: IncidentRecord): boolean {
  return release === undefined && freeze !== undefined && freeze.thawedAtMs === undefined
}

/** Whether the incident wants the container to stay without a network. */
export function holdsNetwork({ actions, release }: IncidentRecord): boolean {
  return release === undefined && actions.some(({ action }) => action === 'isolate')
}
