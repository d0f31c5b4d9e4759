/** The items of a behaviour as what keys name: for indexes and decisions, which know no evidence. Pure. */
import type { Behaviour } from './behaviour.js'
import type { NamedItem } from './item-key.js'

/** All items, kind by kind, in the order of their keys. What was refused is none. */
export function namedItems(behaviour: Behaviour): readonly NamedItem[] {
  return [
    ...behaviour.syscalls.map(({ abi, nr }) => ({ kind: 'syscall' as const, abi, nr })),
    ...behaviour.arguments.map(({ abi, nr, value }) => ({
      kind: 'argument' as const,
      abi,
      nr,
      value,
    })),
    ...behaviour.execs.map(({ path, exe }) => ({ kind: 'exec' as const, path, exe })),
    ...behaviour.connections.map(({ protocol, address, port, source }) => ({
      kind: 'connect' as const,
      protocol,
      address,
      port,
      source,
    })),
    ...behaviour.listeners.map(({ protocol, address, port, source }) => ({
      kind: 'listen' as const,
      protocol,
      address,
      port,
      source,
    })),
    ...behaviour.capabilities.map(({ capability }) => ({
      kind: 'capability' as const,
      capability,
    })),
    ...behaviour.uringOps.map(({ opcode }) => ({ kind: 'io_uring' as const, opcode })),
  ]
}
