/** The lists of items of a decoded baseline, checked: what its runs refer to by index. */
import { byteStringOf } from '../bytes.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { CAPABILITY_LIMIT } from '../kernel/capabilities.js'
import { URING_OPCODE_LIMIT } from '../kernel/io-uring.js'
import { ABIS, type Lineage, SYSCALL_NR_LIMIT } from '../observation.js'
import { type ArgumentFacts, compareArguments } from './argument-item.js'
import { compareCapabilities } from './capability-item.js'
import { ascending, element, Malformed, numberUpTo } from './checked.js'
import { compareEndpoints, PROTOCOLS, SOURCES } from './endpoint-item.js'
import { compareExecs } from './exec-item.js'
import type { ItemLists, ListedEndpoint, ListedExec } from './item-lists.js'
import { PORT_LIMIT } from './limits.js'
import { BASELINE_LINEAGES, type ByLineage, byLineage } from './run-record.js'
import { compareSyscalls, type SyscallFacts } from './syscall-item.js'
import { compareUringOps } from './uring-item.js'

type Message = plimsoll.v1.LineageItems.$Properties

/** The lists by lineage; empty ones for a lineage that did nothing. Throws `Malformed`. */
export function listsOf(messages: readonly Message[]): ByLineage<ItemLists> {
  const lineages = lineagesOf('items', messages)
  return byLineage((lineage) => listsOfOne(messages[lineages.indexOf(lineage)] ?? {}))
}

/** The lineages of the messages, one each, in their order. Throws `Malformed`. */
export function lineagesOf(
  field: string,
  messages: readonly { readonly lineage?: number | null }[],
): readonly Lineage[] {
  const lineages = messages.map(({ lineage }) => element('lineage', BASELINE_LINEAGES, lineage))
  const codeOf = (lineage: Lineage): number => BASELINE_LINEAGES.indexOf(lineage)
  ascending(field, lineages, (a, b) => codeOf(a) - codeOf(b))
  return lineages
}

/** The call of the message. Throws `Malformed`. */
export function callOf({ abi, nr }: plimsoll.v1.SyscallItem.$Properties): SyscallFacts {
  return { abi: element('abi', ABIS, abi), nr: numberUpTo('nr', SYSCALL_NR_LIMIT - 1, nr) }
}

/** The call of the message, one whose argument is learned. Throws `Malformed`. */
export function argumentCall(message: plimsoll.v1.SyscallItem.$Properties): SyscallFacts {
  const call = callOf(message)
  if (argumentCallOf(call.abi, call.nr) !== undefined) return call
  throw new Malformed(`no argument is learned of ${call.abi} ${call.nr}`)
}

function listsOfOne(message: Message): ItemLists {
  const syscalls = (message.syscalls ?? []).map(callOf)
  ascending('syscalls', syscalls, compareSyscalls)
  const values = (message.arguments ?? []).map(argumentOf)
  ascending('arguments', values, compareArguments)
  const execs = (message.execs ?? []).map(execOf)
  ascending('execs', execs, (a, b) => compareExecs(a, b) || a.fsMagic - b.fsMagic)
  const connections = (message.connections ?? []).map(endpointOf)
  ascending('connections', connections, compareEndpoints)
  const listeners = (message.listeners ?? []).map(endpointOf)
  ascending('listeners', listeners, compareEndpoints)
  const capabilities = (message.capabilities ?? []).map((item) => ({
    capability: numberUpTo('capability', CAPABILITY_LIMIT - 1, item.capability),
  }))
  ascending('capabilities', capabilities, compareCapabilities)
  const uringOps = (message.uringOps ?? []).map((item) => ({
    opcode: numberUpTo('opcode', URING_OPCODE_LIMIT - 1, item.opcode),
  }))
  ascending('uring_ops', uringOps, compareUringOps)
  const denied = (message.denied ?? []).map(callOf)
  ascending('denied', denied, compareSyscalls)
  return {
    syscalls,
    arguments: values,
    execs,
    connections,
    listeners,
    capabilities,
    uringOps,
    denied,
  }
}

function argumentOf(item: plimsoll.v1.ArgumentItem.$Properties): ArgumentFacts {
  return { ...argumentCall(item), value: numberUpTo('value', 0xffff_ffff, item.value) }
}

function execOf(item: plimsoll.v1.ExecItem.$Properties): ListedExec {
  return {
    path: byteStringOf(item.path ?? new Uint8Array()),
    exe: byteStringOf(item.exe ?? new Uint8Array()),
    fsMagic: numberUpTo('fs_magic', 0xffff_ffff, item.fsMagic),
  }
}

function endpointOf(item: plimsoll.v1.EndpointItem.$Properties): ListedEndpoint {
  return {
    protocol: element('protocol', PROTOCOLS, item.protocol),
    address: byteStringOf(item.address ?? new Uint8Array()),
    port: numberUpTo('port', PORT_LIMIT, item.port),
    source: element('source', SOURCES, item.source),
  }
}
