/**
 * Collects what is known of a container into the incident's directory: anomalies, timeline, process tree, open files and sockets,
 * memory maps, changed files. The container is frozen as a rule, but processes may still be killed and a thawed container goes
 * on: what goes away meanwhile is noted, never fatal. Everything is bounded.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { byteStringOf, displayOf, type ByteString } from '../bytes.js'
import type { Anomaly, TimelineEntry } from '../detect/anomaly.js'
import type { Clock } from '../workload/clock.js'
import { readBounded } from './bounded-read.js'
import { BoundedList, BundleWriter } from './bundle-writer.js'
import { changedFilesIn } from './changed-files.js'
import { recordText } from './durable.js'
import { type IncidentFacts, isRecord } from './incident-record.js'
import { MANIFEST_FORMAT } from './manifest.js'
import { membersOf } from './members.js'
import { type OpenFile, openFilesOf, SocketTables } from './open-files.js'
import { processRecord, type ProcessRecord } from './process-facts.js'
import { anomalyView, timelineView } from './subject-view.js'
import { upperLayerOf } from './upper-layer.js'

export interface BundleInput {
  /** Of the incident; exists. */
  readonly directory: string
  /** Absolute path of the container's cgroup. */
  readonly cgroupDirectory: string
  readonly facts: IncidentFacts
  readonly actor: string
  readonly reason: string
  readonly anomalies: readonly Anomaly[]
  readonly timeline: readonly TimelineEntry[]
  /** Files of the directory that belong to the bundle already. */
  readonly present: readonly string[]
}

export interface WrittenBundle {
  readonly manifestSha256: string
  readonly files: number
  readonly bytes: number
  readonly notes: readonly string[]
}

const MAX_BUNDLE_BYTES = 128 * 1024 * 1024
const MAX_LIST_BYTES = 32 * 1024 * 1024
const MAX_ANOMALIES = 1024
const MAX_MAPS_FILES = 512
const MAPS_BYTES = 1024 * 1024
const MAX_OPEN_FILES = 65_536
const PLAIN_LINE = /^[\x20-\x5b\x5d-\x7e]*$/

/** Writes the bundle to its end. Throws where the file system does not let it. */
export async function writeBundle(input: BundleInput, clock: Clock): Promise<WrittenBundle> {
  const writer = new BundleWriter(input.directory, MAX_BUNDLE_BYTES)
  await removeUnfinished(input.directory, input.present)
  await writer.checkSpace()
  const startedMs = clock.nowMs()
  for (const name of input.present) await writer.adopt(name)
  await writeList(
    writer,
    'anomalies.json',
    input.anomalies.slice(0, MAX_ANOMALIES).map(anomalyView),
  )
  if (input.anomalies.length > MAX_ANOMALIES) writer.note(`only ${MAX_ANOMALIES} anomalies`)
  await writeList(writer, 'timeline.json', input.timeline.map(timelineView))
  const processes = await writeProcesses(writer, input.cgroupDirectory)
  await writeOpenFiles(writer, processes)
  await writeChangedFiles(writer, processes)
  await writeMaps(writer, processes)
  const { facts, actor, reason } = input
  return writer.seal({
    format: MANIFEST_FORMAT,
    incident: facts,
    actor,
    reason,
    startedMs,
    endedMs: clock.nowMs(),
  })
}

/** What an attempt left that was not finished. */
async function removeUnfinished(directory: string, present: readonly string[]): Promise<void> {
  for (const name of await readdir(directory)) {
    if (present.includes(name) || isRecord(name)) continue
    await rm(join(directory, name), { recursive: true, force: true })
  }
}

async function writeList(
  writer: BundleWriter,
  name: string,
  values: readonly unknown[],
): Promise<void> {
  const list = new BoundedList(MAX_LIST_BYTES)
  for (const value of values) list.add(value)
  if (list.leftOut > 0) writer.note(`${name}: ${list.leftOut} entries are left out`)
  await writer.write(name, list.text())
}

async function writeProcesses(
  writer: BundleWriter,
  cgroupDirectory: string,
): Promise<readonly ProcessRecord[]> {
  const { pids, truncated } = membersOf(cgroupDirectory)
  if (truncated) writer.note(`more than ${pids.length} processes: the others are left out`)
  const processes: ProcessRecord[] = []
  for (const pid of pids) {
    const found = await processRecord(pid)
    if (found === undefined) writer.note('some processes ended while they were looked at')
    else processes.push(found)
  }
  processes.sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)
  await writeList(writer, 'processes.json', processes)
  return processes
}

async function writeOpenFiles(
  writer: BundleWriter,
  processes: readonly ProcessRecord[],
): Promise<void> {
  const sockets = new SocketTables()
  const list = new BoundedList(MAX_LIST_BYTES)
  let left = MAX_OPEN_FILES
  let unknown = 0
  for (const { pid } of processes) {
    const files = await openFilesOf(pid, sockets, Math.min(left, 4096))
    left -= files.files.length
    if (files.truncated)
      writer.note('open-files.json: some processes have more open files than are listed')
    unknown += files.files.filter(isUnknownSocket).length
    list.add(files)
  }
  if (unknown > 0) {
    // Of a rare family, or opened in a network namespace that all its processes have left, which then is not detached either.
    writer.note(`open-files.json: ${unknown} sockets are in no network namespace of the processes`)
  }
  if (list.leftOut > 0) writer.note(`open-files.json: ${list.leftOut} processes are left out`)
  await writer.write('open-files.json', list.text())
}

function isUnknownSocket({ target, socket }: OpenFile): boolean {
  return target.startsWith('socket:[') && socket === undefined
}

async function writeChangedFiles(
  writer: BundleWriter,
  processes: readonly ProcessRecord[],
): Promise<void> {
  // The container's first process has the root that the runtime gave it; another may have one that it made itself.
  const first = processes.find(({ namespacePids }) => namespacePids.at(-1) === 1) ?? processes[0]
  const upper =
    first === undefined
      ? { kind: 'unknown' as const, why: 'no process is left whose root could be looked at' }
      : await upperLayerOf(first.pid)
  if (upper.kind === 'unknown') {
    writer.note(`changed-files.json: ${upper.why}`)
    await writer.write('changed-files.json', recordText({ upper: null, why: upper.why }))
    return
  }
  const { files, notes } = await changedFilesIn(upper.path)
  for (const note of notes) writer.note(`changed-files.json: ${note}`)
  const list = new BoundedList(MAX_LIST_BYTES)
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) list.add(file)
  if (list.leftOut > 0) writer.note(`changed-files.json: ${list.leftOut} entries are left out`)
  const head = recordText({ upper: displayOf(upper.path) })
    .trimEnd()
    .slice(0, -2)
  await writer.write('changed-files.json', `${head},\n "files": ${list.text().trimEnd()}\n}\n`)
}

async function writeMaps(writer: BundleWriter, processes: readonly ProcessRecord[]): Promise<void> {
  for (const [at, { pid }] of processes.entries()) {
    if (at === MAX_MAPS_FILES) {
      writer.note(`maps: of the first ${MAX_MAPS_FILES} processes only`)
      return
    }
    const maps = await readBounded(`/proc/${pid}/maps`, MAPS_BYTES).catch(() => undefined)
    if (maps === undefined) {
      writer.note('maps: some processes ended while they were looked at')
      continue
    }
    if (maps.cut) writer.note(`maps: some are cut at ${MAPS_BYTES} bytes`)
    if (!(await writer.write(`maps/${pid}.txt`, mapsText(maps.bytes)))) return
  }
}

/** Paths in it are a container's choice. */
function mapsText(bytes: Buffer): string {
  return byteStringOf(bytes)
    .split('\n')
    .map((line) => (PLAIN_LINE.test(line) ? line : displayOf(line as ByteString)))
    .join('\n')
}
