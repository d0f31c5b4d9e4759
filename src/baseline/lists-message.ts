/** The lists of items of a baseline as messages of `baseline.proto`; `lists-of` reads them. */
import { bytesOf } from '../bytes.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { ABIS, type Lineage } from '../observation.js'
import { whole } from './canonical.js'
import { PROTOCOLS, SOURCES } from './endpoint-item.js'
import type { IndexedLists, ListedEndpoint } from './item-lists.js'
import { BASELINE_LINEAGES, type ByLineage } from './run-record.js'
import type { SyscallFacts } from './syscall-item.js'

/** One message per lineage that did something, in their order. */
export function listsMessages(
  lists: ByLineage<IndexedLists>,
): plimsoll.v1.LineageItems.$Properties[] {
  return BASELINE_LINEAGES.filter((lineage) => hasItems(lists[lineage])).map((lineage) => {
    const { syscalls, arguments: values, execs, connections, listeners } = lists[lineage]
    const { capabilities, uringOps, denied } = lists[lineage]
    return {
      lineage: lineageCode(lineage),
      syscalls: syscalls.items.map(callMessage),
      arguments: values.items.map(({ abi, nr, value }) => ({
        abi: ABIS.indexOf(abi) + 1,
        nr,
        value: whole(value, 0xffff_ffff),
      })),
      execs: execs.items.map(({ path, exe, fsMagic }) => ({
        path: bytesOf(path),
        exe: bytesOf(exe),
        fsMagic: whole(fsMagic, 0xffff_ffff),
      })),
      connections: connections.items.map(endpointMessage),
      listeners: listeners.items.map(endpointMessage),
      capabilities: capabilities.items.map(({ capability }) => ({ capability })),
      uringOps: uringOps.items.map(({ opcode }) => ({ opcode })),
      denied: denied.items.map(callMessage),
    }
  })
}

function hasItems(lists: IndexedLists): boolean {
  const { syscalls, arguments: values, execs, connections, listeners } = lists
  const { capabilities, uringOps, denied } = lists
  return [syscalls, values, execs, connections, listeners, capabilities, uringOps, denied].some(
    ({ items }) => items.length > 0,
  )
}

function callMessage({ abi, nr }: SyscallFacts): plimsoll.v1.SyscallItem.$Properties {
  return { abi: ABIS.indexOf(abi) + 1, nr }
}

function endpointMessage(item: ListedEndpoint): plimsoll.v1.EndpointItem.$Properties {
  return {
    protocol: PROTOCOLS.indexOf(item.protocol) + 1,
    address: bytesOf(item.address),
    port: whole(item.port),
    source: SOURCES.indexOf(item.source) + 1,
  }
}

/** The value of the enum. */
export function lineageCode(lineage: Lineage): number {
  return BASELINE_LINEAGES.indexOf(lineage) + 1
}
