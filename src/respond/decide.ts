/** Whether a request is followed, and if not, why: the checks before anything is touched. Takes microseconds. */
import { join } from 'node:path'
import { asProblem } from '../errors.js'
import type { Clock } from '../workload/clock.js'
import type { ContainerPath } from '../workload/container-path.js'
import { cgroupIdOf } from './host-facts.js'
import { holdsFrozen } from './holders.js'
import type { IncidentRecord } from './incident-record.js'
import type { IncidentStore } from './incident-store.js'
import { membersOf } from './members.js'
import { protectedMember, type Protects, targetOf } from './protection.js'
import type { RateLimit } from './rate-limit.js'
import { isIncidentId, type Outcome, type ResponseRequest } from './request.js'

/** What a request is about, once it is decided that it is followed. */
export interface Target {
  readonly container: ContainerPath
  /** Absolute path of the container's cgroup. */
  readonly directory: string
  readonly cgroupId: number
  readonly pids: readonly number[]
  /** Of the incident, if it has one already. */
  readonly record: IncidentRecord | undefined
  /** Why its record cannot be read, which keeps nobody from acting; empty where it can. */
  readonly recordProblem: string
}

export type Verdict =
  | { readonly kind: 'act'; readonly target: Target }
  | {
      readonly kind: 'leave'
      readonly outcome: Outcome
      readonly detail: string
      readonly path: string
    }

export interface Deciding {
  readonly mount: string
  readonly store: IncidentStore
  readonly limit: RateLimit
  readonly clock: Clock
  readonly protects: Protects | undefined
}

/** So that a container with many does not put its freeze off by more than 10 ms. */
const CGROUPS_LOOKED_AT = 256

/** Decides. Changes nothing. */
export function decide(request: ResponseRequest, deciding: Deciding): Verdict {
  const path = request.cgroupPath
  const leave = (outcome: Outcome, detail: string, at = path): Verdict => ({
    kind: 'leave',
    outcome,
    detail,
    path: at,
  })
  if (!isIncidentId(request.incident)) return leave('refused', 'the incident has no usable id')
  const found = targetOf(path, request.workload, deciding.protects)
  if (found.kind === 'protected') return leave('refused', found.why)
  const { container } = found
  const directory = join(deciding.mount, container.scopePath)
  const cgroupId = cgroupIdOf(directory)
  if (cgroupId === undefined) return leave('failed', 'the container has ended', container.scopePath)
  const { pids } = membersOf(directory, CGROUPS_LOOKED_AT)
  const why = protectedMember(pids)
  if (why !== undefined) return leave('refused', why, container.scopePath)
  let record: IncidentRecord | undefined
  let recordProblem = ''
  try {
    record = deciding.store.readNow(request.incident)
  } catch (thrown) {
    recordProblem = asProblem(thrown)
  }
  const done = record === undefined ? undefined : doneAlready(request, record, cgroupId)
  if (done !== undefined) return leave(done.outcome, done.detail, container.scopePath)
  const waitMs =
    request.key === undefined
      ? 0
      : deciding.limit.waitMs(container.containerId, request.key, deciding.clock.nowMs())
  if (waitMs > 0) {
    const detail = `acted upon too often within a minute; again in ${Math.ceil(waitMs / 1000)} s`
    return leave('limited', detail, container.scopePath)
  }
  return { kind: 'act', target: { container, directory, cgroupId, pids, record, recordProblem } }
}

function doneAlready(
  { action }: ResponseRequest,
  record: IncidentRecord,
  cgroupId: number,
): { readonly outcome: Outcome; readonly detail: string } | undefined {
  const { facts, release, bundle, actions } = record
  if (facts.cgroupId !== cgroupId) {
    return { outcome: 'refused', detail: 'the incident is about another container' }
  }
  // Somebody looked at it and let the container go: the same incident does not undo that.
  if (release !== undefined) {
    return { outcome: 'already', detail: `the incident was released by ${release.actor}` }
  }
  const isDone =
    (action === 'freeze' && holdsFrozen(record)) ||
    (action === 'isolate' && bundle !== undefined) ||
    (action === 'kill' && actions.some((one) => one.action === 'kill' && one.outcome === 'done'))
  return isDone ? { outcome: 'already', detail: 'it was done for this incident before' } : undefined
}
