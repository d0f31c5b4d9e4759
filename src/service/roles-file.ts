/**
 * The file that says which role a client certificate has:
 *
 *   version: 1
 *   roles:
 *     - role: viewer
 *       subject: { CN: siem, O: example }
 *     - role: admin
 *       san: URI:spiffe://example/plimsoll/admin
 *
 * The first entry that matches counts; where none does, the caller is unknown. In a subject, `*` alone stands for any value,
 * but there must be one. In a subject alternative name, each `*` stands for one label or path segment, or a part of one.
 */
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { ROLES, type Role } from './caller.js'
import type { CertificateNames } from './certificate-names.js'

/** One entry. */
export type RoleRule = z.infer<typeof RULE>

const TEXT = z.string().min(1).max(512)

const SUBJECT = z
  .strictObject({ CN: TEXT.optional(), O: TEXT.optional(), OU: TEXT.optional() })
  .refine((fields) => Object.keys(fields).length > 0, { error: 'none of CN, O and OU is given' })

/** More would take long to match. */
const WILDCARD_LIMIT = 3

const SAN = TEXT.regex(/^(?:DNS|URI):./, {
  error: 'it begins neither with DNS: nor with URI:',
}).refine((pattern) => pattern.split('*').length <= WILDCARD_LIMIT + 1, {
  error: `it has more than ${WILDCARD_LIMIT} asterisks`,
})

const RULE = z
  .strictObject({ role: z.enum(ROLES), subject: SUBJECT.optional(), san: SAN.optional() })
  .refine(({ subject, san }) => (subject === undefined) !== (san === undefined), {
    error: 'either subject or san must be given',
  })

const FILE = z.strictObject({
  version: z.literal(1, { error: '1 is the only one there is' }),
  roles: z.array(RULE).max(1000),
})

/** The entries, in their order. Throws an Error whose message names the field and what is wrong. */
export function parseRoles(yaml: string): readonly RoleRule[] {
  const document = parseDocument(yaml, { maxAliasCount: 0 } as object)
  const [error] = document.errors
  if (error !== undefined) throw new Error(error.message.split('\n', 1)[0])
  const result = FILE.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (result.success) return result.data.roles
  const [issue] = result.error.issues
  const field = issue?.path.map(String).join('.') ?? ''
  throw new Error(`${field === '' ? 'the file' : field}: ${issue?.message ?? 'invalid'}`)
}

/** The role that these names have. */
export function roleFor(rules: readonly RoleRule[], names: CertificateNames): Role | undefined {
  return rules.find((rule) => matches(rule, names))?.role
}

function matches({ subject, san }: RoleRule, names: CertificateNames): boolean {
  if (san !== undefined) return names.alternative.some((name) => matchesName(san, name))
  return Object.entries(subject ?? {}).every(([field, pattern]) => {
    const values = names.subject[field as keyof typeof names.subject]
    // A name that is given twice must not pass with the better one.
    return values.length > 0 && values.every((value) => pattern === '*' || pattern === value)
  })
}

function matchesName(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name
  const part = pattern.startsWith('DNS:') ? '[^.]+' : '[^/]+'
  const parts = pattern.split('*').map((text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  return new RegExp(`^${parts.join(part)}$`, 'u').test(name)
}
