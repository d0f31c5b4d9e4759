/**
 * From the sensor's bytes to observations. One decoder per bpftrace process: it holds the partial line, the cumulative
 * values and the accounting of that process. Pure: the same chunks with the same arrival times give the same calls.
 * Nothing throws on bad input; what cannot be read is counted as malformed.
 */
import type { ObservationSink } from '../observation.js'
import { Accounting } from './accounting.js'
import type { Epoch } from './cumulative.js'
import { DenialReader } from './denial-reader.js'
import { MAP_CAPACITY } from './dialect.js'
import { Fields } from './fields.js'
import { unescapeInto } from './json-string.js'
import { LineSplitter } from './lines.js'
import { decimalAt, mapNameOf, readMapPrint } from './map-print.js'
import { MapReader } from './maps.js'
import { RecordReader } from './records.js'
import { UseReader } from './use-reader.js'

const PRINTF = Buffer.from('{"type": "printf", "data": "')
const CONTROL_LIMIT = 4096
const DENIAL_HINT = 'B'.charCodeAt(0)
/** Letters of the records of what was used. */
const USE_HINTS: ReadonlySet<number> = new Set(Buffer.from('KU'))
/** Letters of the records about the sensor itself. */
const FRAME: ReadonlySet<number> = new Set(Buffer.from('RHWCcbku'))

/** What the decoder tells beside observations. */
export interface DecoderEvents {
  /** Every probe is attached. `atMs` is wall-clock. */
  ready(atMs: number): void
  /** The sensor has printed its maps and its own counters, as it does every two seconds and when it ends. */
  printed(): void
  /** A map reached its capacity: entries were refused. `what` is its class, e.g. `syscall`. */
  mapFull(what: string): void
}

export class Decoder {
  readonly accounting = new Accounting()
  readonly #events: DecoderEvents
  readonly #lines: LineSplitter
  readonly #fields = new Fields()
  readonly #records: RecordReader
  readonly #maps: MapReader
  readonly #denials: DenialReader
  readonly #uses: UseReader
  #scratch = new Uint8Array(4096)
  #malformed = 0
  #arrivedMs = 0
  /** Wall-clock time of the kernel's time 0 (CLOCK_BOOTTIME): guessed from the first record, known from the readiness record. */
  #bootMs = 0
  #latestMs = 0

  constructor(sink: ObservationSink, events: DecoderEvents) {
    this.#events = events
    this.#lines = new LineSplitter(
      (line) => this.#line(line),
      () => this.#malformed++,
    )
    this.#records = new RecordReader(sink, (nsecs) => this.#wallMs(nsecs))
    this.#maps = new MapReader(sink)
    this.#denials = new DenialReader(sink, () => this.#malformed++)
    this.#uses = new UseReader(sink, () => this.#malformed++)
  }

  /** Feeds bytes that arrived at `arrivedMs` (wall clock, ms). */
  push(chunk: Uint8Array, arrivedMs: number): void {
    this.#arrivedMs = arrivedMs
    this.#lines.push(chunk)
  }

  /** The process has ended: what still waited for its second half is delivered. */
  end(): void {
    if (this.#lines.pending > 0) this.#malformed++
    this.#records.flush()
  }

  /** Lines and records that could not be read. */
  get malformed(): number {
    return this.#malformed
  }

  #line(line: Uint8Array): void {
    if (line.length === 0) return
    if (startsWith(line, PRINTF)) this.#printf(line)
    else {
      const map = mapNameOf(line)
      if (map === undefined) this.#control(line)
      else this.#map(map, line)
    }
  }

  #printf(line: Uint8Array): void {
    if (this.#scratch.length < line.length) this.#scratch = new Uint8Array(line.length * 2)
    const text = unescapeInto(line, PRINTF.length, this.#scratch)
    if (text === undefined || text.length === 0) {
      this.#malformed++
      return
    }
    const letter = this.#scratch[0] ?? 0
    this.#fields.reset(this.#scratch, text.length)
    this.accounting.received(letter)
    if (!this.#record(letter)) this.#malformed++
  }

  /** False where it is malformed or of no known letter. */
  #record(letter: number): boolean {
    if (FRAME.has(letter)) return this.#frame(letter)
    if (letter === DENIAL_HINT) {
      return this.#denials.hint(this.#fields, (nsecs) => this.#wallMs(nsecs))
    }
    if (USE_HINTS.has(letter)) {
      return this.#uses.hint(letter, this.#fields, (nsecs) => this.#wallMs(nsecs))
    }
    return this.#records.read(letter, this.#fields)
  }

  /** Records about the sensor itself. False where it is malformed or of another kind; nothing has changed then. */
  #frame(letter: number): boolean {
    const fields = this.#fields
    switch (String.fromCharCode(letter)) {
      case 'R': {
        const nsecs = fields.decimal64()
        if (!fields.isComplete) return false
        this.#bootMs = this.#arrivedMs - nsecs / 1e6
        this.#events.ready(this.#wallMs(nsecs))
        return true
      }
      case 'H':
        return this.#moment() !== undefined
      case 'W':
        return this.#rotation() !== undefined
      case 'C': {
        const epoch = this.#rotation()
        if (epoch !== undefined) this.#maps.willClearCalls(epoch)
        return epoch !== undefined
      }
      case 'c': {
        const epoch = this.#rotation()
        if (epoch !== undefined) this.#maps.willClearEndpoints(epoch)
        return epoch !== undefined
      }
      case 'b': {
        const epoch = this.#rotation()
        if (epoch !== undefined) this.#denials.willClear(epoch)
        return epoch !== undefined
      }
      case 'k': {
        const epoch = this.#rotation()
        if (epoch !== undefined) this.#uses.willClear('capability', epoch)
        return epoch !== undefined
      }
      case 'u': {
        const epoch = this.#rotation()
        if (epoch !== undefined) this.#uses.willClear('io_uring', epoch)
        return epoch !== undefined
      }
      default:
        return false
    }
  }

  /** `<epoch> <nsecs>`, which has to be all; undefined where it is not, and then nothing was changed by it. */
  #rotation(): Epoch | undefined {
    const epoch = this.#fields.decimal()
    if (epoch !== 0 && epoch !== 1) return undefined
    return this.#moment() === undefined ? undefined : epoch
  }

  /** `<nsecs>`, which has to be all that is left, as wall-clock time. */
  #moment(): number | undefined {
    const nsecs = this.#fields.decimal64()
    return this.#fields.isComplete ? this.#wallMs(nsecs) : undefined
  }

  #map(name: string, line: Uint8Array): void {
    switch (name) {
      case 'denials_a':
        return this.#checkFill('denial', this.#denials.printed(0, line, this.#latestMs))
      case 'denials_b':
        return this.#checkFill('denial', this.#denials.printed(1, line, this.#latestMs))
      case 'sent':
        this.accounting.startSentPrint(this.#arrivedMs)
        this.#counts(line, (letter, count) => this.accounting.sent(letter, count))
        return
      case 'refused':
        this.#counts(line, (letter, count) => this.accounting.refused(letter, count))
        this.#events.printed()
        return
      default: {
        const used = this.#uses.holds(name)
        if (used !== undefined) {
          return this.#checkFill(used, this.#uses.printed(name, line, this.#latestMs))
        }
        // Working maps of the probes carry no facts; they are printed at the end where a version does not honour their clear.
        const print = this.#maps.read(name, line, this.#latestMs)
        if (print === undefined) return
        this.#malformed += print.malformed
        this.#checkFill(print.what, print.entries)
      }
    }
  }

  #checkFill(what: string, entries: number | undefined): void {
    if (entries === undefined) this.#malformed++
    else if (entries >= MAP_CAPACITY) this.#events.mapFull(what)
  }

  #counts(line: Uint8Array, take: (letter: number, count: number) => void): void {
    const entries = readMapPrint(line, (start, end, value) =>
      take(decimalAt(line, start, end) ?? 0, value),
    )
    if (entries === undefined) this.#malformed++
  }

  /** Lines of bpftrace itself: rare, so a JSON parser may read them. Unknown kinds are newer versions' and are ignored. */
  #control(line: Uint8Array): void {
    if (line.length > CONTROL_LIMIT) {
      this.#malformed++
      return
    }
    try {
      const parsed = JSON.parse(Buffer.from(line).toString('latin1')) as {
        type?: unknown
        data?: { events?: unknown }
      }
      if (parsed.type === 'lost_events')
        this.accounting.lostByBpftrace(Number(parsed.data?.events) || 0)
    } catch {
      this.#malformed++
    }
  }

  #wallMs(nsecs: number): number {
    // Probes that are attached early print before the readiness record comes.
    if (this.#bootMs === 0) this.#bootMs = this.#arrivedMs - nsecs / 1e6
    const atMs = Math.floor(this.#bootMs + nsecs / 1e6)
    if (atMs > this.#latestMs) this.#latestMs = atMs
    return atMs
  }
}

function startsWith(line: Uint8Array, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (line[i] !== prefix[i]) return false
  return true
}
