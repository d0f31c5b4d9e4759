/**
 * Who calls. The server finds out before any handler runs, from the socket or the certificate, and notes it in the call's
 * metadata under names that no client can set: what a client sends under them is removed.
 */
import type { Metadata } from '@grpc/grpc-js'

/** What a caller may do; see `permissions`. */
export const ROLES = ['viewer', 'analyst', 'responder', 'admin', 'auditor'] as const
export type Role = (typeof ROLES)[number]

export interface Caller {
  readonly role: Role
  /** As the operator log has it: `cert:SUBJECT`, `socket:ROLE`. */
  readonly name: string
}

const PREFIX = 'plimsoll-caller-'
const ROLE_KEY = 'plimsoll-caller-role'
const NAME_KEY = 'plimsoll-caller-name-bin'

/** The role of that name, if there is one. */
export function roleOf(text: string): Role | undefined {
  return ROLES.find((each) => each === text)
}

/** Replaces whatever the client sent, and everything else under such names. */
export function noteCaller(metadata: Metadata, { role, name }: Caller): void {
  for (const key of Object.keys(metadata.getMap())) {
    if (key.startsWith(PREFIX)) metadata.remove(key)
  }
  metadata.set(ROLE_KEY, role)
  metadata.set(NAME_KEY, Buffer.from(name, 'utf8'))
}

/** Who calls; throws for a call that did not come through the server's check, which is a defect. */
export function callerOf({ metadata }: { readonly metadata: Metadata }): Caller {
  const [noted] = metadata.get(ROLE_KEY)
  const [name] = metadata.get(NAME_KEY)
  const role = ROLES.find((each) => each === noted)
  if (role === undefined || !Buffer.isBuffer(name)) throw new Error('a call without a caller')
  return { role, name: name.toString('utf8') }
}
