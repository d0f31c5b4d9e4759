/** The file of roles beside a CA: begun empty, and extended by one client after the other, comments and all. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { isSeq, parseDocument } from 'yaml'
import { asProblem, failure } from '../errors.js'
import type { Role } from '../service/caller.js'
import { parseRoles, roleFor } from '../service/roles-file.js'

const EMPTY = `# Which role a client certificate has: the first entry that matches counts, and who matches none is refused.
# Roles: viewer, analyst, responder, auditor, admin.
version: 1
roles: []
`

/** Throws where a file is already. */
export async function beginRoles(path: string): Promise<void> {
  await writeFile(path, EMPTY, { flag: 'wx', mode: 0o644 })
}

/**
 * The file with an entry for that common name at its end. Throws `CERTS_FAILED` if an entry before that one gives it another
 * role, or if the file is none.
 */
export async function rolesWith(path: string, commonName: string, role: Role): Promise<string> {
  try {
    const document = parseDocument(await readFile(path, 'utf8'))
    const before = roleOf(document.toString(), commonName)
    if (before === role) return document.toString()
    const entries = document.get('roles')
    // Empty, it can only be written [ ].
    if (isSeq(entries)) entries.flow = false
    document.addIn(['roles'], document.createNode({ role, subject: { CN: commonName } }))
    const text = document.toString()
    const now = roleOf(text, commonName)
    if (now !== role) throw new Error(`${commonName} has the role ${now} in it already`)
    return text
  } catch (thrown) {
    const remedy = 'Put the file in order, or choose another name.'
    throw failure('CERTS_FAILED', { problem: `${path}: ${asProblem(thrown)}`, remedy }, thrown)
  }
}

/** Whoever reads the file meanwhile reads the old one or the new one. */
export async function writeRoles(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}

function roleOf(text: string, commonName: string): Role | undefined {
  const subject = { CN: [commonName], O: [], OU: [] }
  return roleFor(parseRoles(text), { subject, alternative: [] })
}
