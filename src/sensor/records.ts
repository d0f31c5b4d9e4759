/**
 * The records of the probes, one function per letter; their fields are described in the headers of `probes/*.bt`.
 */
import { byteStringOf, type ByteString } from '../bytes.js'
import type { EarlyObserved, ObservationSink } from '../observation.js'
import { ipv4Of, ipv6Of, portOf } from './address.js'
import { tagOf } from './argv-hash.js'
import { callerOf } from './caller.js'
import { isCut } from './dialect.js'
import { ExecParts } from './exec-parts.js'
import type { Fields } from './fields.js'
import { Key } from './key.js'
import { tcpEndpoint } from './tcp-endpoint.js'

const AF_INET = 2
const AF_INET6 = 10
const U32_LIMIT = 2 ** 32
/** Offset of `sun_path` in `struct sockaddr_un`, unix(7). */
const SUN_PATH = 2
/** Words of eight bytes of an argv that an entry's record carries. */
const HEAD_WORDS = 8

export class RecordReader {
  readonly #sink: ObservationSink
  readonly #wallMs: (nsecs: number) => number
  readonly #key = new Key()
  readonly #execs: ExecParts

  constructor(sink: ObservationSink, wallMs: (nsecs: number) => number) {
    this.#sink = sink
    this.#wallMs = wallMs
    this.#execs = new ExecParts(sink)
  }

  /** Reads one record and delivers what it says. False where it is malformed or of no known letter. */
  read(letter: number, fields: Fields): boolean {
    switch (String.fromCharCode(letter)) {
      case 'S':
        return this.#syscall(fields)
      case 'V':
        return this.#argument(fields)
      case 'A':
        return this.#entry(fields)
      case 'E':
        return this.#exec(fields)
      case 'P':
        return this.#execPath(fields)
      case 'F':
        return this.#execFile(fields)
      case 'N':
        return this.#tcp(fields)
      case 'D':
        return this.#datagram(fields)
      case 'X':
        return this.#unix(fields)
      case 'G':
        return this.#cgroupCreated(fields)
      case 'g':
        return this.#cgroupRemoved(fields)
      default:
        return false
    }
  }

  /** Delivers the execs whose other records never came. */
  flush(): void {
    this.#execs.flush()
  }

  #syscall(fields: Fields): boolean {
    const key = fields.key(this.#key)
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    const program = fields.rest()
    const { abi, syscallNr: nr } = key
    if (!fields.isComplete || abi === undefined) return false
    const owner = this.#owner(nsecs)
    this.#sink.observe({ kind: 'syscall', ...owner, ...caller, abi, nr, program }, key.tag)
    return true
  }

  #argument(fields: Fields): boolean {
    const key = fields.key(this.#key)
    const value = fields.decimal()
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    const program = fields.rest()
    const { abi, syscallNr: nr } = key
    if (!fields.isComplete || abi === undefined || value >= U32_LIMIT) return false
    const owner = this.#owner(nsecs)
    this.#sink.observe({ kind: 'argument', ...owner, ...caller, abi, nr, value, program }, key.tag)
    return true
  }

  #entry(fields: Fields): boolean {
    const { tag } = fields.key(this.#key)
    const pid = fields.decimal()
    const nsecs = fields.decimal64()
    const length = fields.decimal()
    const hash = fields.hex64()
    const words = Buffer.alloc(HEAD_WORDS * 8)
    for (let at = 0; at < words.length; at += 8) words.writeBigUInt64LE(fields.hex64(), at)
    if (!fields.isComplete || tag !== tagOf(hash)) return false
    const head = byteStringOf(words.subarray(0, length - (length % 8)))
    this.#sink.observe({ kind: 'entry', ...this.#owner(nsecs), tag, pid, length, hash, head }, tag)
    return true
  }

  #exec(fields: Fields): boolean {
    const { tag } = fields.key(this.#key)
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    const inode = fields.decimal64()
    const links = fields.decimal()
    const fsMagic = fields.hex()
    const upper = fields.decimal() === 1
    const comm = fields.rest()
    if (!fields.isComplete) return false
    const owner = { ...this.#owner(nsecs), ...caller }
    this.#execs.begin({ kind: 'exec', ...owner, comm, inode, links, fsMagic, upper }, tag)
    return true
  }

  #execPath(fields: Fields): boolean {
    const pid = fields.decimal()
    const path = fields.rest()
    if (fields.isComplete) this.#execs.path(pid, path)
    return fields.isComplete
  }

  #execFile(fields: Fields): boolean {
    const pid = fields.decimal()
    const exe = fields.rest()
    if (fields.isComplete) this.#execs.file(pid, exe)
    return fields.isComplete
  }

  #tcp(fields: Fields): boolean {
    const key = fields.key(this.#key)
    const what = fields.decimal()
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    const endpoint = tcpEndpoint(key, what, fields.rest())
    if (!fields.isComplete || endpoint === undefined) return false
    this.#sink.observe({ ...endpoint, ...this.#owner(nsecs), ...caller }, key.tag)
    return true
  }

  #datagram(fields: Fields): boolean {
    const { tag } = fields.key(this.#key)
    const op = fields.decimal()
    const family = fields.decimal()
    const port = portOf(fields.decimal())
    const high = fields.hex64()
    const low = fields.hex64()
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    if (!fields.isComplete || (family !== AF_INET && family !== AF_INET6)) return false
    this.#sink.observe(
      {
        kind: op === 2 ? 'listen' : 'connect',
        ...this.#owner(nsecs),
        ...caller,
        protocol: 'udp',
        address: family === AF_INET ? ipv4Of(low) : ipv6Of(high, low),
        port,
        source: 'user',
        count: 1,
        truncated: false,
      },
      tag,
    )
    return true
  }

  #unix(fields: Fields): boolean {
    const { tag } = fields.key(this.#key)
    const op = fields.decimal()
    const addressLength = fields.signed()
    const first = fields.decimal()
    const caller = callerOf(fields)
    const nsecs = fields.decimal64()
    const printed = fields.rest()
    if (!fields.isComplete) return false
    // The caller's own number: the kernel refuses such a call before it reads the name.
    if (addressLength < 0) return true
    // An abstract name starts behind its zero byte and ends with the address; a path ends there or at its own zero byte.
    const isAbstract = first === 0
    const limit = Math.max(0, addressLength - SUN_PATH - (isAbstract ? 1 : 0))
    const name = printed.slice(0, limit)
    this.#sink.observe(
      {
        kind: op === 2 ? 'listen' : 'connect',
        ...this.#owner(nsecs),
        ...caller,
        protocol: 'unix',
        address: (isAbstract ? `\u0000${name}` : name) as ByteString,
        port: 0,
        source: 'user',
        count: 1,
        truncated: false,
      },
      tag,
    )
    return true
  }

  #cgroupCreated(fields: Fields): boolean {
    const cgroupId = fields.decimal()
    const nsecs = fields.decimal64()
    const printed = fields.rest()
    if (!fields.isComplete) return false
    const atMs = this.#wallMs(nsecs)
    // A path that was cut is left empty: the tree itself has it.
    const path = isCut(printed) ? '' : printed
    this.#sink.observe({ kind: 'cgroup', event: 'created', cgroupId, path, atMs }, 0)
    return true
  }

  #cgroupRemoved(fields: Fields): boolean {
    const cgroupId = fields.decimal()
    const nsecs = fields.decimal64()
    if (!fields.isComplete) return false
    const atMs = this.#wallMs(nsecs)
    this.#sink.observe({ kind: 'cgroup', event: 'removed', cgroupId, path: '', atMs }, 0)
    return true
  }

  /** Whose the fact of the key that was read last is. */
  #owner(atNs: number): EarlyObserved {
    const { cgroupId, lineage } = this.#key
    return { cgroupId, lineage, atMs: this.#wallMs(atNs), atNs }
  }
}
