/** What bpftrace 0.17 writes for the probes with `-f json`: records and map prints, escaped as it escapes them. */
import { type ByteString, byteStringOfText } from '../../src/bytes.js'
import { ABIS, type Abi, type Lineage, LINEAGES } from '../../src/observation.js'
import { entryOf } from './entry-of.js'

/** The key that the probes pack cgroup, entry tag, lineage, ABI and number into. */
export function keyOf(
  cgroupId: number,
  lineage: Lineage,
  nr: number,
  { abi = 'x86_64', tag = 0 }: { readonly abi?: Abi; readonly tag?: number } = {},
): number {
  const low = tag * 65536 + LINEAGES.indexOf(lineage) * 8192 + ABIS.indexOf(abi) * 1024 + nr
  return cgroupId * 2 ** 24 + low
}

/** The record of an entry with that argv. */
export function entry(
  cgroupId: number,
  pid: number,
  nsecs: number,
  argv: readonly string[],
): string {
  const { tag, length, hash, head } = entryOf(...argv)
  const bytes = Buffer.alloc(64)
  bytes.write(head, 'latin1')
  const words = Array.from({ length: 8 }, (_, i) => bytes.readBigUInt64LE(i * 8).toString(16))
  const key = keyOf(cgroupId, 'exec', 0, { tag })
  return record('A', key, pid, nsecs, length, hash.toString(16), ...words)
}

/** One record: its letter, numbers, and at most one text, last. */
export function record(letter: string, ...fields: readonly (number | string)[]): string {
  const bytes = byteStringOfText(`${[letter, ...fields].join(' ')}\n`)
  return `{"type": "printf", "data": "${escaped(bytes)}"}\n`
}

/** A printed map. */
export function mapPrint(name: string, entries: Readonly<Record<string, number>>): string {
  const shown = Object.entries(entries).map(([key, value]) => `"${key}": ${value}`)
  return `{"type": "map", "data": {"@${name}": {${shown.join(', ')}}}}\n`
}

/** The three records of one execution. */
export function exec(
  key: number,
  pid: number,
  ppid: number,
  nsecs: number,
  path: string,
  exe: string,
): string {
  return (
    record('E', key, pid, ppid, 0, nsecs, 77, 1, '794c7630', 0, exe) +
    record('P', pid, path) +
    record('F', pid, exe)
  )
}

/** What the sensor prints of itself every two seconds: records by letter, and refused map updates by letter. */
export function counters(
  sent: Readonly<Record<string, number>>,
  refused: Readonly<Record<string, number>> = {},
): string {
  return mapPrint('sent', byCode(sent)) + mapPrint('refused', byCode(refused))
}

function byCode(counts: Readonly<Record<string, number>>): Record<string, number> {
  const codes = Object.entries(counts).map(([letter, n]) => [letter.charCodeAt(0), n] as const)
  return { 0: 1, ...Object.fromEntries(codes) }
}

function escaped(bytes: ByteString): string {
  return bytes.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
    /["\\\u0000-\u001f\u007f-\u00ff]/g,
    (char) => {
      if (char === '"' || char === '\\') return `\\${char}`
      if (char === '\n') return '\\n'
      const hex = char.charCodeAt(0).toString(16).padStart(2, '0')
      // A char above 0x7f is negative, and printed as the unsigned number that it becomes.
      return char >= '\u0080' ? `\\uffffff${hex}` : `\\u00${hex}`
    },
  )
}
