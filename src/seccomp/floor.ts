/**
 * The floor of one profile: which names must be allowed whatever was observed, and why. Pure; the lists are in
 * `floor-tables`.
 */
import type { Abi } from '../observation.js'
import { syscallNr } from '../kernel/syscalls.js'
import {
  PROGRAM_START,
  REQUIRED,
  REQUIRED_I386,
  RUNTIME_FLOOR,
  RUNTIMES,
  type Runtime,
} from './floor-tables.js'

/** What decides how small the floor may be. */
export interface FloorOptions {
  /** Runtimes that may start the container; none given means all known ones, so that a change of runtime is safe. */
  readonly runtimes: readonly Runtime[]
  /** Take the container to run with no_new_privileges, which most of a runtime's floor is not needed for. */
  readonly assumeNoNewPrivileges: boolean
}

/** `required` is needed by the kernel's own mechanics, `floor` by program start and by the runtimes. */
export interface Floor {
  readonly required: ReadonlySet<string>
  readonly floor: ReadonlySet<string>
}

/** The floor for a filter that covers `abis`: only names that at least one of them has. */
export function floorFor(abis: readonly Abi[], options: FloorOptions): Floor {
  const runtimes = options.runtimes.length === 0 ? RUNTIMES : options.runtimes
  const variant = options.assumeNoNewPrivileges ? 'noNewPrivileges' : 'plain'
  const exists = (name: string): boolean => abis.some((abi) => syscallNr(abi, name) !== undefined)
  const required = abis.includes('i386') ? [...REQUIRED, ...REQUIRED_I386] : REQUIRED
  const floor = [
    ...PROGRAM_START,
    ...runtimes.flatMap((runtime) => RUNTIME_FLOOR[runtime][variant]),
  ]
  return { required: new Set(required.filter(exists)), floor: new Set(floor.filter(exists)) }
}
