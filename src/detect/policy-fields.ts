/**
 * What a rule can say of what was done: one row per field, with the kinds of anomalies that have such a thing, and how one
 * value of it is read. Pure.
 */
import { PROTOCOLS } from '../baseline/endpoint-item.js'
import type { ByteString } from '../bytes.js'
import { CAPABILITY_LIMIT, capabilityName, capabilityNr } from '../kernel/capabilities.js'
import { uringOpcode, uringOpName, URING_OPCODE_LIMIT } from '../kernel/io-uring.js'
import { ABIS } from '../observation.js'
import { type AnomalyKind, SENSOR_TROUBLES, type Subject } from './anomaly.js'
import { addressBytes, isWithin, parseNetwork } from './policy-address.js'
import { parseArguments, parseCalls, type Reading } from './policy-calls.js'
import { pathMatches } from './policy-path.js'
import { parsePattern } from './policy-pattern.js'
import { parsePorts } from './policy-ports.js'
import { suggested } from './policy-suggest.js'

/** Whether the value fits what was done. */
export type SubjectTest = (subject: Subject) => boolean

export type ParsedValue = { readonly test: SubjectTest } | { readonly problem: string }

export interface Field {
  /** Kinds that have it. */
  readonly kinds: readonly AnomalyKind[]
  /** What an allowing rule with this field is about if it names no kind; undefined where it must name one. */
  readonly usual: AnomalyKind | undefined
  /** A value of it in words, for messages. */
  readonly expected: string
  /** Reads one value. */
  readonly parse: (text: string, reading: Reading) => ParsedValue
}

export const SUBJECT_FIELDS = [
  'syscalls',
  'arguments',
  'abis',
  'paths',
  'addresses',
  'ports',
  'protocols',
  'sockets',
  'capabilities',
  'opcodes',
  'troubles',
  'resources',
] as const
export type SubjectField = (typeof SUBJECT_FIELDS)[number]

export const FIELDS: Readonly<Record<SubjectField, Field>> = {
  syscalls: {
    kinds: ['syscall', 'argument', 'abi', 'denied'],
    usual: 'syscall',
    expected: 'a system call such as chmod or i386:chmod, or a group such as @critical',
    parse: (text, reading) => {
      const parsed = parseCalls(text, reading)
      if ('problem' in parsed) return parsed
      return { test: (subject) => 'nr' in subject && parsed.test(subject.abi, subject.nr) }
    },
  },
  arguments: {
    kinds: ['argument'],
    usual: 'argument',
    expected: 'an argument such as socket:AF_ALG or clone:CLONE_NEWUSER, or a group such as @high',
    parse: (text, reading) => {
      const parsed = parseArguments(text, reading)
      if ('problem' in parsed) return parsed
      return {
        test: (subject) =>
          subject.kind === 'argument' && parsed.test(subject.abi, subject.nr, subject.value),
      }
    },
  },
  abis: {
    kinds: ['syscall', 'argument', 'abi', 'denied'],
    usual: undefined,
    expected: `one of ${ABIS.join(', ')}`,
    parse: (text) => word(text, ABIS, (subject) => 'nr' in subject && subject.abi === text),
  },
  paths: {
    kinds: ['exec', 'drift', 'fileless'],
    usual: 'exec',
    expected: 'a path such as /usr/bin/curl, with * within a component and ** across them',
    parse: (text, reading) =>
      pathTest(text, reading, (subject) =>
        subject.kind === 'exec' ? (subject.path === '' ? subject.exe : subject.path) : undefined,
      ),
  },
  addresses: {
    kinds: ['connect', 'listen'],
    usual: undefined,
    expected: 'an IP address or network, such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32',
    parse: (text) => {
      const parsed = parseNetwork(text)
      if ('problem' in parsed) return parsed
      return {
        test: (subject) => {
          if (!isEndpoint(subject) || subject.protocol === 'unix') return false
          const bytes = addressBytes(subject.address)
          return bytes !== undefined && isWithin(parsed.network, bytes)
        },
      }
    },
  },
  ports: {
    kinds: ['connect', 'listen'],
    usual: undefined,
    expected: 'a port from 0 to 65535, or a range such as 8000-8099',
    parse: (text) => {
      const parsed = parsePorts(text)
      if ('problem' in parsed) return parsed
      const { from, to } = parsed.ports
      return {
        test: (subject) =>
          isEndpoint(subject) &&
          subject.protocol !== 'unix' &&
          subject.port >= from &&
          subject.port <= to,
      }
    },
  },
  protocols: {
    kinds: ['connect', 'listen'],
    usual: undefined,
    expected: `one of ${PROTOCOLS.join(', ')}`,
    parse: (text) =>
      word(text, PROTOCOLS, (subject) => isEndpoint(subject) && subject.protocol === text),
  },
  sockets: {
    kinds: ['connect', 'listen'],
    usual: undefined,
    expected: 'the path of a unix socket, or @ and its abstract name, with * and **',
    parse: (text, reading) =>
      // An abstract name has a zero byte where people write an @.
      pathTest(text.replace(/^@/, '\\x00'), reading, (subject) =>
        isEndpoint(subject) && subject.protocol === 'unix' ? subject.address : undefined,
      ),
  },
  capabilities: {
    kinds: ['capability'],
    usual: 'capability',
    expected: 'a capability such as CAP_NET_ADMIN, or its number',
    parse: (text) => {
      const nr = capabilityNr(text) ?? capabilityNr(`CAP_${text}`) ?? below(text, CAPABILITY_LIMIT)
      if (nr === undefined)
        return noWord(text, 'capability', names(CAPABILITY_LIMIT, capabilityName))
      return { test: (subject) => subject.kind === 'capability' && subject.capability === nr }
    },
  },
  opcodes: {
    kinds: ['io_uring'],
    usual: 'io_uring',
    expected: 'an operation of io_uring such as CONNECT, or its number',
    parse: (text) => {
      const name = text.replace(/^IORING_OP_/, '')
      const opcode = uringOpcode(name) ?? below(text, URING_OPCODE_LIMIT)
      if (opcode === undefined) {
        return noWord(name, 'operation of io_uring', names(URING_OPCODE_LIMIT, uringOpName))
      }
      return { test: (subject) => subject.kind === 'io_uring' && subject.opcode === opcode }
    },
  },
  troubles: {
    kinds: ['sensor'],
    usual: 'sensor',
    expected: `one of ${SENSOR_TROUBLES.join(', ')}`,
    parse: (text) =>
      word(text, SENSOR_TROUBLES, (subject) => subject.kind === 'sensor' && subject.what === text),
  },
  resources: {
    kinds: ['resource'],
    usual: 'resource',
    expected: 'one of memory, cpu, pids',
    parse: (text) =>
      word(
        text,
        ['memory', 'cpu', 'pids'],
        (subject) => subject.kind === 'resource' && subject.resource === text,
      ),
  },
}

type Endpoint = Extract<Subject, { readonly kind: 'connect' | 'listen' }>

function isEndpoint(subject: Subject): subject is Endpoint {
  return subject.kind === 'connect' || subject.kind === 'listen'
}

function word(text: string, known: readonly string[], test: SubjectTest): ParsedValue {
  return known.includes(text) ? { test } : noWord(text, 'known word', known)
}

function noWord(text: string, what: string, known: readonly string[]): ParsedValue {
  return { problem: `is no ${what}${suggested(text, known)}` }
}

function names(limit: number, nameOf: (nr: number) => string | undefined): readonly string[] {
  return Array.from({ length: limit }, (_, nr) => nameOf(nr) ?? '')
}

function below(text: string, limit: number): number | undefined {
  return /^\d{1,3}$/.test(text) && Number(text) < limit ? Number(text) : undefined
}

function pathTest(
  text: string,
  { denies }: Reading,
  pathOf: (subject: Subject) => ByteString | undefined,
): ParsedValue {
  const parsed = parsePattern(text, 'path')
  if ('problem' in parsed) return parsed
  return {
    test: (subject) => {
      const path = pathOf(subject)
      return path !== undefined && pathMatches(parsed.pattern, path, denies)
    },
  }
}
