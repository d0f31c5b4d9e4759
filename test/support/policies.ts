/** Short forms for tests of policies. */
import { type ByteString, byteStringOfText } from '../../src/bytes.js'
import type { Subject } from '../../src/detect/anomaly.js'
import { type CompiledPolicy, compilePolicy } from '../../src/detect/policy-compile.js'
import { problemText } from '../../src/detect/policy-problem.js'
import { readPolicy } from '../../src/detect/policy-read.js'
import type { PolicyScope } from '../../src/detect/policy-scope.js'
import { uringOpcode } from '../../src/kernel/io-uring.js'
import { capabilityNr } from '../../src/kernel/capabilities.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { ABIS, type Abi } from '../../src/observation.js'

export const SCOPE: PolicyScope = {
  imageName: 'docker.io/library/nginx:1.27',
  imageDigest: `sha256:${'ab'.repeat(32)}`,
  containerName: 'web-1',
  labels: new Map([['tier', 'prod']]),
  lineage: 'main',
  exe: bytes('nginx'),
  path: bytes('/usr/sbin/nginx'),
}

export function bytes(text: string): ByteString {
  return byteStringOfText(text)
}

/** The policy of those lines, which must have no errors. */
export function policyOf(lines: string): CompiledPolicy {
  const { policy, problems } = readPolicy(`version: 1\n${lines}`)
  if (policy === undefined) throw new Error(problems.map(problemText).join('\n'))
  return compilePolicy(policy)
}

/** `chmod` or `i386:chmod`. */
export function call(text: string): Subject {
  return { kind: 'syscall', ...named(text) }
}

export function argument(text: string, value: number): Subject {
  return { kind: 'argument', ...named(text), value }
}

export function denied(text: string): Subject {
  return { kind: 'denied', ...named(text), answer: 1 }
}

export function foreign(text: string): Subject {
  return { kind: 'abi', ...named(text) }
}

export function exec(
  path: string,
  more: Partial<Extract<Subject, { kind: 'exec' }>> = {},
): Subject {
  const exe = bytes(path.slice(path.lastIndexOf('/') + 1))
  return { kind: 'exec', path: bytes(path), exe, upper: false, fileless: false, ...more }
}

/** `tcp:10.0.0.1:443`, `unix:/run/x.sock`. */
export function connect(text: string): Subject {
  return endpoint('connect', text)
}

export function listen(text: string): Subject {
  return endpoint('listen', text)
}

export function capability(name: string): Subject {
  return { kind: 'capability', capability: capabilityNr(name) ?? 99 }
}

export function operation(name: string): Subject {
  return { kind: 'io_uring', opcode: uringOpcode(name) ?? 250 }
}

function endpoint(kind: 'connect' | 'listen', text: string): Subject {
  const [, protocol, rest = ''] = /^(tcp|udp|unix):(.*)$/s.exec(text) ?? []
  if (protocol === 'unix') {
    return { kind, protocol, address: bytes(rest), port: 0, source: 'user' }
  }
  const colon = rest.lastIndexOf(':')
  return {
    kind,
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    address: bytes(rest.slice(0, colon)),
    port: Number(rest.slice(colon + 1)),
    source: 'kernel',
  }
}

function named(text: string): { readonly abi: Abi; readonly nr: number } {
  const abi = ABIS.find((known) => text.startsWith(`${known}:`)) ?? 'x86_64'
  const name = text.replace(`${abi}:`, '')
  const nr = syscallNr(abi, name)
  if (nr === undefined) throw new Error(`${text} is no call`)
  return { abi, nr }
}
