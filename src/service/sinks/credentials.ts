/**
 * What a sink shows to its target to be let in: header lines and TLS files, read again after a failure, so that they can be
 * replaced while plimsoll runs. Secrets stand in files, never in arguments, and are in no message.
 */
import { readFile } from 'node:fs/promises'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { asProblem } from '../../errors.js'

export interface TlsFiles {
  /** Of the CA that signed the target's certificate; undefined: those that Node knows. */
  readonly ca: string | undefined
  /** Of a client certificate and its key; both or none. */
  readonly cert: string | undefined
  readonly key: string | undefined
}

export interface TlsMaterial {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

const FILE_BYTES_LIMIT = 1 << 20
/** What the request itself decides. */
const RESERVED =
  /^(?:host|connection|content-length|content-type|transfer-encoding|expect|upgrade|te|trailer)$/i

/** The files' contents. Rejects, naming the file. */
export async function readTlsFiles({ ca, cert, key }: TlsFiles): Promise<TlsMaterial> {
  return {
    ...(ca === undefined ? {} : { ca: await readSmall(ca) }),
    ...(cert === undefined ? {} : { cert: await readSmall(cert) }),
    ...(key === undefined ? {} : { key: await readSmall(key) }),
  }
}

/**
 * The headers of a file with lines `Name: value`; empty lines and those that begin with `#` are left out. Rejects, naming the
 * file and line but no value.
 */
export async function readHeaderFile(path: string): Promise<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = {}
  const lines = (await readSmall(path)).toString('utf8').split(/\r?\n/)
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
    if (colon < 1 || !isHeader(name, value)) {
      throw new Error(`line ${index + 1} of ${path} is no header`)
    }
    if (RESERVED.test(name)) throw new Error(`${path} may not set the header ${name}`)
    headers[name] = value
  }
  return headers
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return value !== ''
  } catch {
    return false
  }
}

async function readSmall(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((thrown: unknown) => {
    throw new Error(`cannot read ${path}: ${asProblem(thrown)}`, { cause: thrown })
  })
  if (bytes.length > FILE_BYTES_LIMIT) throw new Error(`${path} is too large`)
  return bytes
}
