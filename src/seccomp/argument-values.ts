/**
 * Which values of a learned argument may enter a profile, and what a filter has to test to let just these through. Values
 * come packed as `kernel/arguments` says. Pure facts; whether a call is filtered at all is decided in `argument-rules`.
 */
import {
  argumentLabel,
  type ArgumentCall,
  CLONE_NAMESPACES,
  domainLabel,
  domainOf,
} from '../kernel/arguments.js'
import { isTyping } from '../kernel/argument-danger.js'
import { DANGEROUS_DOMAINS } from '../kernel/syscall-danger.js'
import type { Approval } from './approval.js'
import { PRCTL_FLOOR } from './prctl-floor.js'
import type { ArgumentTest } from './profile.js'

/** One value that is let through. */
export interface AllowedValue {
  /** What the tested bits of the argument have to be: a domain, namespace flags, an option, a persona. */
  readonly value: number
  readonly label: string
  /** Only where it was not seen: why it is let through all the same. */
  readonly reason?: string
}

/** Parameters of C type int or unsigned int: user space may leave anything in the upper half of the register. */
const INT_MASK = 0xffff_ffff

/** CLONE_NEWTIME: a flag of unshare; in clone it is part of the exit signal, so only unshare has to be guarded. */
const CLONE_NEWTIME = 0x80

/** The bits of the argument that are tested; the others may be anything. */
const TESTED_BITS: Readonly<Record<ArgumentCall, number>> = {
  // The domain alone: types differ between libcs and resolvers, and what is dangerous comes with the domain.
  socket: INT_MASK,
  socketpair: INT_MASK,
  clone: CLONE_NAMESPACES,
  unshare: CLONE_NAMESPACES | CLONE_NEWTIME,
  prctl: INT_MASK,
  personality: INT_MASK,
  ioctl: INT_MASK,
}

/** The register that has it: ioctl's request comes behind its descriptor. */
const TESTED_INDEX: Readonly<Record<ArgumentCall, 0 | 1>> = {
  socket: 0,
  socketpair: 0,
  clone: 0,
  unshare: 0,
  prctl: 0,
  personality: 0,
  ioctl: 1,
}

/** What a note says is not tested when the call is let through whole. */
export const TESTED_PART: Readonly<Record<ArgumentCall, string>> = {
  socket: 'domain',
  socketpair: 'domain',
  clone: 'namespace flags',
  unshare: 'namespace flags',
  prctl: 'option',
  personality: 'persona',
  ioctl: 'request',
}

/** Whether a value enters because it was used, or because a person approved it. */
export function isAdmitted(call: ArgumentCall, value: number, approval: Approval): boolean {
  const approved = approval.values.get(call)
  switch (call) {
    case 'socket':
    case 'socketpair': {
      const domain = domainOf(value)
      if (!DANGEROUS_DOMAINS.has(domain)) return true
      return [...(approved ?? [])].some((other) => domainOf(other) === domain)
    }
    case 'clone':
      return value === 0 || approved?.has(value) === true
    case 'unshare':
      return approval.names.has(call) || approved?.has(value) === true
    case 'ioctl':
      return !isTyping(value) || approved?.has(value) === true
    case 'prctl':
    case 'personality':
      return true
  }
}

/** What has to be let through besides what was seen. */
export function alwaysAllowed(call: ArgumentCall): readonly AllowedValue[] {
  if (call !== 'prctl') return []
  return [...PRCTL_FLOOR].map(([value, reason]) => ({ ...allowedValue(call, value), reason }))
}

/** What lets the packed value through: for a socket, all types of its domain. */
export function allowedValue(call: ArgumentCall, packed: number): AllowedValue {
  if (call !== 'socket' && call !== 'socketpair') {
    return { value: packed, label: argumentLabel(call, packed) }
  }
  const domain = domainOf(packed)
  return { value: domain, label: domainLabel(domain) }
}

/** The test that only calls with this value pass: one comparison under a mask, all that libseccomp compiles faithfully. */
export function testOf(call: ArgumentCall, { value }: AllowedValue): ArgumentTest {
  return {
    index: TESTED_INDEX[call],
    value: BigInt(TESTED_BITS[call]),
    valueTwo: BigInt(value),
    op: 'SCMP_CMP_MASKED_EQ',
  }
}
