/**
 * Joins the three records of an exec by process id: its facts, its path, its file. bpftrace 0.17 can hold one string at a
 * time, so they come apart, and each of them may be lost.
 */
import type { ByteString } from '../bytes.js'
import type { ExecObservation, ObservationSink } from '../observation.js'
import { isCut } from './dialect.js'

/** Execs whose other records may still come: more than tasks can exec at one time on a large host. */
const PENDING_LIMIT = 1024

/** The facts of an exec, as its first record has them. */
export type ExecFacts = Omit<ExecObservation, 'path' | 'exe' | 'truncated'>

interface Pending {
  exec: ExecObservation
  readonly tag: number
}

export class ExecParts {
  readonly #sink: ObservationSink
  readonly #pending = new Map<number, Pending>()

  constructor(sink: ObservationSink) {
    this.#sink = sink
  }

  /** The first record. An exec of the same process that still waits is told without its rest. */
  begin(facts: ExecFacts, tag: number): void {
    const earlier = this.#pending.get(facts.pid)
    if (earlier !== undefined) this.#sink.observe(earlier.exec, earlier.tag)
    else if (this.#pending.size >= PENDING_LIMIT) this.flush()
    const nothing = '' as ByteString
    const exec = { ...facts, path: nothing, exe: nothing, truncated: false }
    this.#pending.set(facts.pid, { exec, tag })
  }

  /** The second record; ignored where the first was lost. */
  path(pid: number, path: ByteString): void {
    const pending = this.#pending.get(pid)
    if (pending !== undefined) pending.exec = { ...pending.exec, path, truncated: isCut(path) }
  }

  /** The last record: the exec is told. Ignored where the first was lost. */
  file(pid: number, exe: ByteString): void {
    const pending = this.#pending.get(pid)
    if (pending === undefined) return
    this.#pending.delete(pid)
    const { exec, tag } = pending
    this.#sink.observe({ ...exec, exe, truncated: exec.truncated || isCut(exe) }, tag)
  }

  /** Tells the execs whose other records never came. */
  flush(): void {
    for (const { exec, tag } of this.#pending.values()) this.#sink.observe(exec, tag)
    this.#pending.clear()
  }
}
