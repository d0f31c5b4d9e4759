/**
 * The incidents on disk, `STATE/incidents/ID/`. Every read is from the disk, because `plimsoll incident release` is another
 * process; changes of one process to one record come one after the other.
 */
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { asProblem, failure } from '../errors.js'
import { codeOf } from '../workload/cgroup-files.js'
import { recordText, writeAtOnce, writeDurably } from './durable.js'
import { type IncidentRecord, parseRecord, RECORD_FILE } from './incident-record.js'
import { isIncidentId } from './request.js'

/** An incident, or why its record is of no use. */
export type StoredIncident =
  | { readonly kind: 'record'; readonly id: string; readonly record: IncidentRecord }
  | { readonly kind: 'damaged'; readonly id: string; readonly problem: string }

/** What becomes of a record. Pure. */
export type RecordChange = (record: IncidentRecord) => IncidentRecord

export class IncidentStore {
  readonly #root: string
  /** The last change of each record that is under way. */
  readonly #changes = new Map<string, Promise<unknown>>()

  constructor(stateDirectory: string) {
    this.#root = join(stateDirectory, 'incidents')
  }

  directoryOf(id: string): string {
    return join(this.#root, id)
  }

  /** The record, or undefined where there is none. Synchronous, for the way to a freeze. Throws `INCIDENT_DAMAGED`. */
  readNow(id: string): IncidentRecord | undefined {
    const path = join(this.directoryOf(id), RECORD_FILE)
    let problem: string
    try {
      const parsed = parseRecord(readFileSync(path, 'utf8'))
      if (typeof parsed !== 'string') return parsed
      problem = parsed
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return undefined
      problem = asProblem(thrown)
    }
    throw failure('INCIDENT_DAMAGED', { path, problem })
  }

  /** Puts a new record there before anything else happens. Throws as the file system does. */
  create(record: IncidentRecord): void {
    writeAtOnce(join(this.directoryOf(record.facts.incident), RECORD_FILE), recordText(record))
  }

  /** Replaces the record by what `change` makes of it; on disk when this resolves. Throws
   * `INCIDENT_NOT_FOUND`, `INCIDENT_DAMAGED`, `FILE_UNWRITABLE`. */
  update(id: string, change: RecordChange): Promise<IncidentRecord> {
    const before = this.#changes.get(id) ?? Promise.resolve()
    const apply = (): Promise<IncidentRecord> => this.#change(id, change)
    const changed = before.then(apply, apply)
    this.#changes.set(id, changed)
    const forget = (): void => {
      if (this.#changes.get(id) === changed) this.#changes.delete(id)
    }
    changed.then(forget, forget)
    return changed
  }

  /** All of them, the oldest first; damaged ones last. */
  async list(): Promise<readonly StoredIncident[]> {
    const found = (await this.#ids()).flatMap((id): StoredIncident[] => {
      try {
        const record = this.readNow(id)
        return record === undefined ? [] : [{ kind: 'record', id, record }]
      } catch (thrown) {
        return [{ kind: 'damaged', id, problem: asProblem(thrown) }]
      }
    })
    return found.toSorted((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1))
  }

  /** The id that `ref` names: itself, or the one that begins with it. Throws `INCIDENT_NOT_FOUND`, `INCIDENT_AMBIGUOUS`. */
  async resolve(ref: string): Promise<string> {
    const ids = await this.#ids()
    if (ids.includes(ref)) return ref
    const matching = ref === '' ? [] : ids.filter((id) => id.startsWith(ref))
    const [only] = matching
    if (only === undefined) throw failure('INCIDENT_NOT_FOUND', { ref })
    if (matching.length > 1) {
      const candidates = matching.slice(0, 5).join(', ')
      throw failure('INCIDENT_AMBIGUOUS', { ref, count: matching.length, candidates })
    }
    return only
  }

  async #change(id: string, change: RecordChange): Promise<IncidentRecord> {
    const path = join(this.directoryOf(id), RECORD_FILE)
    const record = this.readNow(id)
    if (record === undefined) throw failure('INCIDENT_NOT_FOUND', { ref: id })
    const next = change(record)
    try {
      await writeDurably(path, recordText(next))
    } catch (thrown) {
      throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
    }
    return next
  }

  async #ids(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.#root, { withFileTypes: true })
      return entries
        .filter((entry) => entry.isDirectory() && isIncidentId(entry.name))
        .map(({ name }) => name)
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return []
      throw failure('STORE_UNREADABLE', { path: this.#root, problem: asProblem(thrown) }, thrown)
    }
  }
}

function timeOf(incident: StoredIncident): number {
  return incident.kind === 'record' ? incident.record.facts.atMs : Number.POSITIVE_INFINITY
}
