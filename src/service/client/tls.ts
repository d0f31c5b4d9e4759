/** What a client proves itself with, and whom it believes: files of a CA, a certificate and its key. */
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ChannelCredentials, credentials } from '@grpc/grpc-js'
import { asProblem, failure } from '../../errors.js'

/** Paths of PEM files. */
export interface ClientTls {
  /** CA that the certificate of the service must come from. */
  readonly ca: string
  /** Certificate of the client, and its key. */
  readonly cert: string
  readonly key: string
  /** Name in the certificate of the service, where it is not the host of the address. */
  readonly serverName?: string
}

/** Credentials for TLS 1.3. The files are read each time, so that renewed certificates are used. Rejects with `TLS_UNUSABLE`. */
export async function tlsCredentials({ ca, cert, key }: ClientTls): Promise<ChannelCredentials> {
  const [caPem, certPem, keyPem] = await Promise.all([pem(ca), pem(cert), pem(key)])
  checked(ca, () => createSecureContext({ ca: caPem }))
  checked(cert, () => createSecureContext({ cert: certPem }))
  const context = checked(key, () =>
    createSecureContext({ ca: caPem, cert: certPem, key: keyPem, minVersion: 'TLSv1.3' }),
  )
  return credentials.createFromSecureContext(context)
}

async function pem(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (thrown) {
    throw failure('TLS_UNUSABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

function checked<Value>(path: string, make: () => Value): Value {
  try {
    return make()
  } catch (thrown) {
    throw failure('TLS_UNUSABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}
