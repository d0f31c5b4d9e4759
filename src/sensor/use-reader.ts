/**
 * Reads what probes/capability.bt and probes/io-uring.bt say, which is of one form: the maps of what was used how often, which
 * are the truth, and the early records of who used it first. One per decoder; the decoder splits lines and keeps time.
 */
import type { ByteString } from '../bytes.js'
import type { Caller, EarlyObserved, ObservationSink } from '../observation.js'
import { callerOf, NO_CALLER } from './caller.js'
import { Cumulative, type Epoch } from './cumulative.js'
import type { Fields } from './fields.js'
import { Key } from './key.js'
import { decimalAt, readMapPrint } from './map-print.js'

const COMMA = 0x2c
const NO_PROGRAM = '' as ByteString

/** What is used. */
export type Used = 'capability' | 'io_uring'

/** Numbers of each kind are below: capability sets have 64 bits, opcodes 8. */
const LIMIT: Readonly<Record<Used, number>> = { capability: 64, io_uring: 256 }

/** By the letters of their records and the names of their maps. */
const OF_LETTER: Readonly<Record<string, Used>> = { K: 'capability', U: 'io_uring' }
const OF_MAP: Readonly<Record<string, readonly [Used, Epoch]>> = {
  caps_a: ['capability', 0],
  caps_b: ['capability', 1],
  uring_a: ['io_uring', 0],
  uring_b: ['io_uring', 1],
}

/** One use, apart from what was used. */
type Use = EarlyObserved & Caller & { readonly program: ByteString; readonly count: number }

export class UseReader {
  readonly #key = new Key()
  readonly #sink: ObservationSink
  readonly #onMalformed: () => void
  readonly #counts: Readonly<Record<Used, Cumulative<string>>> = {
    capability: new Cumulative(),
    io_uring: new Cumulative(),
  }

  constructor(sink: ObservationSink, onMalformed: () => void) {
    this.#sink = sink
    this.#onMalformed = onMalformed
  }

  /**
   * `K` or `U`, `<key> <number> <pid> <ppid> <uid> <nsecs> <program>`. False where it is malformed; nothing was delivered
   * then.
   */
  hint(letter: number, fields: Fields, wallMs: (nsecs: number) => number): boolean {
    const kind = OF_LETTER[String.fromCharCode(letter)]
    const { cgroupId, lineage } = fields.key(this.#key)
    const number = fields.decimal()
    const caller = callerOf(fields)
    const atNs = fields.decimal64()
    const program = fields.rest()
    if (!fields.isComplete || kind === undefined || number >= LIMIT[kind]) return false
    const moment = { atMs: wallMs(atNs), atNs }
    this.#deliver(kind, number, { cgroupId, lineage, ...moment, ...caller, program, count: 0 })
    return true
  }

  /** The next print of that epoch's map is its last. */
  willClear(kind: Used, epoch: Epoch): void {
    this.#counts[kind].willClear(epoch)
  }

  /** What the map of that name holds; undefined for others. */
  holds(name: string): Used | undefined {
    return OF_MAP[name]?.[0]
  }

  /** A print of a map that `holds` knows. Returns the number of its entries, undefined where it could not be read. */
  printed(name: string, line: Uint8Array, atMs: number): number | undefined {
    const [kind, epoch] = OF_MAP[name] ?? []
    if (kind === undefined || epoch === undefined) return undefined
    const key = this.#key
    const counts = this.#counts[kind]
    const entries = readMapPrint(line, (start, end, value) => {
      const comma = line.indexOf(COMMA, start)
      const isOwned = comma > 0 && key.read(line, start, comma)
      const number = decimalAt(line, comma + 1, end)
      if (!isOwned || number === undefined || number >= LIMIT[kind]) {
        this.#onMalformed()
        return
      }
      const { cgroupId, lineage } = key
      const count = counts.advance(epoch, cgroupId, `${key.low},${number}`, value)
      if (count === 0) return
      const moment = { cgroupId, lineage, atMs, atNs: 0 }
      this.#deliver(kind, number, { ...moment, ...NO_CALLER, program: NO_PROGRAM, count })
    })
    counts.printed(epoch)
    return entries
  }

  #deliver(kind: Used, number: number, use: Use): void {
    const { tag } = this.#key
    if (kind === 'capability') this.#sink.observe({ kind, ...use, capability: number }, tag)
    else this.#sink.observe({ kind, ...use, opcode: number }, tag)
  }
}
