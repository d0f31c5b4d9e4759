/** Inputs to and from the messages of `trace.proto`. Pure; refuses what no recorder writes. */
import { isDigest } from '../baseline/image-identity.js'
import { ITEM_KINDS, type ItemKind } from '../baseline/item-key.js'
import { byteStringOf, bytesOf, type ByteString } from '../bytes.js'
import { plimsoll } from '../gen/plimsoll.js'
import { isContainerId } from '../workload/container-facts.js'
import { areLabels, type Label } from '../workload/labels.js'
import type { ContainerAnswer, Input } from './input.js'

const { TraceEntry } = plimsoll.v1

/** One entry, length-delimited. */
export function encodeInput(input: Input): Uint8Array {
  return TraceEntry.encodeDelimited(messageOf(input)).finish()
}

/**
 * The inputs of a trace's payload, in order. Throws an `Error` whose message says what is malformed; lazily, so that a
 * long trace need not be held twice.
 */
export function* decodeInputs(payload: Uint8Array): Generator<Input, void, undefined> {
  let at = 0
  while (at < payload.length) {
    const { length, start } = lengthAt(payload, at)
    if (start + length > payload.length) throw new Error(`entry at byte ${at} is cut off`)
    yield inputOf(TraceEntry.decode(payload.subarray(start, start + length)), at)
    at = start + length
  }
}

/** The base-128 varint before a message. */
function lengthAt(payload: Uint8Array, at: number): { length: number; start: number } {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = payload[at + i]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { length, start: at + i + 1 }
  }
  throw new Error(`entry at byte ${at} has no valid length`)
}

function messageOf(input: Input): plimsoll.v1.ITraceEntry {
  const atMs = input.atMs
  switch (input.kind) {
    case 'session': {
      const { selection, kinds, ...facts } = input.facts
      return {
        atMs,
        session: {
          sessionId: facts.sessionId,
          plimsollVersion: facts.plimsoll,
          kernel: facts.kernel,
          bpftrace: facts.bpftrace,
          ...selection,
          kinds: [...kinds],
        },
      }
    }
    case 'sensor-started':
      return { atMs, sensorStarted: {} }
    case 'sensor-bytes':
      return { atMs, sensorBytes: input.bytes }
    case 'sensor-ended':
      return { atMs, sensorEnded: { expected: input.expected, reason: input.reason } }
    case 'cgroups':
      return {
        atMs,
        cgroups: {
          cgroups: input.cgroups.map(({ id, path }) => ({ id, path: bytesOf(path as ByteString) })),
        },
      }
    case 'container':
      return { atMs, container: containerOf(input.answer) }
    case 'command':
      return {
        atMs,
        command: {
          cgroupId: input.cgroupId,
          digest: input.image.digest,
          name: input.image.name,
          arguments: input.image.entrypoint.map((argument) => bytesOf(argument)),
        },
      }
    case 'resources': {
      const { cgroupId, memoryBytes, cpuMilli, pids } = input
      return { atMs, resources: { cgroupId, memoryBytes, cpuMilli, pids } }
    }
    case 'selection':
      return { atMs, selection: { image: input.image, learned: input.isLearned } }
    case 'end':
      return { atMs, end: {} }
  }
}

function containerOf({ labels, ...answer }: ContainerAnswer): plimsoll.v1.ITraceContainer {
  return {
    ...answer,
    entrypoint: [...answer.entrypoint],
    healthChecks: answer.healthChecks.map((words) => ({ words: [...words] })),
    ...(labels === undefined ? {} : { labels: { labels: [...labels] } }),
  }
}

function inputOf(message: plimsoll.v1.TraceEntry, at: number): Input {
  const atMs = safe(message.atMs, at)
  const { session, sensorEnded, cgroups, container, command, resources, selection } = message
  if (session) {
    return {
      kind: 'session',
      atMs,
      facts: {
        sessionId: session.sessionId ?? '',
        plimsoll: session.plimsollVersion ?? '',
        kernel: session.kernel ?? '',
        bpftrace: session.bpftrace ?? '',
        selection: {
          all: session.all ?? false,
          image: session.image ?? '',
          container: session.container ?? '',
        },
        kinds: (session.kinds ?? []).map((kind) => kindOf(kind, at)),
      },
    }
  }
  if (message.sensorStarted) return { kind: 'sensor-started', atMs }
  if (message.sensorBytes) return { kind: 'sensor-bytes', atMs, bytes: message.sensorBytes }
  if (sensorEnded) {
    return {
      kind: 'sensor-ended',
      atMs,
      expected: sensorEnded.expected ?? false,
      reason: sensorEnded.reason ?? '',
    }
  }
  if (cgroups) {
    return {
      kind: 'cgroups',
      atMs,
      cgroups: (cgroups.cgroups ?? []).map(({ id, path }) => ({
        id: safe(id, at),
        path: byteStringOf(path ?? new Uint8Array(0)),
      })),
    }
  }
  if (container) {
    if (!isIdentified(container)) throw new Error(`entry at byte ${at} identifies no container`)
    return {
      kind: 'container',
      atMs,
      answer: {
        runtime: container.runtime ?? '',
        containerId: container.containerId ?? '',
        found: container.found ?? false,
        problem: container.problem ?? '',
        runtimeVersion: container.runtimeVersion ?? '',
        name: container.name ?? '',
        imageDigest: container.imageDigest ?? '',
        imageName: container.imageName ?? '',
        entrypoint: container.entrypoint ?? [],
        healthChecks: (container.healthChecks ?? []).map(({ words }) => words ?? []),
        labels: labelsIn(container.labels, at),
      },
    }
  }
  if (command) {
    if (!isDigest(command.digest ?? '')) throw new Error(`entry at byte ${at} has no digest`)
    return {
      kind: 'command',
      atMs,
      cgroupId: safe(command.cgroupId, at),
      image: {
        kind: 'command',
        digest: command.digest ?? '',
        name: command.name ?? '',
        entrypoint: (command.arguments ?? []).map((argument) => byteStringOf(argument)),
      },
    }
  }
  if (resources) {
    return {
      kind: 'resources',
      atMs,
      cgroupId: safe(resources.cgroupId, at),
      memoryBytes: safe(resources.memoryBytes, at),
      cpuMilli: safe(resources.cpuMilli, at),
      pids: safe(resources.pids, at),
    }
  }
  if (selection) {
    return {
      kind: 'selection',
      atMs,
      image: selection.image ?? '',
      isLearned: selection.learned ?? false,
    }
  }
  if (message.end) return { kind: 'end', atMs }
  throw new Error(`entry at byte ${at} is of no known kind`)
}

function kindOf(name: string, at: number): ItemKind {
  const kind = ITEM_KINDS.find((known) => known === name)
  if (kind === undefined) throw new Error(`entry at byte ${at} looks for an unknown kind`)
  return kind
}

function labelsIn(
  message: plimsoll.v1.ITraceLabels | null | undefined,
  at: number,
): readonly Label[] | undefined {
  if (!message) return undefined
  const labels = (message.labels ?? []).map(({ key, value }) => ({
    key: key ?? '',
    value: value ?? '',
  }))
  if (!areLabels(labels)) throw new Error(`entry at byte ${at} has labels out of bounds`)
  return labels
}

/** What becomes the key of a baseline must have the form of one. */
function isIdentified(container: plimsoll.v1.ITraceContainer): boolean {
  const { found, imageDigest, containerId } = container
  return isContainerId(containerId ?? '') && (found !== true || isDigest(imageDigest ?? ''))
}

/** A 64-bit number that a double holds; protobufjs gives a number or its own long form. */
function safe(value: unknown, at: number): number {
  const number = Number(value?.toString() ?? 0)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`entry at byte ${at} has a number out of range`)
  return number
}
