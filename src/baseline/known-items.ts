/**
 * Which items of one lineage are known, for the question whether something is new. Bounded like the sets themselves: in a
 * full one nothing more is new.
 */
import type { Abi } from '../observation.js'
import type { Behaviour } from './behaviour.js'
import { type ItemKey, itemKeyOf, type NamedItem } from './item-key.js'
import { CONNECTION_LIMIT, EXEC_LIMIT, LISTENER_LIMIT } from './limits.js'
import { syscallCode } from './syscall-item.js'

const LIMITS: Readonly<Record<NamedItem['kind'], number>> = {
  // Bounded by their numbers and, per call, by the sets of the runs.
  syscall: Infinity,
  argument: Infinity,
  exec: EXEC_LIMIT,
  connect: CONNECTION_LIMIT,
  listen: LISTENER_LIMIT,
}

export class KnownItems {
  /** By `syscallCode`. */
  readonly #syscalls = new Set<number>()
  readonly #others: Readonly<Record<NamedItem['kind'], Set<ItemKey>>> = {
    syscall: new Set(),
    argument: new Set(),
    exec: new Set(),
    connect: new Set(),
    listen: new Set(),
  }

  constructor(behaviour: Behaviour) {
    for (const { abi, nr } of behaviour.syscalls) this.addSyscall(abi, nr)
    for (const { abi, nr, value } of behaviour.arguments) {
      this.add({ kind: 'argument', abi, nr, value })
    }
    for (const { path, exe } of behaviour.execs) this.add({ kind: 'exec', path, exe })
    for (const endpoint of behaviour.connections) this.add({ ...endpoint, kind: 'connect' })
    for (const endpoint of behaviour.listeners) this.add({ ...endpoint, kind: 'listen' })
  }

  /** Whether the call is known. O(1), allocates nothing. */
  hasSyscall(abi: Abi, nr: number): boolean {
    return this.#syscalls.has(syscallCode(abi, nr))
  }

  /** Takes note of the call; whether it was not known. */
  addSyscall(abi: Abi, nr: number): boolean {
    const code = syscallCode(abi, nr)
    if (this.#syscalls.has(code)) return false
    this.#syscalls.add(code)
    return true
  }

  /** Takes note of the item; whether it was not known, and there was room for it. */
  add(item: Exclude<NamedItem, { kind: 'syscall' }>): boolean {
    const known = this.#others[item.kind]
    if (known.size === LIMITS[item.kind]) return false
    const before = known.size
    return known.add(itemKeyOf(item)).size > before
  }
}
