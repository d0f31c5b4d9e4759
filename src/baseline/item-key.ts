/**
 * Names of items that mean the same in every baseline: what decisions of people and the indexes of the model refer to. A key
 * is a string of bytes (Latin-1), begins with the kind, and sorts as the lists do. The lineage is no part of it.
 *
 *   syscall    01 | abi | nr (2)
 *   argument   02 | abi | nr (2) | value (4)
 *   exec       03 | path 00 00 | exe 00 00
 *   connect    04 | protocol | address 00 00 | port (2) | source
 *   listen     05 | likewise
 *   capability 06 | number
 *   io_uring   07 | opcode
 *
 * Numbers are big-endian, codes count from 1 as on disk. A zero byte within text is written 00 01: that keeps the order and
 * lets no text end early.
 */
import { bytesOf, type ByteString } from '../bytes.js'
import { type Abi, ABIS, type Source, SYSCALL_NR_LIMIT } from '../observation.js'
import { CAPABILITY_LIMIT } from '../kernel/capabilities.js'
import { PROTOCOLS, type Protocol, SOURCES } from './endpoint-item.js'
import { compareText, ITEM_KEY_BYTES, PORT_LIMIT } from './limits.js'

export type ItemKey = string & { readonly __itemKey: unique symbol }

/** In the order of their codes in keys, from 1. */
export const ITEM_KINDS = [
  'syscall',
  'argument',
  'exec',
  'connect',
  'listen',
  'capability',
  'io_uring',
] as const
export type ItemKind = (typeof ITEM_KINDS)[number]

/** What a key names. */
export type NamedItem =
  | { readonly kind: 'syscall'; readonly abi: Abi; readonly nr: number }
  | { readonly kind: 'argument'; readonly abi: Abi; readonly nr: number; readonly value: number }
  | { readonly kind: 'exec'; readonly path: ByteString; readonly exe: ByteString }
  | {
      readonly kind: 'connect' | 'listen'
      readonly protocol: Protocol
      readonly address: ByteString
      readonly port: number
      readonly source: Source
    }
  | { readonly kind: 'capability'; readonly capability: number }
  | { readonly kind: 'io_uring'; readonly opcode: number }

/**
 * The key of the item; `nr` is below `SYSCALL_NR_LIMIT`, `value` an unsigned 32-bit number, `capability` below
 * `CAPABILITY_LIMIT`, `opcode` one byte.
 */
export function itemKeyOf(item: NamedItem): ItemKey {
  const kind = number(ITEM_KINDS.indexOf(item.kind) + 1, 1)
  switch (item.kind) {
    case 'syscall':
      return `${kind}${call(item)}` as ItemKey
    case 'argument':
      return `${kind}${call(item)}${number(item.value, 4)}` as ItemKey
    case 'exec':
      return `${kind}${text(item.path)}${text(item.exe)}` as ItemKey
    case 'connect':
    case 'listen': {
      const { protocol, address, port, source } = item
      const where = `${number(PROTOCOLS.indexOf(protocol) + 1, 1)}${text(address)}`
      return `${kind}${where}${number(port, 2)}${number(SOURCES.indexOf(source) + 1, 1)}` as ItemKey
    }
    case 'capability':
      return `${kind}${number(item.capability, 1)}` as ItemKey
    case 'io_uring':
      return `${kind}${number(item.opcode, 1)}` as ItemKey
  }
}

/** What the key names, or undefined if `key` is none. */
export function itemOfKey(key: string): NamedItem | undefined {
  if (key.length > ITEM_KEY_BYTES) return undefined
  // A unit above 0xff is no byte.
  // oxlint-disable-next-line no-control-regex -- every byte may occur
  if (!/^[\u0000-\u00ff]*$/.test(key)) return undefined
  const reader = new KeyReader(key)
  const item = itemFrom(reader)
  return item !== undefined && reader.isAtEnd ? item : undefined
}

/** The order of keys: that of the lists, kind by kind. */
export function compareItemKeys(a: ItemKey, b: ItemKey): number {
  return compareText(a, b)
}

function itemFrom(reader: KeyReader): NamedItem | undefined {
  const kind = ITEM_KINDS[reader.number(1) - 1]
  if (kind === undefined) return undefined
  switch (kind) {
    case 'syscall':
    case 'argument': {
      const abi = ABIS[reader.number(1) - 1]
      const nr = reader.number(2)
      const value = kind === 'argument' ? reader.number(4) : 0
      if (abi === undefined || !(nr < SYSCALL_NR_LIMIT) || Number.isNaN(value)) return undefined
      return kind === 'argument' ? { kind, abi, nr, value } : { kind, abi, nr }
    }
    case 'exec': {
      const path = reader.text()
      const exe = reader.text()
      return path === undefined || exe === undefined ? undefined : { kind, path, exe }
    }
    case 'connect':
    case 'listen': {
      const protocol = PROTOCOLS[reader.number(1) - 1]
      const address = reader.text()
      const port = reader.number(2)
      const source = SOURCES[reader.number(1) - 1]
      if (protocol === undefined || address === undefined || source === undefined) return undefined
      return port <= PORT_LIMIT ? { kind, protocol, address, port, source } : undefined
    }
    case 'capability': {
      const capability = reader.number(1)
      return capability < CAPABILITY_LIMIT ? { kind, capability } : undefined
    }
    case 'io_uring': {
      const opcode = reader.number(1)
      return Number.isNaN(opcode) ? undefined : { kind, opcode }
    }
  }
}

function call({ abi, nr }: { readonly abi: Abi; readonly nr: number }): string {
  return `${number(ABIS.indexOf(abi) + 1, 1)}${number(nr, 2)}`
}

function number(value: number, bytes: 1 | 2 | 4): string {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer.toString('latin1')
}

function text(bytes: ByteString): string {
  return `${bytes.replaceAll('\u0000', '\u0000\u0001')}\u0000\u0000`
}

/** Reads a key from its beginning. Behind its end numbers are NaN and text is undefined. */
class KeyReader {
  readonly #key: string
  #at = 0

  constructor(key: string) {
    this.#key = key
  }

  get isAtEnd(): boolean {
    return this.#at === this.#key.length
  }

  number(bytes: 1 | 2 | 4): number {
    const digits = this.#key.slice(this.#at, this.#at + bytes)
    this.#at += bytes
    if (digits.length < bytes) return Number.NaN
    return Buffer.from(bytesOf(digits as ByteString)).readUIntBE(0, bytes)
  }

  text(): ByteString | undefined {
    const start = this.#at
    let zero = this.#key.indexOf('\u0000', start)
    while (zero >= 0 && this.#key.charCodeAt(zero + 1) === 1) {
      zero = this.#key.indexOf('\u0000', zero + 2)
    }
    if (zero < 0 || this.#key.charCodeAt(zero + 1) !== 0) return undefined
    this.#at = zero + 2
    return this.#key.slice(start, zero).replaceAll('\u0000\u0001', '\u0000') as ByteString
  }
}
