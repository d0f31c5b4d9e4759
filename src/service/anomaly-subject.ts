/**
 * What an anomaly is about, as its message and as JSON. Different fields for different kinds; the JSON has the names of
 * `Subject`, whatever the message calls them. Pure.
 */
import { constants } from 'node:os'
import { displayOf } from '../bytes.js'
import type { Subject } from '../detect/anomaly.js'
import { quoted } from '../errors.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { answerLabel, SIGSYS } from '../kernel/denial-answer.js'
import { syscallLabel } from '../kernel/syscalls.js'
import type { Abi } from '../observation.js'
import { ABI_CODES, KIND_CODES, PROTOCOL_CODES, SOURCE_CODES } from './anomaly-codes.js'
import { numberOf, wire64 } from './wire-number.js'

type SubjectMessage = plimsoll.v1.AnomalySubject.$Properties

/** The subject, its text escaped. */
export function subjectMessage(subject: Subject): SubjectMessage {
  switch (subject.kind) {
    case 'syscall':
    case 'abi':
      return callOf(subject)
    case 'argument':
      return { ...callOf(subject), value: wire64(subject.value) }
    case 'denied':
      return { ...callOf(subject), answer: answerLabel(subject.answer) }
    case 'exec':
      return { path: displayOf(subject.path), exe: displayOf(subject.exe) }
    case 'connect':
    case 'listen':
      return {
        protocol: PROTOCOL_CODES.codeOf(subject.protocol),
        address: displayOf(subject.address),
        port: subject.port,
      }
    case 'capability':
      return { capability: subject.capability }
    case 'io_uring':
      return { opcode: subject.opcode }
    case 'sensor':
      return { trouble: subject.what, detail: quoted(subject.detail) }
    case 'resource':
      return {
        resource: subject.resource,
        observed: wire64(subject.value),
        learned: wire64(subject.learned),
      }
  }
}

/**
 * The same fields as `anomalyView` gives it, in their order. Of a fileless program the message does not say whether its file was
 * new: `upper` is left out.
 */
export function subjectViewOf(
  message: plimsoll.v1.Anomaly.$Properties,
): Readonly<Record<string, unknown>> {
  const kind = KIND_CODES.wordOf(message.kind)
  const subject = message.subject ?? {}
  const { path = '', exe = '', address = '' } = subject
  const call = { kind, abi: ABI_CODES.wordOf(subject.abi), nr: subject.syscallNr ?? 0 }
  switch (kind) {
    case 'syscall':
    case 'abi':
      return call
    case 'argument':
      return { ...call, value: numberOf(subject.value) }
    case 'denied':
      return { ...call, answer: answerOf(subject.answer ?? '') }
    case 'exec':
    case 'drift':
      return { kind: 'exec', path, exe, upper: kind === 'drift', fileless: false }
    case 'fileless':
      return { kind: 'exec', path, exe, fileless: true }
    case 'connect':
    case 'listen': {
      const source = SOURCE_CODES.wordOf(message.evidence?.source)
      const protocol = PROTOCOL_CODES.wordOf(subject.protocol)
      return { kind, protocol, address, port: subject.port ?? 0, source }
    }
    case 'capability':
      return { kind, capability: subject.capability ?? 0 }
    case 'io_uring':
      return { kind, opcode: subject.opcode ?? 0 }
    case 'sensor':
      return { kind, what: subject.trouble ?? '', detail: subject.detail ?? '' }
    case 'resource': {
      const [value, learned] = [numberOf(subject.observed), numberOf(subject.learned)]
      return { kind, resource: subject.resource ?? '', value, learned }
    }
    default:
      return { kind }
  }
}

function callOf({ abi, nr }: { readonly abi: Abi; readonly nr: number }): SubjectMessage {
  return { abi: ABI_CODES.codeOf(abi), syscallNr: nr, syscall: syscallLabel(abi, nr) }
}

/** The number that `answerLabel` names; -1 if there is none. */
function answerOf(label: string): number {
  if (label === 'success') return 0
  if (label === 'SIGSYS') return SIGSYS
  const errno = Object.entries(constants.errno).find(([name]) => name === label)?.[1]
  return errno ?? Number(/^errno (\d{1,9})$/.exec(label)?.[1] ?? -1)
}
