/** The container that a person means, among those that are watched. Pure. */
import { failure } from '../errors.js'
import type { WatchedContainer } from './detection.js'

/** Digits of an id; fewer may be of several. */
const ID_PREFIX = /^[0-9a-f]{12,64}$/

/**
 * The container of that id, of an id that begins so, or of that name. Throws `CONTAINER_NOT_FOUND`, and `BAD_REQUEST` where two
 * runtimes have a container of that name.
 */
export function findContainer(ref: string, watched: readonly WatchedContainer[]): WatchedContainer {
  const byId = ID_PREFIX.test(ref)
    ? watched.filter(({ workload }) => workload.containerId.startsWith(ref))
    : []
  const found =
    byId.length > 0
      ? byId
      : watched.filter(({ workload }) => ref !== '' && workload.containerName === ref)
  const [only] = found
  if (only === undefined) throw failure('CONTAINER_NOT_FOUND', { ref })
  if (found.length > 1) {
    const ids = found.map(({ workload }) => workload.containerId.slice(0, 12)).join(', ')
    throw failure('BAD_REQUEST', { field: 'container', problem: `it may be ${ids}` })
  }
  return only
}
