/** How the naive twin of the decoder reads keys, addresses and endpoints: by BigInt, hexadecimal text and the platform. */
import { byteStringOfText, type ByteString } from '../../src/bytes.js'
import {
  ABIS,
  type EndpointObservation,
  LINEAGES,
  type Observation,
} from '../../src/observation.js'

export function ownerOf(
  key: string | undefined,
): Pick<Observation & { kind: 'exec' }, 'cgroupId' | 'lineage'> {
  const bits = BigInt(key ?? '')
  const lineage = LINEAGES[Number((bits >> 13n) & 7n)]
  return {
    cgroupId: Number(bits >> 24n),
    lineage: lineage === undefined || lineage === 'unknown' ? 'main' : lineage,
  }
}

export function partsOf(key: string | undefined): {
  readonly tag: number
  readonly abi: (typeof ABIS)[number]
  readonly nr: number
} {
  const bits = BigInt(key ?? '')
  const abi = ABIS[Number((bits >> 10n) & 7n)]
  if (abi === undefined) throw new Error(`no such ABI: ${key}`)
  const tag = ownerOf(key).lineage === 'exec' ? Number((bits >> 16n) & 255n) : 0
  return { tag, abi, nr: Number(bits & 1023n) }
}

/** What is used, by the map that counts it. */
export function used(
  map: 'caps' | 'uring',
  number: string | undefined,
):
  | { readonly kind: 'capability'; readonly capability: number }
  | { readonly kind: 'io_uring'; readonly opcode: number } {
  return map === 'caps'
    ? { kind: 'capability', capability: Number(number) }
    : { kind: 'io_uring', opcode: Number(number) }
}

export function tagOf(key: string | undefined): number {
  return partsOf(key).tag
}

export function endpoint(
  key: string | undefined,
  op: string | undefined,
): {
  readonly kind: 'connect' | 'listen'
  readonly cgroupId: number
  readonly lineage: (Observation & { kind: 'exec' })['lineage']
  readonly truncated: false
} {
  return { kind: op === '2' ? 'listen' : 'connect', ...ownerOf(key), truncated: false }
}

type Tcp = 'address' | 'port' | 'protocol' | 'source'

export function tcp(
  key: string | undefined,
  what: string | undefined,
  address: string | undefined,
): Pick<EndpointObservation, 'cgroupId' | 'kind' | 'lineage' | 'truncated' | Tcp> {
  const bits = BigInt(what ?? '')
  return {
    ...endpoint(key, bits >> 16n === 10n ? '2' : '1'),
    protocol: 'tcp',
    address: byteStringOfText((address ?? '').replace(/^::ffff:(?=[\d.]+$)/, '')),
    port: Number(bits & 0xffffn),
    source: 'kernel',
  }
}

/** The bytes of a number that was read from memory as little-endian. */
export function memoryOf(word: string | undefined): Buffer {
  return Buffer.from((word ?? '').padStart(16, '0'), 'hex').reverse()
}

export function ipv4(low: string | undefined): ByteString {
  return byteStringOfText([...memoryOf(low).subarray(0, 4)].join('.'))
}

/** Lets a URL write the address, which follows RFC 5952; it spells IPv4-mapped ones in hexadecimal. */
export function ipv6(high: string | undefined, low: string | undefined): ByteString {
  const bytes = Buffer.concat([memoryOf(high), memoryOf(low)])
  const hex = bytes.toString('hex')
  if (hex.startsWith('00000000000000000000ffff'))
    return byteStringOfText([...bytes.subarray(12)].join('.'))
  const { hostname } = new URL(`http://[${hex.match(/.{4}/g)?.join(':')}]/`)
  return byteStringOfText(hostname.slice(1, -1))
}
