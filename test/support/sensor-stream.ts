/**
 * Both ends of a decoder for tests: writes lines as bpftrace 0.17 does (escapes included, as captured from it), and notes
 * every call that a decoder makes for them.
 */
import type { Observation } from '../../src/observation.js'
import type { Loss } from '../../src/sensor/accounting.js'
import { Decoder } from '../../src/sensor/decoder.js'

/** What one decoder told, in order, and its counters at the end. */
export interface Decoded {
  readonly told: readonly Told[]
  readonly malformed: number
  readonly running: readonly Loss[]
  readonly final: readonly Loss[]
  readonly refusals: readonly Loss[]
}

/**
 * One call of the sink (`syscall`: cgroup, lineage, tag, ABI, number, count, time; `argument`: the same with the value before
 * the count; `observe`: the observation and its tag) or of the events.
 */
export type Told =
  | readonly ['syscall' | 'argument', ...(readonly (string | number)[])]
  | readonly ['observe', Observation, number]
  | readonly ['ready', number]
  | readonly ['printed']
  | readonly ['mapFull', string]

/** Arrival time of the first chunk, wall clock in ms. */
export const ARRIVED_MS = 1_700_000_000_000

/**
 * Decodes chunks that arrive from `ARRIVED_MS` on, `everyMs` apart; `end` is left out by those who look at a sensor that still
 * runs.
 */
export function decoded(chunks: Iterable<Uint8Array>, ended = true, everyMs = 0): Decoded {
  const told: Told[] = []
  const decoder = new Decoder(
    {
      syscall: (...call) => void told.push(['syscall', ...call]),
      argument: (...call) => void told.push(['argument', ...call]),
      observe: (observation, tag) => void told.push(['observe', observation, tag]),
    },
    {
      ready: (atMs) => void told.push(['ready', atMs]),
      printed: () => void told.push(['printed']),
      mapFull: (what) => void told.push(['mapFull', what]),
    },
  )
  let arrivedMs = ARRIVED_MS
  for (const chunk of chunks) {
    decoder.push(chunk, arrivedMs)
    arrivedMs += everyMs
  }
  if (ended) decoder.end()
  const { accounting, malformed } = decoder
  return {
    told,
    malformed,
    running: accounting.losses(false),
    final: accounting.losses(true),
    refusals: accounting.refusals(),
  }
}

/** The observations among what was told. */
export function observationsOf({ told }: Decoded): readonly Observation[] {
  return told.flatMap((call) => (call[0] === 'observe' ? [call[1]] : []))
}

/** `[number, count]` of each call of the sink's `syscall`. */
export function countsOf({ told }: Decoded): readonly (readonly [number, number])[] {
  return told.flatMap((call) =>
    call[0] === 'syscall' ? [[Number(call[5]), Number(call[6])] as const] : [],
  )
}

/** `[number, value, count]` of each call of the sink's `argument`. */
export function argumentsOf({ told }: Decoded): readonly (readonly [number, number, number])[] {
  return told.flatMap((call) =>
    call[0] === 'argument' ? [[Number(call[5]), Number(call[6]), Number(call[7])] as const] : [],
  )
}

/** How a byte of a string is written: as 0.17 to 0.23 do, or raw above 0x7f. */
export type Dialect = 'sign-extended' | 'raw'

/** A printf line of `record`, whose text parts stand for their UTF-8; the record's own newline is added. */
export function printf(
  record: string | readonly (string | Uint8Array)[],
  dialect: Dialect = 'sign-extended',
): Buffer {
  const parts = typeof record === 'string' ? [record] : record
  const bytes = Buffer.concat([
    ...parts.map((part) => Buffer.from(part as string)),
    Buffer.from('\n'),
  ])
  const escaped = [...bytes].map((byte) => escapedByte(byte, dialect)).join('')
  return Buffer.from(`{"type": "printf", "data": "${escaped}"}\n`, 'latin1')
}

const SHORT: Readonly<Record<number, string>> = {
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0c: '\\f',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
}

function escapedByte(byte: number, dialect: Dialect): string {
  const short = SHORT[byte]
  if (short !== undefined) return short
  const hex = byte.toString(16).padStart(2, '0')
  if (byte > 0x7f && dialect === 'sign-extended') return `\\uffffff${hex}`
  return byte < 0x20 ? `\\u00${hex}` : String.fromCharCode(byte)
}

/** A print of the whole map `@name`. */
export function mapPrint(
  name: string,
  entries: readonly (readonly [key: string | number, value: number])[],
): Buffer {
  const printed = entries.map(([key, value]) => `"${key}": ${value}`).join(', ')
  return Buffer.from(`{"type": "map", "data": {"@${name}": {${printed}}}}\n`)
}

/** The key of a system call as the probes pack it: 64 bits, which a double does not hold. */
export function callKey(
  cgroupId: number,
  lineage: number,
  abi: number,
  nr: number,
  tag = 0,
): string {
  const low = tag * 65536 + lineage * 8192 + abi * 1024 + nr
  return String(BigInt(cgroupId) * 2n ** 24n + BigInt(low))
}
