/**
 * Letting a container go again: its network is restored, then it is thawed, unless another incident still holds it. All that
 * is needed lies on disk, so that it works after a restart of plimsoll, and from another process.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asProblem, failure, quoted } from '../errors.js'
import type { Clock } from '../workload/clock.js'
import { isRequested, reached, request } from './freezer.js'
import { bootId, cgroupIdOf } from './host-facts.js'
import { holdsFrozen, holdsNetwork, sameContainer } from './holders.js'
import type { IncidentRecord, ReleaseRecord } from './incident-record.js'
import type { IncidentStore } from './incident-store.js'
import { findIpTools, type IpTools } from './ip-command.js'
import { membersOf } from './members.js'
import { findNamespace } from './network-namespace.js'
import { restoreNamespace } from './network-restore.js'

/** Who lets it go, and why. */
export interface Releasing {
  readonly actor: string
  readonly reason: string
}

/** `already`: it was released before; `record` says by whom. */
export interface Release {
  readonly kind: 'released' | 'already'
  readonly record: ReleaseRecord
}

export interface ReleaseContext {
  readonly store: IncidentStore
  /** Of cgroup2. */
  readonly mount: string
  readonly clock: Clock
  readonly tools?: IpTools | string | undefined
}

const THAW_TIMEOUT_MS = 2000

/** Releases it. Throws `INCIDENT_NOT_FOUND`, `INCIDENT_DAMAGED`; what cannot be undone is in the result. */
export async function releaseIncident(
  context: ReleaseContext,
  incident: string,
  by: Releasing,
): Promise<Release> {
  const { store, clock } = context
  const record = store.readNow(incident)
  if (record === undefined) throw failure('INCIDENT_NOT_FOUND', { ref: incident })
  if (record.release?.outcome === 'done') return { kind: 'already', record: record.release }
  const done: string[] = []
  const problems: string[] = []
  try {
    await undo(context, record, done, problems)
  } catch (thrown) {
    problems.push(asProblem(thrown))
  }
  const release: ReleaseRecord = {
    actor: quoted(by.actor),
    reason: quoted(by.reason),
    atMs: clock.nowMs(),
    outcome: problems.length === 0 ? 'done' : 'partly',
    details: [...done, ...problems].map(quoted),
  }
  await store.update(incident, (now) => ({ ...now, release }))
  return { kind: 'released', record: release }
}

async function undo(
  context: ReleaseContext,
  record: IncidentRecord,
  done: string[],
  problems: string[],
): Promise<void> {
  const { facts } = record
  if (facts.bootId !== bootId()) {
    done.push('the host was started anew since: there is nothing to undo')
    return
  }
  const directory = join(context.mount, facts.cgroupPath)
  const isGone = cgroupIdOf(directory) !== facts.cgroupId
  const all = await sameContainer(context.store, record)
  const others = all.filter((other) => other.facts.incident !== facts.incident)
  const byOthers = others.find(holdsNetwork)
  if (byOthers !== undefined)
    done.push(`network: incident ${byOthers.facts.incident} still holds it`)
  else await restoreNetworks(context, all, isGone ? [] : membersOf(directory).pids, done, problems)
  if (isGone) {
    done.push('the container has ended: there is nothing to thaw')
    return
  }
  const frozenBy = others.find(holdsFrozen)
  if (frozenBy !== undefined)
    done.push(`freeze: incident ${frozenBy.facts.incident} still holds it`)
  else await thaw(context, all, done, problems)
}

/** What any incident of the container took down and nobody restored, the latest first. */
async function restoreNetworks(
  context: ReleaseContext,
  all: readonly IncidentRecord[],
  pids: readonly number[],
  done: string[],
  problems: string[],
): Promise<void> {
  const { store, clock } = context
  for (const { facts, network } of all.toReversed()) {
    if (network === undefined || network.restoredAtMs !== undefined) continue
    const tools = context.tools ?? (await findIpTools())
    if (typeof tools === 'string') {
      problems.push(tools)
      return
    }
    const wrong: string[] = []
    for (const saved of network.namespaces) {
      const names = saved.links.map(({ name }) => name).join(', ')
      const namespace = await findNamespace(saved.inode, pids)
      if (namespace === undefined) {
        done.push(`network: the namespace of ${names} is gone`)
        continue
      }
      try {
        const directory = store.directoryOf(facts.incident)
        wrong.push(...(await restoreNamespace(tools, namespace, saved, directory, clock)))
      } finally {
        await namespace.handle.close()
      }
      if (wrong.length === 0) done.push(`network: ${names} restored, with addresses and routes`)
    }
    problems.push(...wrong.slice(0, 16).map((problem) => `network: ${problem}`))
    if (wrong.length > 0) continue
    const restoredAtMs = clock.nowMs()
    await store.update(facts.incident, (now) =>
      now.network === undefined ? now : { ...now, network: { ...now.network, restoredAtMs } },
    )
  }
}

async function thaw(
  { store, clock }: ReleaseContext,
  all: readonly IncidentRecord[],
  done: string[],
  problems: string[],
): Promise<void> {
  const frozen = all.filter(({ freeze }) => freeze !== undefined && freeze.thawedAtMs === undefined)
  const own = frozen.find(({ freeze }) => freeze?.wasFrozen === false)?.freeze
  if (own === undefined) {
    if (frozen.length > 0) done.push('freeze: somebody else had frozen it, and it stays so')
    return
  }
  try {
    if (isRequested(own)) request(own, false)
    if (!(await reached(own, false, clock, THAW_TIMEOUT_MS))) {
      problems.push(`freeze: ${frozenAbove(own.path)}`)
      return
    }
  } catch (thrown) {
    problems.push(`freeze: ${asProblem(thrown)}`)
    return
  }
  done.push('thawed')
  const thawedAtMs = clock.nowMs()
  for (const { facts } of frozen) {
    await store.update(facts.incident, (now) =>
      now.freeze === undefined ? now : { ...now, freeze: { ...now.freeze, thawedAtMs } },
    )
  }
}

/** A cgroup is frozen as long as one above it is. */
function frozenAbove(path: string): string {
  for (let above = join(path, '..'); above !== '/'; above = join(above, '..')) {
    try {
      if (readFileSync(join(above, 'cgroup.freeze'), 'utf8').trim() === '1')
        return `${above} is frozen`
    } catch {
      break
    }
  }
  return `it is still frozen after ${THAW_TIMEOUT_MS} ms`
}
