/**
 * An anomaly's message as the facts that a policy is asked about: the other way round of what made the message. Text that was
 * escaped for it is taken apart again; what the message lacks makes it no facts. Pure.
 */
import { type ByteString, byteStringOfText } from '../bytes.js'
import {
  ANOMALY_KINDS,
  type AnomalyKind,
  type ProcessFacts,
  SENSOR_TROUBLES,
  type Subject,
  type WorkloadFacts,
} from '../detect/anomaly.js'
import { plimsoll } from '../gen/plimsoll.js'
import { answerLabel, SIGSYS } from '../kernel/denial-answer.js'
import { ABIS, type Abi, type Lineage, LINEAGES, type Source } from '../observation.js'

type AnomalyMessage = plimsoll.v1.Anomaly.$Properties
type SubjectMessage = plimsoll.v1.AnomalySubject.$Properties

export interface JudgedFacts {
  readonly subject: Subject
  readonly workload: WorkloadFacts
  readonly process: Pick<ProcessFacts, 'lineage' | 'exe' | 'path'>
}

/** The facts, or undefined for a message of which the subject cannot be told. */
export function factsOfMessage(message: AnomalyMessage): JudgedFacts | undefined {
  const kind = ANOMALY_KINDS[(message.kind ?? 0) - 1]
  if (kind === undefined || message.subject == null) return undefined
  const source = message.evidence?.source === plimsoll.v1.Source['SOURCE_USER'] ? 'user' : 'kernel'
  const subject = subjectOf(kind, message.subject, source)
  if (subject === undefined) return undefined
  const { workload, process } = message
  return {
    subject,
    workload: {
      runtime: workload?.runtime ?? '',
      containerId: workload?.containerId ?? '',
      containerName: workload?.containerName ?? '',
      imageDigest: workload?.imageDigest ?? '',
      imageName: workload?.imageName ?? '',
      cgroupId: numberOf(workload?.cgroupId) ?? 0,
    },
    process: {
      lineage: lineageOf(process?.lineage ?? 0),
      exe: bytesOfDisplay(process?.exe),
      path: bytesOfDisplay(process?.path),
    },
  }
}

function subjectOf(
  kind: AnomalyKind,
  message: SubjectMessage,
  source: Source,
): Subject | undefined {
  switch (kind) {
    case 'syscall':
    case 'abi': {
      const call = callOf(message)
      return call && { kind, ...call }
    }
    case 'argument': {
      const call = callOf(message)
      const value = numberOf(message.value)
      return call === undefined || value === undefined ? undefined : { kind, ...call, value }
    }
    case 'denied': {
      const call = callOf(message)
      const answer = answerOf(message.answer ?? '')
      return call === undefined || answer === undefined ? undefined : { kind, ...call, answer }
    }
    case 'exec':
    case 'drift':
    case 'fileless':
      return {
        kind: 'exec',
        path: bytesOfDisplay(message.path),
        exe: bytesOfDisplay(message.exe),
        upper: kind === 'drift',
        fileless: kind === 'fileless',
      }
    case 'connect':
    case 'listen': {
      const protocol = (['tcp', 'udp', 'unix'] as const)[(message.protocol ?? 0) - 1]
      const port = numberOf(message.port) ?? 0
      const address = bytesOfDisplay(message.address)
      return protocol && { kind, protocol, address, port, source }
    }
    case 'capability': {
      const capability = numberOf(message.capability)
      return capability === undefined ? undefined : { kind, capability }
    }
    case 'io_uring': {
      const opcode = numberOf(message.opcode)
      return opcode === undefined ? undefined : { kind, opcode }
    }
    case 'sensor': {
      const what = SENSOR_TROUBLES.find((trouble) => trouble === message.trouble)
      return what && { kind, what, detail: message.detail ?? '' }
    }
    case 'resource': {
      const resource = (['memory', 'cpu', 'pids'] as const).find((one) => one === message.resource)
      const [value, learned] = [numberOf(message.observed) ?? 0, numberOf(message.learned) ?? 0]
      return resource && { kind, resource, value, learned }
    }
  }
}

function lineageOf(code: number): Lineage {
  const lineage = LINEAGES[code]
  return lineage === undefined || lineage === 'unknown' ? 'main' : lineage
}

function callOf({
  abi,
  syscallNr,
}: SubjectMessage): { readonly abi: Abi; readonly nr: number } | undefined {
  const name = ABIS[(abi ?? 0) - 1]
  const nr = numberOf(syscallNr)
  return name === undefined || nr === undefined ? undefined : { abi: name, nr }
}

const ANSWERS: ReadonlyMap<string, number> = new Map(
  [SIGSYS, ...Array.from({ length: SIGSYS }, (_, answer) => answer)].map((answer) => [
    answerLabel(answer),
    answer,
  ]),
)

function answerOf(label: string): number | undefined {
  return ANSWERS.get(label)
}

/** Fields of 64 bits are decoded as two halves; all are below 2^53. */
function numberOf(value: number | { toNumber(): number } | null | undefined): number | undefined {
  if (value == null) return undefined
  return typeof value === 'number' ? value : value.toNumber()
}

/** The bytes that `displayOf` shows so. */
export function bytesOfDisplay(text: string | null | undefined): ByteString {
  let bytes = ''
  for (const [piece] of (text ?? '').matchAll(/\\x[0-9a-f]{2}|\\\\|[^\\]+|\\/g)) {
    if (piece.startsWith('\\x')) bytes += String.fromCharCode(Number.parseInt(piece.slice(2), 16))
    else bytes += piece === '\\\\' ? '\\' : byteStringOfText(piece)
  }
  return bytes as ByteString
}
