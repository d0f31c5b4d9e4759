/** The files that an address over TLS needs, read and checked one by one, so that an error names the file. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { asProblem, failure } from '../errors.js'
import { parseRoles, type RoleRule } from './roles-file.js'

/** Absolute paths. */
export interface TlsFiles {
  /** The certificate of the service, PEM, followed by those of intermediate CAs. */
  readonly cert: string
  /** Its private key, PEM, not encrypted. */
  readonly key: string
  /** The CAs whose clients are let in. */
  readonly ca: string
  /** Which role which certificate has; see `roles-file`. */
  readonly roles: string
  /** What these CAs revoked, PEM. */
  readonly crl?: string
}

/** Their contents, which fit together. */
export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
  readonly crl: Buffer | undefined
  readonly rules: readonly RoleRule[]
}

/** Larger files are not read. */
const FILE_BYTES = 1024 * 1024

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads them all. Throws `TLS_UNUSABLE`. */
export async function readTlsMaterial(files: TlsFiles, nowMs: number): Promise<TlsMaterial> {
  const [cert, key, ca, crl, roles] = await Promise.all([
    contents(files.cert),
    contents(files.key),
    contents(files.ca),
    files.crl === undefined ? undefined : contents(files.crl),
    contents(files.roles),
  ])
  const own = tried(files.cert, () => checkCertificate(cert, nowMs))
  const privateKey = tried(files.key, () => createPrivateKey(key))
  tried(files.key, () => checkKey(own, privateKey))
  tried(files.ca, () => checkAuthorities(ca))
  const rules = tried(files.roles, () => parseRoles(roles.toString('utf8')))
  const material = { cert, key, ca, crl, rules }
  tried(files.crl ?? files.cert, () => createSecureContext(contextOf(material)))
  return material
}

/** As node:tls wants it, for the first time and whenever the files changed. */
export function contextOf({ cert, key, ca, crl }: TlsMaterial): SecureContextOptions {
  const context = { cert, key, ca, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
  return crl === undefined ? context : { ...context, crl }
}

async function contents(path: string): Promise<Buffer> {
  const read = await readFile(path).catch((thrown: unknown) => {
    throw failure('TLS_UNUSABLE', { path, problem: asProblem(thrown) }, thrown)
  })
  if (read.length > FILE_BYTES) throw failure('TLS_UNUSABLE', { path, problem: 'it is too large' })
  return read
}

function tried<Result>(path: string, step: () => Result): Result {
  try {
    return step()
  } catch (thrown) {
    throw failure('TLS_UNUSABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

function checkCertificate(pem: Buffer, nowMs: number): X509Certificate {
  const certificate = new X509Certificate(pem)
  if (nowMs < Date.parse(certificate.validFrom)) {
    throw new Error(`it is not valid before ${certificate.validFrom}`)
  }
  if (nowMs > Date.parse(certificate.validTo)) throw new Error(`it expired ${certificate.validTo}`)
  return certificate
}

function checkKey(certificate: X509Certificate, key: KeyObject): void {
  if (!certificate.checkPrivateKey(key)) throw new Error('it is not the key of the certificate')
}

function checkAuthorities(pem: Buffer): void {
  const blocks = pem.toString('latin1').match(PEM_CERTIFICATE) ?? []
  if (blocks.length === 0) throw new Error('it has no certificate')
  for (const block of blocks) {
    if (!new X509Certificate(block).ca) throw new Error('it has a certificate that is no CA')
  }
}
