/**
 * The printed maps that carry facts: calls, their arguments, endpoints, and what was left out of a cgroup that had too many.
 * All but the last have two halves, `_a` and `_b`, that take turns (see probes/session.bt). They print cumulative values, of
 * which only what is new is delivered.
 */
import type { ObservationSink } from '../observation.js'
import { Cumulative, type Epoch } from './cumulative.js'
import { Key } from './key.js'
import { decimalAt, readMapPrint } from './map-print.js'
import { endpointOfMapKey } from './tcp-endpoint.js'

const COMMA = 0x2c
const U32_LIMIT = 2 ** 32

/** What is left out, by the letter of its record. */
const CAPPED: Readonly<Record<string, string>> = {
  N: 'endpoint',
  D: 'datagram',
  X: 'unix',
  B: 'denial',
}

/** What became of one printed map. */
export interface PrintedMap {
  /** What it holds, in the words of the user. */
  readonly what: string
  /** Its entries; undefined where the line is malformed. */
  readonly entries: number | undefined
  /** Entries that could not be read. */
  readonly malformed: number
}

export class MapReader {
  readonly #sink: ObservationSink
  readonly #key = new Key()
  readonly #calls = new Cumulative<number>()
  readonly #arguments = new Cumulative<string>()
  readonly #endpoints = new Cumulative<string>()
  readonly #capped = new Cumulative<string>()
  #malformed = 0

  constructor(sink: ObservationSink) {
    this.#sink = sink
  }

  /** The calls of that epoch and their arguments are printed once more and then start over. */
  willClearCalls(epoch: Epoch): void {
    this.#calls.willClear(epoch)
    this.#arguments.willClear(epoch)
  }

  /** The endpoints of that epoch are printed once more and then start over. */
  willClearEndpoints(epoch: Epoch): void {
    this.#endpoints.willClear(epoch)
  }

  /** Delivers what is new in a print of the map `name`, as of `atMs`; undefined where the map carries no facts. */
  read(name: string, line: Uint8Array, atMs: number): PrintedMap | undefined {
    const epoch = name.endsWith('_b') ? 1 : 0
    this.#malformed = 0
    switch (name) {
      case 'calls_a':
      case 'calls_b':
        return this.#printed('syscall', this.#readCalls(epoch, line, atMs))
      case 'args_a':
      case 'args_b':
        return this.#printed('argument', this.#readArguments(epoch, line, atMs))
      case 'endpoints_a':
      case 'endpoints_b':
        return this.#printed('endpoint', this.#readEndpoints(epoch, line, atMs))
      case 'capped':
        return this.#printed('capped', this.#readCapped(line, atMs))
      default:
        return undefined
    }
  }

  #printed(what: string, entries: number | undefined): PrintedMap {
    return { what, entries, malformed: this.#malformed }
  }

  #readCalls(epoch: Epoch, line: Uint8Array, atMs: number): number | undefined {
    const key = this.#key
    const entries = readMapPrint(line, (start, end, value) => {
      const abi = key.read(line, start, end) ? key.abi : undefined
      if (abi === undefined) {
        this.#malformed++
        return
      }
      const { cgroupId, lineage, tag, syscallNr } = key
      const count = this.#calls.advance(epoch, cgroupId, key.low, value)
      if (count > 0) this.#sink.syscall(cgroupId, lineage, tag, abi, syscallNr, count, atMs)
    })
    this.#calls.printed(epoch)
    return entries
  }

  /** Keys are `key,value`. */
  #readArguments(epoch: Epoch, line: Uint8Array, atMs: number): number | undefined {
    const key = this.#key
    const entries = readMapPrint(line, (start, end, value) => {
      const comma = line.indexOf(COMMA, start)
      const abi = comma > 0 && key.read(line, start, comma) ? key.abi : undefined
      const argument = decimalAt(line, comma + 1, end)
      if (abi === undefined || argument === undefined || argument >= U32_LIMIT) {
        this.#malformed++
        return
      }
      const { cgroupId, lineage, tag, syscallNr } = key
      const count = this.#arguments.advance(epoch, cgroupId, `${key.low},${argument}`, value)
      if (count > 0) {
        this.#sink.argument(cgroupId, lineage, tag, abi, syscallNr, argument, count, atMs)
      }
    })
    this.#arguments.printed(epoch)
    return entries
  }

  #readEndpoints(epoch: Epoch, line: Uint8Array, atMs: number): number | undefined {
    const key = this.#key
    const entries = readMapPrint(line, (start, end, value) => {
      const text = Buffer.from(line.subarray(start, end)).toString('latin1')
      const endpoint = endpointOfMapKey(text, key)
      if (endpoint === undefined) {
        this.#malformed++
        return
      }
      const count = this.#endpoints.advance(epoch, endpoint.cgroupId, text, value)
      if (count > 0) this.#sink.observe({ ...endpoint, atMs, count }, key.tag)
    })
    this.#endpoints.printed(epoch)
    return entries
  }

  /** Keys are `cgroup id,letter code`. This map is never cleared. */
  #readCapped(line: Uint8Array, atMs: number): number | undefined {
    return readMapPrint(line, (start, end, value) => {
      const comma = line.indexOf(COMMA, start)
      const cgroupId = comma > 0 ? decimalAt(line, start, comma) : undefined
      const what = CAPPED[String.fromCharCode(decimalAt(line, comma + 1, end) ?? 0)]
      if (cgroupId === undefined || what === undefined) {
        this.#malformed++
        return
      }
      const count = this.#capped.advance(0, cgroupId, what, value)
      if (count === 0) return
      this.#sink.observe({ kind: 'capped', cgroupId, lineage: 'main', atMs, what, count }, 0)
    })
  }
}
