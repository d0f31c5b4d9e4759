/**
 * The decoder's twin for well-formed streams: repairs bpftrace's escapes, then leaves all reading to JSON.parse, regular
 * expressions and the platform's own address formatting. Knows nothing of chunks, limits or bad input.
 */
import { byteStringOf, type ByteString } from '../../src/bytes.js'
import type { Observation } from '../../src/observation.js'
import {
  endpoint,
  ipv4,
  ipv6,
  memoryOf,
  ownerOf,
  partsOf,
  tagOf,
  tcp,
  used,
} from './naive-fields.js'
import { ARRIVED_MS, type Told } from './sensor-stream.js'

interface Line {
  readonly type: string
  readonly data: unknown
}

/** What a decoder has to tell for these lines. */
export function naivelyDecoded(lines: readonly Uint8Array[]): readonly Told[] {
  const told: Told[] = []
  const before = new Map<string, Map<string, number>>()
  const lastPrints = new Set<string>()
  const pending = new Map<string, readonly [Observation & { kind: 'exec' }, number]>()
  let bootMs: number | undefined
  let latestMs = 0

  const wallMs = (nsecs: string | undefined): number => {
    bootMs ??= ARRIVED_MS - Number(nsecs) / 1e6
    const atMs = Math.floor(bootMs + Number(nsecs) / 1e6)
    latestMs = Math.max(latestMs, atMs)
    return atMs
  }
  /** `<pid> <ppid> <uid> <nsecs>`, of which the first is field `at`. */
  const done = (f: readonly string[], at: number) => ({
    pid: Number(f[at]),
    ppid: Number(f[at + 1]),
    uid: Number(f[at + 2]),
    atMs: wallMs(f[at + 3]),
    atNs: Number(f[at + 3]),
  })
  const tell = (observation: Observation, tag = 0): void =>
    void told.push(['observe', observation, tag])

  const record = (text: string): void => {
    const [letter = '', ...f] = (SHAPES.exec(text)?.slice(1) ?? []).filter((x) => x !== undefined)
    switch (letter) {
      case 'R':
        bootMs = ARRIVED_MS - Number(f[0]) / 1e6
        told.push(['ready', wallMs(f[0])])
        return
      case 'H':
        wallMs(f[0])
        return
      case 'W':
        wallMs(f[1])
        return
      case 'C':
      case 'c':
      case 'k':
      case 'u': {
        for (const map of CLEARED[letter]) {
          const name = `${map}_${f[0] === '1' ? 'b' : 'a'}`
          // bpftrace does not print an empty map, so there is no last print of it either.
          if (before.has(name)) lastPrints.add(name)
        }
        wallMs(f[1])
        return
      }
      case 'S': {
        const { abi, nr } = partsOf(f[0])
        const program = f[5] as ByteString
        tell({ kind: 'syscall', ...ownerOf(f[0]), ...done(f, 1), abi, nr, program }, tagOf(f[0]))
        return
      }
      case 'V': {
        const { abi, nr } = partsOf(f[0])
        const call = { abi, nr, value: Number(f[1]), program: f[6] as ByteString }
        tell({ kind: 'argument', ...ownerOf(f[0]), ...done(f, 2), ...call }, tagOf(f[0]))
        return
      }
      case 'K':
      case 'U': {
        const use = { ...ownerOf(f[0]), ...done(f, 2), program: f[6] as ByteString, count: 0 }
        tell({ ...used(letter === 'K' ? 'caps' : 'uring', f[1]), ...use }, tagOf(f[0]))
        return
      }
      case 'A': {
        const length = Number(f[3])
        const head = Buffer.concat(f.slice(5).map(memoryOf)).subarray(0, length - (length % 8))
        const tag = tagOf(f[0])
        tell(
          {
            kind: 'entry',
            ...ownerOf(f[0]),
            tag,
            pid: Number(f[1]),
            atMs: wallMs(f[2]),
            atNs: Number(f[2]),
            length,
            hash: BigInt(`0x${f[4]}`),
            head: byteStringOf(head),
          },
          tag,
        )
        return
      }
      case 'E': {
        const earlier = pending.get(f[1] ?? '')
        if (earlier !== undefined) tell(...earlier)
        const facts = {
          kind: 'exec' as const,
          ...ownerOf(f[0]),
          ...done(f, 1),
          path: '' as ByteString,
          exe: '' as ByteString,
          comm: f[9] as ByteString,
          inode: Number(f[5]),
          links: Number(f[6]),
          fsMagic: Number(`0x${f[7]}`),
          upper: f[8] === '1',
          truncated: false,
        }
        pending.set(f[1] ?? '', [facts, tagOf(f[0])])
        return
      }
      case 'P':
      case 'F': {
        const [exec, tag] = pending.get(f[0] ?? '') ?? []
        if (exec === undefined || tag === undefined) return
        const text = f[1] as ByteString
        const named = letter === 'P' ? { path: text } : { exe: text }
        const joined = { ...exec, ...named, truncated: exec.truncated || text.length >= 199 }
        if (letter === 'P') pending.set(f[0] ?? '', [joined, tag])
        else {
          pending.delete(f[0] ?? '')
          tell(joined, tag)
        }
        return
      }
      case 'N':
        tell({ ...tcp(f[0], f[1], f[6]), ...done(f, 2), count: 0 }, tagOf(f[0]))
        return
      case 'D': {
        const address = f[2] === '2' ? ipv4(f[5]) : ipv6(f[4], f[5])
        const [low = '', high = ''] = Number(f[3]).toString(16).padStart(4, '0').match(/../g) ?? []
        tell(
          {
            ...endpoint(f[0], f[1]),
            ...done(f, 6),
            protocol: 'udp',
            address,
            port: Number(`0x${high}${low}`),
            source: 'user',
            count: 1,
          },
          tagOf(f[0]),
        )
        return
      }
      case 'X': {
        const room = Number(f[2]) - (f[3] === '0' ? 3 : 2)
        const name = (f[8] ?? '').slice(0, Math.max(room, 0))
        const address = (f[3] === '0' ? `\u0000${name}` : name) as ByteString
        tell(
          {
            ...endpoint(f[0], f[1]),
            ...done(f, 4),
            protocol: 'unix',
            address,
            port: 0,
            source: 'user',
            count: 1,
          },
          tagOf(f[0]),
        )
        return
      }
      case 'G':
        tell({
          kind: 'cgroup',
          event: 'created',
          cgroupId: Number(f[0]),
          path: (f[2] ?? '').length >= 199 ? '' : (f[2] ?? ''),
          atMs: wallMs(f[1]),
        })
        return
      case 'g':
        tell({
          kind: 'cgroup',
          event: 'removed',
          cgroupId: Number(f[0]),
          path: '',
          atMs: wallMs(f[1]),
        })
        return
      default:
        throw new Error(`no such record: ${text}`)
    }
  }

  const map = (name: string, entries: Readonly<Record<string, number>>): void => {
    const known = before.get(name) ?? new Map<string, number>()
    before.set(name, known)
    for (const [key, value] of Object.entries(entries)) {
      const old = known.get(key) ?? 0
      known.set(key, value)
      const count = value >= old ? value - old : value
      if (count === 0) continue
      const [owner, what, address] = key.split(',')
      if (name === 'capped') {
        const of = { 66: 'denial', 78: 'endpoint', 68: 'datagram', 88: 'unix' }[what ?? ''] ?? ''
        const whose = { cgroupId: Number(owner), lineage: 'main', atMs: latestMs } as const
        tell({ kind: 'capped', ...whose, what: of, count })
        continue
      }
      const { cgroupId, lineage } = ownerOf(owner)
      const { tag, abi, nr } = partsOf(owner)
      if (name.startsWith('calls')) {
        told.push(['syscall', cgroupId, lineage, tag, abi, nr, count, latestMs])
      } else if (name.startsWith('args')) {
        told.push(['argument', cgroupId, lineage, tag, abi, nr, Number(what), count, latestMs])
      } else if (name.startsWith('caps') || name.startsWith('uring')) {
        const use = { cgroupId, lineage, ...NOBODY, atMs: latestMs, program: NO_TEXT, count }
        tell({ ...used(name.startsWith('caps') ? 'caps' : 'uring', what), ...use }, tag)
      } else {
        tell({ ...tcp(owner, what, address), ...NOBODY, atMs: latestMs, count }, tag)
      }
    }
    if (lastPrints.delete(name)) before.delete(name)
  }

  for (const line of lines) {
    const { type, data } = parsed(line)
    if (type === 'printf') record(data as string)
    else
      for (const [name, entries] of Object.entries(data as object))
        map(name.slice(1), entries as never)
  }
  for (const [exec, tag] of pending.values()) tell(exec, tag)
  return told
}

/** The maps that a record announces the end of. */
const CLEARED = {
  C: ['calls', 'args'],
  c: ['endpoints'],
  k: ['caps'],
  u: ['uring'],
} as const

const NO_TEXT = '' as ByteString

/** The caller and the moment of what a map tells. */
const NOBODY = { pid: 0, ppid: 0, uid: undefined, atNs: 0 }

/** Letter, then its fields; the string of those that carry one takes all the rest, newlines too. */
const SHAPES =
  /^(?:([RH]) (\d+)|([WCcgku]) (\d+) (\d+)|(S) (\d+) (\d+) (\d+) (\d+) (\d+) ([^]*)|([VKU]) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([^]*)|(A) (\d+) (\d+) (\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)|(E) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([0-9a-f]+) ([01]) ([^]*)|([PF]) (\d+) ([^]*)|(N) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([^]*)|(D) (\d+) (\d) (\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+) (\d+) (\d+)|(X) (\d+) (\d) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([^]*)|(G) (\d+) (\d+) ([^]*))\n$/

function parsed(line: Uint8Array): Line {
  const text = Buffer.from(line).toString('latin1')
  const json = text.replaceAll(/\\(?:uffffff(..)|u....|[^u])/g, (all: string, byte?: string) =>
    byte === undefined ? all : `\\u00${byte}`,
  )
  return JSON.parse(json) as Line
}
