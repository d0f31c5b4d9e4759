/**
 * The floor of one profile: which names must be allowed whatever was observed, and why. Pure; measured floors come in as
 * data, the lists beside them are in `floor-tables`.
 */
import type { Abi } from '../observation.js'
import { REQUIRED, REQUIRED_I386 } from '../kernel/required-calls.js'
import { syscallNr } from '../kernel/syscalls.js'
import { type FloorDocument, type Operation, OPERATIONS } from './floor-document.js'
import { GO_RUNTIME, PROGRAM_START, RUNTIME_FLOOR, RUNTIMES, type Runtime } from './floor-tables.js'

/** A measured floor, and where it was measured: on this host, or elsewhere and shipped with plimsoll. */
export interface KnownFloor {
  readonly from: 'host' | 'shipped'
  readonly document: FloorDocument
}

/** What decides how small the floor may be. */
export interface FloorOptions {
  /** Runtimes that may start the container; none given means all known ones, so that a change of runtime is safe. */
  readonly runtimes: readonly Runtime[]
  /** Take the container to run with no_new_privileges, which most of a runtime's floor is not needed for. */
  readonly assumeNoNewPrivileges: boolean
  /** Measured floors. For each runtime those of this host decide; without any, all others; without any, a table. */
  readonly floors?: readonly KnownFloor[]
}

/** `required` is needed by the kernel's own mechanics, `floor` by program start and by the runtimes. */
export interface Floor {
  readonly required: ReadonlySet<string>
  readonly floor: ReadonlySet<string>
  /** Who needs each name of `floor`: `runc 1.1.5 (start, exec)`, `program start`, ... At least one each. */
  readonly sources: ReadonlyMap<string, readonly string[]>
  /** One sentence per runtime: what its part rests on. */
  readonly notes: readonly string[]
}

/** The floor for a filter that covers `abis`: only names that at least one of them has. */
export function floorFor(abis: readonly Abi[], options: FloorOptions): Floor {
  const exists = (name: string): boolean => abis.some((abi) => syscallNr(abi, name) !== undefined)
  const required = abis.includes('i386') ? [...REQUIRED, ...REQUIRED_I386] : REQUIRED
  const sources = new Map<string, string[]>()
  const notes: string[] = []
  const add = (source: string, names: readonly string[]): void => {
    for (const name of names.filter(exists))
      sources.set(name, [...(sources.get(name) ?? []), source])
  }
  add('program start', PROGRAM_START)
  for (const runtime of options.runtimes.length === 0 ? RUNTIMES : options.runtimes) {
    const documents = documentsOf(runtime, abis, options.floors ?? [])
    for (const { document } of documents) addMeasured(document, options, add)
    if (runtime === 'runc') add("runc: Go's runtime", GO_RUNTIME)
    if (documents.length === 0) {
      const variant = options.assumeNoNewPrivileges ? 'noNewPrivileges' : 'plain'
      add(`${runtime}: table`, RUNTIME_FLOOR[runtime][variant])
    }
    notes.push(noteOf(runtime, documents))
  }
  return {
    required: new Set(required.filter(exists)),
    floor: new Set(sources.keys()),
    sources,
    notes,
  }
}

/** Those that decide for the runtime. */
function documentsOf(
  runtime: Runtime,
  abis: readonly Abi[],
  floors: readonly KnownFloor[],
): readonly KnownFloor[] {
  const its = floors.filter(
    ({ document }) => document.runtime === runtime && abis.includes(document.architecture),
  )
  const ofHost = its.filter(({ from }) => from === 'host')
  return ofHost.length > 0 ? ofHost : its
}

/** The names of its measures that matter, each with the operations in which it was seen. */
function addMeasured(
  document: FloorDocument,
  { assumeNoNewPrivileges }: FloorOptions,
  add: (source: string, names: readonly string[]) => void,
): void {
  const seen = new Map<string, Set<Operation>>()
  for (const { operation, noNewPrivileges, names } of document.floors) {
    // Without the assumption a container may run either way.
    if (assumeNoNewPrivileges && !noNewPrivileges) continue
    for (const name of Object.keys(names)) {
      seen.set(name, (seen.get(name) ?? new Set()).add(operation))
    }
  }
  for (const [name, operations] of seen) {
    const which = OPERATIONS.filter((operation) => operations.has(operation)).join(', ')
    add(`${document.runtime} ${document.version} (${which})`, [name])
  }
}

function noteOf(runtime: Runtime, floors: readonly KnownFloor[]): string {
  const [first] = floors
  if (first === undefined) return `floor of ${runtime} by the table: none was measured for this ABI`
  const versions = floors.map(({ document }) => document.version)
  const last = versions.pop() ?? ''
  const named = versions.length === 0 ? last : `${versions.join(', ')} and ${last}`
  const what = `floor of ${runtime} ${named}`
  return first.from === 'host'
    ? `${what}, calibrated on this host on ${first.document.measuredAt.slice(0, 10)}`
    : `${what} as shipped; \`plimsoll calibrate\` measures that of this host`
}
