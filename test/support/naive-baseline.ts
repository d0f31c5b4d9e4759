/** The model of a baseline in the plainest way there is: maps, sets and no thought of cost. The twin of the real one. */
import type { BehaviourSnapshot } from '../../src/baseline/behaviour.js'
import { compareEndpoints, type EndpointFacts } from '../../src/baseline/endpoint-set.js'
import { compareExecs, type ExecFacts } from '../../src/baseline/exec-set.js'
import type { Evidence } from '../../src/baseline/evidence.js'
import type { ByteString } from '../../src/bytes.js'
import {
  type Abi,
  ABIS,
  type EndpointObservation,
  type ExecObservation,
  type Lineage,
} from '../../src/observation.js'

interface Item<Facts> {
  facts: Facts
  readonly times: number[]
  count: number
  readonly runs: Set<string>
  readonly programs: Set<ByteString>
}

type Items<Facts> = Map<string, Item<Facts>>

interface Sets {
  readonly syscalls: Items<{ abi: Abi; nr: number }>
  readonly execs: Items<ExecFacts>
  readonly connections: Items<EndpointFacts>
  readonly listeners: Items<EndpointFacts>
}

/** Knows no bounds but those of an item: keep the input below the bounds of the sets. */
export class NaiveBaseline {
  readonly #lineages = new Map<Lineage, Sets>()

  learnSyscall(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (count < 1) return false
    return this.#syscall(run, lineage, abi, nr, count, atMs).isNew
  }

  learnProgram(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean {
    const { item, isNew } = this.#syscall(run, lineage, abi, nr, 0, atMs)
    item.programs.add(program)
    return isNew
  }

  learnExec(run: string, seen: ExecObservation, program?: ByteString): boolean {
    const { path, exe, fsMagic, upper, truncated } = seen
    const fileless = seen.links === 0
    const fresh = { path, exe, fsMagic, otherFs: false, upper, fileless, truncated }
    const { item, isNew } = note(
      this.#of(seen.lineage).execs,
      [path, exe],
      fresh,
      run,
      1,
      seen.atMs,
    )
    const { facts } = item
    item.facts = {
      ...facts,
      otherFs: facts.otherFs || facts.fsMagic !== fsMagic,
      upper: facts.upper || upper,
      fileless: facts.fileless || fileless,
      truncated: facts.truncated || truncated,
    }
    if (program !== undefined) item.programs.add(program)
    return isNew
  }

  learnEndpoint(run: string, seen: EndpointObservation, program?: ByteString): boolean {
    const { protocol, address, port, source, truncated, count, atMs } = seen
    const sets = this.#of(seen.lineage)
    const set = seen.kind === 'connect' ? sets.connections : sets.listeners
    const fresh = { protocol, address, port, source, truncated }
    const { item, isNew } = note(set, [protocol, address, port, source], fresh, run, count, atMs)
    item.facts = { ...item.facts, truncated: item.facts.truncated || truncated }
    if (program !== undefined) item.programs.add(program)
    return isNew
  }

  behaviour(lineage: Lineage): BehaviourSnapshot {
    const { syscalls, execs, connections, listeners } = this.#of(lineage)
    return {
      syscalls: itemsOf(
        syscalls,
        (a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.nr - b.nr,
      ),
      execs: itemsOf(execs, compareExecs),
      connections: itemsOf(connections, compareEndpoints),
      listeners: itemsOf(listeners, compareEndpoints),
      execsCollapsed: undefined,
      connectionsCollapsed: undefined,
      listenersCollapsed: undefined,
    }
  }

  #syscall(run: string, lineage: Lineage, abi: Abi, nr: number, count: number, atMs: number) {
    const kept = nr < 0 || nr > 1022 ? 1023 : nr
    const facts = { abi, nr: kept }
    return note(this.#of(lineage).syscalls, [abi, kept], facts, run, count, atMs)
  }

  #of(lineage: Lineage): Sets {
    const sets = this.#lineages.get(lineage) ?? {
      syscalls: new Map(),
      execs: new Map(),
      connections: new Map(),
      listeners: new Map(),
    }
    this.#lineages.set(lineage, sets)
    return sets
  }
}

function note<Facts>(
  items: Items<Facts>,
  key: readonly unknown[],
  facts: Facts,
  run: string,
  count: number,
  atMs: number,
): { item: Item<Facts>; isNew: boolean } {
  const text = JSON.stringify(key)
  const known = items.get(text)
  const item = known ?? { facts, times: [], count: 0, runs: new Set(), programs: new Set() }
  items.set(text, item)
  item.times.push(atMs)
  item.count += count
  item.runs.add(run)
  return { item, isNew: known === undefined }
}

function itemsOf<Facts>(
  items: Items<Facts>,
  compare: (a: Facts, b: Facts) => number,
): (Facts & Evidence)[] {
  return [...items.values()]
    .sort((a, b) => compare(a.facts, b.facts))
    .map(({ facts, times, count, runs, programs }) => ({
      ...facts,
      firstMs: Math.min(...times),
      lastMs: Math.max(...times),
      count,
      runs: runs.size,
      programs: [...programs].slice(0, 8).sort(),
      morePrograms: programs.size > 8,
    }))
}
