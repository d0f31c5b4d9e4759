/**
 * TLS for one address: 1.3 only, a client certificate is asked for and verified, and its role is looked up. Owns the files:
 * reads them again when they change; what cannot be used leaves all as it was.
 *
 * Sessions are never resumed, since nobody would verify the certificate again then.
 */
import { constants } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { createServer, type PeerCertificate, type Server, type TLSSocket } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { asPlimsollError, failure, type PlimsollError } from '../errors.js'
import type { Caller, Role } from './caller.js'
import { callerName, type CertificateNames, namesOf } from './certificate-names.js'
import type { Handshaker } from './connections.js'
import { roleFor } from './roles-file.js'
import { contextOf, readTlsMaterial, type TlsFiles, type TlsMaterial } from './tls-files.js'

/** What became of reading the files again. */
export type Reload =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'reloaded' }
  /** What was in use is kept. */
  | { readonly kind: 'failed'; readonly error: PlimsollError }

interface Identity {
  readonly name: string
  readonly names: CertificateNames
  readonly validToMs: number
}

/** Certificates whose names are remembered. */
const IDENTITIES = 1024

type Done = (secured: TLSSocket | undefined) => void

export class TlsEndpoint implements Handshaker {
  readonly #files: TlsFiles
  readonly #nowMs: () => number
  readonly #server: Server
  readonly #handshakes = new Map<string, Done>()
  readonly #identities = new LRUCache<string, Identity>({ max: IDENTITIES })
  #material: TlsMaterial
  #stamp: string

  private constructor(files: TlsFiles, nowMs: () => number, material: TlsMaterial, stamp: string) {
    this.#files = files
    this.#nowMs = nowMs
    this.#material = material
    this.#stamp = stamp
    this.#server = createServer({
      ...contextOf(material),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    })
    this.#server.on('secureConnection', (secured) => this.#ended(secured, secured))
    this.#server.on('tlsClientError', (_error, secured) => {
      this.#ended(secured, undefined)
      secured.destroy()
    })
  }

  /** Reads the files. Throws `TLS_UNUSABLE`. */
  static async open(files: TlsFiles, nowMs: () => number): Promise<TlsEndpoint> {
    const stamp = await stampOf(files)
    return new TlsEndpoint(files, nowMs, await readTlsMaterial(files, nowMs()), stamp)
  }

  handshake(connection: Socket, done: Done): void {
    const key = keyOf(connection)
    if (key === undefined) return done(undefined)
    this.#handshakes.set(key, done)
    connection.once('close', () => {
      if (this.#handshakes.get(key) === done) this.#handshakes.delete(key)
    })
    this.#server.emit('connection', connection)
  }

  /** Whose the certificate is. Throws `UNAUTHENTICATED`. */
  callerOf(certificate: PeerCertificate | undefined): Caller {
    if (certificate?.raw === undefined) {
      throw failure('UNAUTHENTICATED', { problem: 'there is no certificate' })
    }
    const identity = this.#identityOf(certificate)
    if (identity.validToMs < this.#nowMs()) {
      throw failure('UNAUTHENTICATED', {
        problem: `the certificate of ${identity.name} has expired`,
      })
    }
    const role = this.#roleOf(identity)
    if (role !== undefined) return { role, name: identity.name }
    throw failure('UNAUTHENTICATED', { problem: `no role is given to ${identity.name}` })
  }

  /** What a connection's certificate calls its holder, with a role or without; empty where there is none. */
  nameOf(connection: Socket): string {
    try {
      return this.#identityOf((connection as TLSSocket).getPeerCertificate()).name
    } catch {
      return ''
    }
  }

  /** The role of a connection's certificate; undefined if it has none, or has expired. */
  roleOf(connection: Socket): Role | undefined {
    try {
      return this.callerOf((connection as TLSSocket).getPeerCertificate()).role
    } catch {
      return undefined
    }
  }

  /** Reads the files again if they changed; `force` even if they did not. Never rejects. */
  async reload(force: boolean): Promise<Reload & { readonly trustChanged: boolean }> {
    const stamp = await stampOf(this.#files)
    if (!force && stamp === this.#stamp) return { kind: 'unchanged', trustChanged: false }
    // Also of what cannot be used: it is told once, not every time that it is looked at.
    this.#stamp = stamp
    try {
      const material = await readTlsMaterial(this.#files, this.#nowMs())
      this.#server.setSecureContext(contextOf(material))
      const before = this.#material
      this.#material = material
      const trustChanged = !same(before.ca, material.ca) || !same(before.crl, material.crl)
      return { kind: 'reloaded', trustChanged }
    } catch (thrown) {
      return { kind: 'failed', error: asPlimsollError(thrown), trustChanged: false }
    }
  }

  #ended(connection: TLSSocket, secured: TLSSocket | undefined): void {
    const key = keyOf(connection)
    const done = key === undefined ? undefined : this.#handshakes.get(key)
    if (key !== undefined) this.#handshakes.delete(key)
    connection.on('error', () => undefined)
    if (done === undefined) connection.destroy()
    // Whoever does not say what it speaks is no client of ours, even if its certificate is good.
    else done(secured?.alpnProtocol === 'h2' ? secured : undefined)
  }

  #identityOf(certificate: PeerCertificate): Identity {
    const key = certificate.fingerprint512
    const known = this.#identities.get(key)
    if (known !== undefined) return known
    const names = namesOf(certificate)
    const validToMs = Date.parse(certificate.valid_to)
    const identity = { name: callerName(names, certificate.fingerprint256), names, validToMs }
    this.#identities.set(key, identity)
    return identity
  }

  #roleOf({ names }: Identity): Role | undefined {
    return roleFor(this.#material.rules, names)
  }
}

/** Of a TCP connection and the TLS connection in it alike; undefined for one that is gone. */
function keyOf(connection: Socket): string | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = connection
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function same(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other)
}

/** Changes whenever one of the files is written or replaced; a file that is missing counts as one. */
async function stampOf(files: TlsFiles): Promise<string> {
  const stamps = Object.values(files as unknown as Record<string, string>).map((path) =>
    stat(path, { bigint: true }).then(
      ({ ino, size, mtimeNs, ctimeNs }) => `${ino} ${size} ${mtimeNs} ${ctimeNs}`,
      () => 'missing',
    ),
  )
  return (await Promise.all(stamps)).join('\n')
}
