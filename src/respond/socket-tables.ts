/**
 * The sockets of one network namespace, by inode, from the text of `/proc/PID/net/*`. Formats: proc_pid_net(5), and
 * net/ipv4/tcp_ipv4.c, net/unix/af_unix.c, net/packet/af_packet.c of the kernel.
 */
import { endianness } from 'node:os'
import { displayOf, type ByteString } from '../bytes.js'
import { textOf } from './bounded-read.js'

export interface SocketRecord {
  readonly protocol: string
  /** Printable: an address and port, or the path of a unix socket; empty where there is none. */
  readonly local: string
  readonly remote: string
  readonly state: string
}

/** include/net/tcp_states.h, from 1. */
const TCP_STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
]
/** include/uapi/linux/net.h, from 1. */
const UNIX_STATES = ['UNCONNECTED', 'CONNECTING', 'CONNECTED', 'DISCONNECTING']
const UNIX_LISTENING = 0x10000

const INET = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'] as const
const TABLE_BYTES = 8 * 1024 * 1024

/** All of them, as the process sees them; those of a process that is gone are none. */
export async function socketsOf(pid: number): Promise<ReadonlyMap<number, SocketRecord>> {
  const sockets = new Map<number, SocketRecord>()
  const table = (name: string): Promise<string> => textOf(`/proc/${pid}/net/${name}`, TABLE_BYTES)
  for (const protocol of INET) parseInet(protocol, await table(protocol), sockets)
  parseUnix(await table('unix'), sockets)
  parseByInode('packet', 8, await table('packet'), sockets)
  parseByInode('netlink', 9, await table('netlink'), sockets)
  return sockets
}

/** Adds the sockets of `/proc/PID/net/tcp` and its likes. */
export function parseInet(
  protocol: string,
  text: string,
  sockets: Map<number, SocketRecord>,
): void {
  for (const line of text.split('\n')) {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
    if (!/^[1-9]\d*$/.test(inode)) continue
    const code = Number.parseInt(state, 16)
    sockets.set(Number(inode), {
      protocol,
      local: endpointOf(local),
      remote: endpointOf(remote),
      state: TCP_STATES[code - 1] ?? state,
    })
  }
}

/** Adds the sockets of `/proc/PID/net/unix`; a path is what a process chose, an abstract name begins with `@`. */
export function parseUnix(text: string, sockets: Map<number, SocketRecord>): void {
  for (const line of text.split('\n')) {
    const match =
      /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ ([0-9A-F]+) +(\d+)(?: (.*))?$/.exec(
        line,
      )
    if (match === null) continue
    const [, flags = '', state = '', inode = '', path = ''] = match
    const isListening = (Number.parseInt(flags, 16) & UNIX_LISTENING) !== 0
    sockets.set(Number(inode), {
      protocol: 'unix',
      local: displayOf(path as ByteString),
      remote: '',
      state: isListening ? 'LISTEN' : (UNIX_STATES[Number.parseInt(state, 16) - 1] ?? state),
    })
  }
}

/** Adds sockets of which only the inode is of interest, in that column. */
function parseByInode(
  protocol: string,
  column: number,
  text: string,
  sockets: Map<number, SocketRecord>,
): void {
  for (const line of text.split('\n')) {
    const inode = Number(line.trim().split(/\s+/)[column])
    if (inode > 0) sockets.set(inode, { protocol, local: '', remote: '', state: '' })
  }
}

/** `0100007F:1F90`: words in the byte order of the host, in hexadecimal. */
export function endpointOf(text: string, order = endianness()): string {
  const [address = '', port = ''] = text.split(':')
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(address)) return ''
  const bytes = Buffer.from(address, 'hex')
  if (order === 'LE') bytes.swap32()
  const portNumber = Number.parseInt(port, 16)
  if (bytes.length === 4) return `${[...bytes].join('.')}:${portNumber}`
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff') {
    return `${[...bytes.subarray(12)].join('.')}:${portNumber}`
  }
  const zeros = groups.join(':').match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []
  const longest = zeros.toSorted((a, b) => b.length - a.length)[0]
  const shown = longest === undefined ? groups.join(':') : compressed(groups.join(':'), longest)
  return `[${shown}]:${portNumber}`
}

/** RFC 5952: the first longest run of zeros becomes `::`. */
function compressed(groups: string, zeros: string): string {
  const at = groups.indexOf(zeros)
  const before = groups.slice(0, at)
  const after = groups.slice(at + zeros.length)
  return `${before}::${after.replace(/^:/, '')}`
}
