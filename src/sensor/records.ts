/**
 * The records of the probes, one function per letter; their fields are described in the headers of `probes/*.bt`. An exec
 * comes in three, because bpftrace 0.17 can hold one string at a time; they are joined by process id.
 */
import type { ByteString } from '../bytes.js'
import type { EndpointObservation, ExecObservation, ObservationSink } from '../observation.js'
import { ipv4Of, ipv6Of, portOf, printedAddress } from './address.js'
import { STRING_LIMIT } from './dialect.js'
import type { Fields } from './fields.js'
import { abiOf, cgroupIdOf, lineageOf, syscallNrOf } from './key.js'

const EMPTY = '' as ByteString
const AF_INET = 2
const AF_INET6 = 10
const TCP_LISTEN = 10
/** Offset of `sun_path` in `struct sockaddr_un`, unix(7). */
const SUN_PATH = 2
/** Execs whose other records may still come: more than tasks can exec at one time on a large host. */
const PENDING_LIMIT = 1024

export class RecordReader {
  readonly #sink: ObservationSink
  readonly #wallMs: (nsecs: number) => number
  readonly #execs = new Map<number, ExecObservation>()

  constructor(sink: ObservationSink, wallMs: (nsecs: number) => number) {
    this.#sink = sink
    this.#wallMs = wallMs
  }

  /** Reads one record and delivers what it says. False where it is malformed or of no known letter. */
  read(letter: number, fields: Fields): boolean {
    switch (String.fromCharCode(letter)) {
      case 'S':
        return this.#syscall(fields)
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
    for (const exec of this.#execs.values()) this.#sink.observe(exec)
    this.#execs.clear()
  }

  #syscall(fields: Fields): boolean {
    const key = fields.decimal()
    const pid = fields.decimal()
    const nsecs = fields.decimal()
    const program = fields.rest()
    const abi = abiOf(key)
    if (!fields.isComplete || abi === undefined) return false
    this.#sink.observe({
      kind: 'syscall',
      ...ownerOf(key),
      atMs: this.#wallMs(nsecs),
      abi,
      nr: syscallNrOf(key),
      pid,
      program,
    })
    return true
  }

  #exec(fields: Fields): boolean {
    const key = fields.decimal()
    const pid = fields.decimal()
    const ppid = fields.decimal()
    const nsecs = fields.decimal()
    const inode = fields.decimal()
    const links = fields.decimal()
    const fsMagic = fields.hex()
    const upper = fields.decimal() === 1
    if (!fields.isComplete) return false
    const earlier = this.#execs.get(pid)
    if (earlier !== undefined) this.#sink.observe(earlier)
    else if (this.#execs.size >= PENDING_LIMIT) this.flush()
    this.#execs.set(pid, {
      kind: 'exec',
      ...ownerOf(key),
      atMs: this.#wallMs(nsecs),
      pid,
      ppid,
      path: EMPTY,
      exe: EMPTY,
      inode,
      links,
      fsMagic,
      upper,
      truncated: false,
    })
    return true
  }

  #execPath(fields: Fields): boolean {
    const pid = fields.decimal()
    const path = fields.rest()
    if (!fields.isComplete) return false
    const exec = this.#execs.get(pid)
    if (exec !== undefined) this.#execs.set(pid, { ...exec, path, truncated: isCut(path) })
    return true
  }

  #execFile(fields: Fields): boolean {
    const pid = fields.decimal()
    const exe = fields.rest()
    if (!fields.isComplete) return false
    const exec = this.#execs.get(pid)
    this.#execs.delete(pid)
    if (exec !== undefined) {
      this.#sink.observe({ ...exec, exe, truncated: exec.truncated || isCut(exe) })
    }
    return true
  }

  #tcp(fields: Fields): boolean {
    const key = fields.decimal()
    const what = fields.decimal()
    const pid = fields.decimal()
    const nsecs = fields.decimal()
    const endpoint = tcpEndpoint(key, what, fields.rest())
    if (!fields.isComplete || endpoint === undefined) return false
    this.#sink.observe({ ...endpoint, atMs: this.#wallMs(nsecs), pid })
    return true
  }

  #datagram(fields: Fields): boolean {
    const key = fields.decimal()
    const op = fields.decimal()
    const family = fields.decimal()
    const port = portOf(fields.decimal())
    const high = fields.hex64()
    const low = fields.hex64()
    const pid = fields.decimal()
    const nsecs = fields.decimal()
    if (!fields.isComplete || (family !== AF_INET && family !== AF_INET6)) return false
    this.#sink.observe({
      kind: op === 2 ? 'listen' : 'connect',
      ...ownerOf(key),
      atMs: this.#wallMs(nsecs),
      pid,
      protocol: 'udp',
      address: family === AF_INET ? ipv4Of(low) : ipv6Of(high, low),
      port,
      source: 'user',
      count: 1,
      truncated: false,
    })
    return true
  }

  #unix(fields: Fields): boolean {
    const key = fields.decimal()
    const op = fields.decimal()
    const addressLength = fields.signed()
    const head = fields.decimal()
    const pid = fields.decimal()
    const nsecs = fields.decimal()
    const printed = fields.rest()
    if (!fields.isComplete) return false
    // The caller's own number: the kernel refuses such a call before it reads the name.
    if (addressLength < 0) return true
    // An abstract name starts behind its zero byte and ends with the address; a path ends there or at its own zero byte.
    const isAbstract = head === 0
    const limit = Math.max(0, addressLength - SUN_PATH - (isAbstract ? 1 : 0))
    const name = printed.slice(0, limit)
    this.#sink.observe({
      kind: op === 2 ? 'listen' : 'connect',
      ...ownerOf(key),
      atMs: this.#wallMs(nsecs),
      pid,
      protocol: 'unix',
      address: (isAbstract ? `\u0000${name}` : name) as ByteString,
      port: 0,
      source: 'user',
      count: 1,
      truncated: false,
    })
    return true
  }

  #cgroupCreated(fields: Fields): boolean {
    const cgroupId = fields.decimal()
    const nsecs = fields.decimal()
    const path = fields.rest()
    if (!fields.isComplete) return false
    // A path that was cut is left empty: the tree itself has it.
    this.#sink.observe({
      kind: 'cgroup',
      event: 'created',
      cgroupId,
      path: isCut(path) ? EMPTY : path,
      atMs: this.#wallMs(nsecs),
    })
    return true
  }

  #cgroupRemoved(fields: Fields): boolean {
    const cgroupId = fields.decimal()
    const nsecs = fields.decimal()
    if (!fields.isComplete) return false
    this.#sink.observe({
      kind: 'cgroup',
      event: 'removed',
      cgroupId,
      path: '',
      atMs: this.#wallMs(nsecs),
    })
    return true
  }
}

/** The endpoint of a key of the endpoint maps, `key,what,address`; undefined where it is malformed. */
export function endpointOfMapKey(text: string): EndpointObservation | undefined {
  const [key, what, address, ...more] = text.split(',')
  if (address === undefined || more.length > 0) return undefined
  if (!/^\d{1,16}$/.test(key ?? '') || !/^\d{1,9}$/.test(what ?? '')) return undefined
  return Number.isSafeInteger(Number(key))
    ? tcpEndpoint(Number(key), Number(what), address)
    : undefined
}

/** Time, process and count are the caller's to fill in: an early notice counts 0. */
function tcpEndpoint(key: number, what: number, address: string): EndpointObservation | undefined {
  const plain = printedAddress(address)
  if (plain === undefined) return undefined
  return {
    kind: Math.floor(what / 65536) === TCP_LISTEN ? 'listen' : 'connect',
    ...ownerOf(key),
    atMs: 0,
    pid: 0,
    protocol: 'tcp',
    address: plain,
    port: what % 65536,
    source: 'kernel',
    count: 0,
    truncated: false,
  }
}

function ownerOf(key: number): Pick<ExecObservation, 'cgroupId' | 'lineage'> {
  return { cgroupId: cgroupIdOf(key), lineage: lineageOf(key) }
}

function isCut(text: ByteString): boolean {
  return text.length >= STRING_LIMIT - 1
}
