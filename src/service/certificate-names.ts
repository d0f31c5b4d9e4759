/** The names that a verified client certificate carries, and how they are written on record. */
import type { PeerCertificate } from 'node:tls'
import { quoted } from '../errors.js'

export interface CertificateNames {
  /** Every value of each, in their order. */
  readonly subject: Readonly<Record<'CN' | 'O' | 'OU', readonly string[]>>
  /** `DNS:...` and `URI:...`; other kinds are left out. */
  readonly alternative: readonly string[]
}

const FIELDS = ['CN', 'O', 'OU'] as const

/** Characters of a name on record. */
const NAME_LIMIT = 200

export function namesOf(certificate: PeerCertificate): CertificateNames {
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined>
  const [CN, O, OU] = FIELDS.map((field) => [subject[field] ?? []].flat())
  return {
    subject: { CN: CN ?? [], O: O ?? [], OU: OU ?? [] },
    alternative: alternativeNames(certificate.subjectaltname ?? ''),
  }
}

/**
 * `cert:CN=siem,O=example`, or the first alternative name where the subject is empty: one printable line, bounded, in which
 * different subjects look different: the beginning of the fingerprint ends one that was cut.
 */
export function callerName(names: CertificateNames, fingerprint: string): string {
  const subject = FIELDS.flatMap((field) =>
    names.subject[field].map((value) => `${field}=${escaped(value)}`),
  ).join(',')
  const name = subject !== '' ? subject : escaped(names.alternative[0] ?? '')
  if (name !== '' && name.length <= NAME_LIMIT) return `cert:${name}`
  return `cert:${name.slice(0, NAME_LIMIT)}#${fingerprint.replaceAll(':', '').slice(0, 16)}`
}

/** As RFC 4514 escapes what separates; control characters as everywhere. */
function escaped(value: string): string {
  return quoted(value.replaceAll(/[\\,=+#]/g, '\\$&'))
}

/** As Node writes them since CVE-2021-44532: `DNS:a, URI:"b, c"`, a name that has special characters as a string of JSON. */
function alternativeNames(text: string): readonly string[] {
  const names: string[] = []
  for (const [, kind, json, plain] of text.matchAll(
    /(\w[\w ]*):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, |$)/gy,
  )) {
    if (kind !== 'DNS' && kind !== 'URI') continue
    names.push(`${kind}:${json === undefined ? plain : String(JSON.parse(json))}`)
  }
  return names
}
