/**
 * Certificates by openssl: a CA, and what it signs. Keys are on P-256, are readable by their owner only, and come into a directory
 * of their own first; nothing is put where something is.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { asProblem, failure } from '../errors.js'

/** What a certificate is for. */
export type Purpose = 'ca' | 'client' | 'server'

export interface Certificate {
  /** File name without its end: `NAME.pem` and `NAME.key` are made. */
  readonly name: string
  readonly commonName: string
  readonly purpose: Purpose
  readonly days: number
  /** Of a server: names and addresses by which clients know it. */
  readonly hosts?: readonly string[]
}

/** For a CA the longest that a set of test machines is likely to live; others as public ones had it until 2026. */
export const CA_DAYS = 1825
export const LEAF_DAYS = 397

const run = promisify(execFile)

const CONFIG = `[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = @hosts
[hosts]
`

/**
 * Makes it in `directory`, signed by the CA there unless it is one; openssl is looked for in the PATH of `env`. Throws
 * `CERTS_FAILED`; nothing is left behind then.
 */
export async function makeCertificate(
  directory: string,
  certificate: Certificate,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { name, commonName, purpose, days, hosts = [] } = certificate
  const work = await mkdtemp(join(directory, '.certs-'))
  try {
    const [config, key, pem, request] = ['openssl.cnf', 'key', 'pem', 'csr'].map((file) =>
      join(work, file),
    ) as [string, string, string, string]
    await writeFile(config, CONFIG + hostLines(hosts))
    const making = ['req', '-new', '-config', config, '-subj', `/CN=${commonName}`, '-nodes']
    const onCurve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key]
    const signing = ['-sha256', '-days', String(days), '-set_serial', `0x${serial()}`, '-out', pem]
    if (purpose === 'ca') {
      await openssl(env, [...making, ...onCurve, '-x509', '-extensions', 'ca', ...signing])
    } else {
      const by = ['-CA', join(directory, 'ca.pem'), '-CAkey', join(directory, 'ca.key')]
      const extensions = ['-extfile', config, '-extensions', purpose]
      await openssl(env, [...making, ...onCurve, '-out', request])
      await openssl(env, ['x509', '-req', '-in', request, ...by, ...extensions, ...signing])
    }
    await chmod(key, 0o600)
    await chmod(pem, 0o644)
    await place(key, join(directory, `${name}.key`))
    await place(pem, join(directory, `${name}.pem`))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function hostLines(hosts: readonly string[]): string {
  const kindOf = (host: string): string => (/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS')
  return hosts.map((host, index) => `${kindOf(host)}.${index} = ${host}\n`).join('')
}

/** Positive, as RFC 5280 wants it, and not to be guessed. */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function openssl(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<void> {
  await run('openssl', [...args], { env, timeout: 60_000 }).catch((thrown: unknown) => {
    const { code, stderr } = thrown as { readonly code?: unknown; readonly stderr?: string }
    if (code === 'ENOENT') {
      const remedy = 'Install it (apt-get install openssl), or make the certificates elsewhere.'
      throw failure('CERTS_FAILED', { problem: 'there is no openssl here', remedy }, thrown)
    }
    const [line = ''] = (stderr ?? '')
      .split('\n')
      .filter((each) => /error|unable|invalid/i.test(each))
    const remedy = 'Check the files of the CA; `plimsoll certs init --dir DIR` makes another.'
    throw failure(
      'CERTS_FAILED',
      { problem: `openssl: ${line || asProblem(thrown)}`, remedy },
      thrown,
    )
  })
}

async function place(made: string, path: string): Promise<void> {
  await link(made, path).catch((thrown: unknown) => {
    const isThere = (thrown as NodeJS.ErrnoException).code === 'EEXIST'
    const problem = isThere ? `${path} is there already` : asProblem(thrown)
    const remedy = 'Nothing is overwritten: choose another name, or move what is there away.'
    throw failure('CERTS_FAILED', { problem, remedy }, thrown)
  })
}
