/**
 * Reads what probes/denials.bt says: the maps of refused calls, which are the truth, and the early records of who made them.
 * One per decoder; the decoder splits lines and keeps time.
 */
import { FILTERED, SIGSYS, UNPAIRED } from '../kernel/denial-answer.js'
import type { Abi, DenialSink } from '../observation.js'
import { callerOf } from './caller.js'
import { Cumulative, type Epoch } from './cumulative.js'
import type { Fields } from './fields.js'
import { Key } from './key.js'
import { decimalAt, readMapPrint } from './map-print.js'

const COMMA = 0x2c

export class DenialReader {
  readonly #key = new Key()
  readonly #sink: Partial<DenialSink>
  readonly #onMalformed: () => void
  readonly #counts = new Cumulative<string>()

  constructor(sink: Partial<DenialSink>, onMalformed: () => void) {
    this.#sink = sink
    this.#onMalformed = onMalformed
  }

  /** `B <key> <answer> <pid> <ppid> <uid> <nsecs> <program>`. False where it is malformed; nothing was delivered then. */
  hint(fields: Fields, wallMs: (nsecs: number) => number): boolean {
    const { cgroupId, lineage, abi, syscallNr: nr, tag } = fields.key(this.#key)
    const answer = fields.decimal()
    const caller = callerOf(fields)
    const atNs = fields.decimal64()
    const program = fields.rest()
    if (!fields.isComplete || abi === undefined || answer > SIGSYS) return false
    this.#sink.denialHint?.(
      {
        cgroupId,
        lineage,
        atMs: wallMs(atNs),
        atNs,
        ...caller,
        abi,
        nr,
        answer,
        program,
      },
      tag,
    )
    return true
  }

  /** The next print of that epoch's map is its last. */
  willClear(epoch: Epoch): void {
    this.#counts.willClear(epoch)
  }

  /** A print of that epoch's map. Returns the number of its entries, undefined where it could not be read. */
  printed(epoch: Epoch, line: Uint8Array, atMs: number): number | undefined {
    const key = this.#key
    const entries = readMapPrint(line, (start, end, value) => {
      const comma = line.indexOf(COMMA, start)
      const abi = comma > 0 && key.read(line, start, comma) ? key.abi : undefined
      const answer = decimalAt(line, comma + 1, end)
      if (abi === undefined || answer === undefined || answer > FILTERED) {
        this.#onMalformed()
        return
      }
      const count = this.#counts.advance(epoch, key.cgroupId, `${key.low},${answer}`, value)
      if (count > 0) this.#deliver(abi, answer, count, atMs)
    })
    this.#counts.printed(epoch)
    return entries
  }

  /** What the key that was just read says, with its answer. */
  #deliver(abi: Abi, answer: number, count: number, atMs: number): void {
    const { cgroupId, lineage, syscallNr, tag } = this.#key
    if (answer === FILTERED) this.#sink.filtered?.(cgroupId, lineage, count, atMs)
    else if (answer === UNPAIRED) this.#sink.unpaired?.(cgroupId, lineage, count, atMs)
    else this.#sink.denied?.(cgroupId, lineage, abi, syscallNr, answer, count, atMs, tag)
  }
}
