/** The model of a baseline in the plainest way there is: maps, sets and no thought of cost. The twin of the real one. */
import type { Behaviour } from '../../src/baseline/behaviour.js'
import type { CapabilityFacts } from '../../src/baseline/capability-item.js'
import { compareEndpoints, type EndpointFacts } from '../../src/baseline/endpoint-item.js'
import { compareExecs, type ExecFacts } from '../../src/baseline/exec-item.js'
import type { Evidence } from '../../src/baseline/evidence.js'
import type { SeenCapability, SeenUringOp } from '../../src/baseline/learner.js'
import type { Resources, ResourceSample } from '../../src/baseline/resources.js'
import type { UringFacts } from '../../src/baseline/uring-item.js'
import type { ByteString } from '../../src/bytes.js'
import { argumentCallOf } from '../../src/kernel/arguments.js'
import {
  type Abi,
  ABIS,
  type EndpointObservation,
  type ExecObservation,
  type Lineage,
} from '../../src/observation.js'

/** What one run tells of an item: everything that was said, in order. */
interface Telling<Facts> {
  facts: Facts
  readonly times: number[]
  readonly windows: number[]
  count: number
  readonly programs: Set<ByteString>
}

/** By key, then by run. */
type Items<Facts> = Map<string, Map<string, Telling<Facts>>>

interface Call {
  readonly abi: Abi
  readonly nr: number
}

interface Sets {
  readonly denied: Items<Call>
  readonly capabilities: Items<CapabilityFacts>
  readonly uringOps: Items<UringFacts>
  readonly syscalls: Items<Call>
  readonly arguments: Items<Call & { readonly value: number }>
  readonly execs: Items<ExecFacts>
  readonly connections: Items<EndpointFacts>
  readonly listeners: Items<EndpointFacts>
}

/** Knows no bounds but those of an item: keep the input below the bounds of the sets. All runs begin at one time. */
export class NaiveBaseline {
  readonly #lineages = new Map<Lineage, Sets>()
  readonly #samples = new Map<string, ResourceSample[]>()
  readonly #startedMs: number

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  learnSyscall(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (count < 1) return false
    return this.#call('syscalls', run, lineage, abi, nr, count, atMs).isNew
  }

  learnProgram(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean {
    const { item, isNew } = this.#call('syscalls', run, lineage, abi, nr, 0, atMs)
    item.programs.add(program)
    return isNew
  }

  learnDenial(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ): boolean {
    if (count < 1) return false
    return this.#call('denied', run, lineage, abi, nr, count, atMs).isNew
  }

  learnDenialProgram(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    program: ByteString,
    atMs: number,
  ): boolean {
    const { item, isNew } = this.#call('denied', run, lineage, abi, nr, 0, atMs)
    item.programs.add(program)
    return isNew
  }

  learnCapability(run: string, seen: SeenCapability, program?: ByteString): boolean {
    const { lineage, capability, count, atMs } = seen
    if (![...Array(64).keys()].includes(capability)) return false
    const { capabilities } = this.#of(lineage)
    const noted = this.#note(capabilities, [capability], { capability }, run, count, atMs)
    if (program !== undefined) noted.item.programs.add(program)
    return noted.isNew
  }

  learnUringOp(run: string, seen: SeenUringOp, program?: ByteString): boolean {
    const { lineage, opcode, count, atMs } = seen
    if (![...Array(256).keys()].includes(opcode)) return false
    const { uringOps } = this.#of(lineage)
    const noted = this.#note(uringOps, [opcode], { opcode }, run, count, atMs)
    if (program !== undefined) noted.item.programs.add(program)
    return noted.isNew
  }

  learnResources(run: string, sample: ResourceSample): void {
    const values = [sample.memoryBytes, sample.cpuMilli, sample.pids]
    if (values.some((value) => Number.isNaN(value) || value < 0)) return
    this.#samples.set(run, [...(this.#samples.get(run) ?? []), sample])
  }

  resources(): Resources | undefined {
    const all = [...this.#samples.values()].flat()
    if (all.length === 0) return undefined
    const most = (of: (sample: ResourceSample) => number): number =>
      Math.max(...all.map((sample) => Math.min(Math.floor(of(sample)), Number.MAX_SAFE_INTEGER)))
    return {
      memoryBytes: most(({ memoryBytes }) => memoryBytes),
      cpuMilli: most(({ cpuMilli }) => cpuMilli),
      pids: most(({ pids }) => pids),
      samples: all.length,
      runs: this.#samples.size,
    }
  }

  learnArgument(
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    value: number,
    count: number,
    atMs: number,
  ): boolean {
    if (count < 1 || argumentCallOf(abi, nr) === undefined) return false
    const values = this.#of(lineage).arguments
    return this.#note(values, [abi, nr, value], { abi, nr, value }, run, count, atMs).isNew
  }

  learnExec(run: string, seen: ExecObservation, program?: ByteString): boolean {
    const { path, exe, fsMagic, upper, truncated, atMs } = seen
    const fileless = seen.links === 0
    const fresh = { path, exe, fsMagic, otherFs: false, upper, fileless, truncated }
    const { execs } = this.#of(seen.lineage)
    const { item, isNew } = this.#note(execs, [path, exe], fresh, run, 1, atMs)
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
    const key = [protocol, address, port, source]
    const { item, isNew } = this.#note(set, key, fresh, run, count, atMs)
    item.facts = { ...item.facts, truncated: item.facts.truncated || truncated }
    if (program !== undefined) item.programs.add(program)
    return isNew
  }

  behaviour(lineage: Lineage): Behaviour {
    const sets = this.#of(lineage)
    return {
      syscalls: itemsOf(sets.syscalls, firstOf, compareCalls),
      arguments: itemsOf(
        sets.arguments,
        firstOf,
        (a, b) => compareCalls(a, b) || a.value - b.value,
      ),
      execs: itemsOf(sets.execs, execFactsOf, compareExecs),
      connections: itemsOf(sets.connections, endpointFactsOf, compareEndpoints),
      listeners: itemsOf(sets.listeners, endpointFactsOf, compareEndpoints),
      capabilities: itemsOf(sets.capabilities, firstOf, (a, b) => a.capability - b.capability),
      uringOps: itemsOf(sets.uringOps, firstOf, (a, b) => a.opcode - b.opcode),
      denied: itemsOf(sets.denied, firstOf, compareCalls),
      argumentsCollapsed: unseenArguments(sets),
      execsCollapsed: undefined,
      connectionsCollapsed: undefined,
      listenersCollapsed: undefined,
    }
  }

  #call(
    set: 'syscalls' | 'denied',
    run: string,
    lineage: Lineage,
    abi: Abi,
    nr: number,
    count: number,
    atMs: number,
  ) {
    const kept = nr < 0 || nr > 1022 ? 1023 : nr
    return this.#note(this.#of(lineage)[set], [abi, kept], { abi, nr: kept }, run, count, atMs)
  }

  #of(lineage: Lineage): Sets {
    const sets = this.#lineages.get(lineage) ?? {
      denied: new Map(),
      capabilities: new Map(),
      uringOps: new Map(),
      syscalls: new Map(),
      arguments: new Map(),
      execs: new Map(),
      connections: new Map(),
      listeners: new Map(),
    }
    this.#lineages.set(lineage, sets)
    return sets
  }

  #note<Facts>(
    items: Items<Facts>,
    key: readonly unknown[],
    facts: Facts,
    run: string,
    count: number,
    atMs: number,
  ): { item: Telling<Facts>; isNew: boolean } {
    const text = JSON.stringify(key)
    const known = items.get(text)
    const runs = known ?? new Map<string, Telling<Facts>>()
    items.set(text, runs)
    const item = runs.get(run) ?? { facts, times: [], windows: [], count: 0, programs: new Set() }
    runs.set(run, item)
    item.times.push(atMs)
    item.count += count
    const window = Math.max(0, Math.floor((atMs - this.#startedMs) / 60_000))
    if (count > 0 && window > Math.max(-1, ...item.windows)) item.windows.push(window)
    return { item, isNew: known === undefined }
  }
}

function itemsOf<Facts>(
  items: Items<Facts>,
  factsOf: (tellings: readonly Telling<Facts>[]) => Facts,
  compare: (a: Facts, b: Facts) => number,
): (Facts & Evidence)[] {
  return [...items.values()]
    .map((runs) => {
      const tellings = [...runs.values()]
      return { ...factsOf(tellings), ...evidenceOf(tellings) }
    })
    .sort(compare)
}

function evidenceOf(tellings: readonly Telling<unknown>[]): Evidence {
  const times = tellings.flatMap((telling) => telling.times)
  // Each run keeps the first eight that it met.
  const kept = new Set(tellings.flatMap(({ programs }) => [...programs].slice(0, 8)))
  return {
    firstMs: Math.min(...times),
    lastMs: Math.max(...times),
    count: tellings.reduce((sum, { count }) => sum + count, 0),
    runs: tellings.length,
    windows: tellings.reduce((sum, { windows }) => sum + windows.length, 0),
    programs: [...kept].sort().slice(0, 8),
    morePrograms: kept.size > 8 || tellings.some(({ programs }) => programs.size > 8),
  }
}

function firstOf<Facts>(tellings: readonly Telling<Facts>[]): Facts {
  const [first] = tellings
  if (first === undefined) throw new Error('nothing was told')
  return first.facts
}

function execFactsOf(tellings: readonly Telling<ExecFacts>[]): ExecFacts {
  const all = tellings.map(({ facts }) => facts)
  const byAge = tellings.toSorted(
    (a, b) => Math.min(...a.times) - Math.min(...b.times) || a.facts.fsMagic - b.facts.fsMagic,
  )
  return {
    ...firstOf(byAge),
    otherFs: all.some(({ otherFs }) => otherFs) || new Set(all.map((one) => one.fsMagic)).size > 1,
    upper: all.some(({ upper }) => upper),
    fileless: all.some(({ fileless }) => fileless),
    truncated: all.some(({ truncated }) => truncated),
  }
}

function endpointFactsOf(tellings: readonly Telling<EndpointFacts>[]): EndpointFacts {
  return { ...firstOf(tellings), truncated: tellings.some(({ facts }) => facts.truncated) }
}

/** Calls of which some run counted more than of all their arguments. */
function unseenArguments({ syscalls, arguments: values }: Sets): Behaviour['argumentsCollapsed'] {
  return [...syscalls.values()]
    .flatMap((runs) => {
      const gaps = [...runs].flatMap(([run, telling]) => {
        const { abi, nr } = telling.facts
        if (argumentCallOf(abi, nr) === undefined) return []
        const seen = [...values.values()]
          .map((ofValue) => ofValue.get(run))
          .filter((value) => value?.facts.abi === abi && value.facts.nr === nr)
          .reduce((sum, value) => sum + (value?.count ?? 0), 0)
        return telling.count > seen ? [{ ...telling, abi, nr, count: telling.count - seen }] : []
      })
      const [gap] = gaps
      if (gap === undefined) return []
      const times = gaps.flatMap((one) => one.times)
      return [
        {
          abi: gap.abi,
          nr: gap.nr,
          count: gaps.reduce((sum, { count }) => sum + count, 0),
          firstMs: Math.min(...times),
          lastMs: Math.max(...times),
        },
      ]
    })
    .sort(compareCalls)
}

function compareCalls(a: Call, b: Call): number {
  return ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.nr - b.nr
}
