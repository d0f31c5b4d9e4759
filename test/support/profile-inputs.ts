/** Inputs of the profile builder: single calls by name, and arbitrary ones for properties. */
import fc from 'fast-check'
import { ABIS, type Abi, type Lineage } from '../../src/observation.js'
import {
  ARGUMENT_CALLS,
  type ArgumentCall,
  CLONE_NAMESPACES,
  OTHER_VALUE,
} from '../../src/kernel/arguments.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { ApprovedValue } from '../../src/seccomp/approval.js'
import type { ProfileInput } from '../../src/seccomp/build.js'
import { NEVER_LEARNED } from '../../src/kernel/syscall-danger.js'
import { RUNTIMES } from '../../src/seccomp/floor-tables.js'
import type { ObservedCall } from '../../src/seccomp/observed-call.js'
import type { Strength } from '../../src/seccomp/profile.js'

/** A call by name, made by the application under x86_64 unless said otherwise. */
export function call(name: string, lineage: Lineage = 'main', abi: Abi = 'x86_64'): ObservedCall {
  const nr = syscallNr(abi, name)
  if (nr === undefined) throw new RangeError(`${abi} has no ${name}`)
  return { abi, nr, lineage, count: 7, runs: 3, programs: ['busybox'] }
}

/** The same with the packed values of its argument. */
export function callWith(
  name: ArgumentCall,
  values: readonly number[],
  lineage: Lineage = 'main',
  abi: Abi = 'x86_64',
): ObservedCall {
  return { ...call(name, lineage, abi), values }
}

export function input(
  calls: readonly ObservedCall[],
  more: Partial<ProfileInput> = {},
): ProfileInput {
  return { calls, strength: 'enforce', runtimes: [], assumeNoNewPrivileges: false, ...more }
}

const FLAGS = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]
const anyNamespaces = fc.oneof(
  fc.constant(0),
  fc.constantFrom(...FLAGS),
  fc.subarray(FLAGS).map((flags) => flags.reduce((all, flag) => all | flag, 0)),
)
const anySocket = fc
  .tuple(
    fc.oneof(fc.constantFrom(1, 2, 10, 16, 17, 38, 40), fc.nat(62)),
    fc.constantFrom(1, 2, 3, 5, 10),
  )
  .map(([domain, type]) => (domain << 4) | type)

/** Packed values as the probe lets them through; see kernel/arguments. */
const VALUES: Readonly<Record<ArgumentCall, fc.Arbitrary<number>>> = {
  socket: anySocket,
  socketpair: anySocket,
  clone: anyNamespaces.map((flags) => flags & CLONE_NAMESPACES),
  unshare: anyNamespaces,
  prctl: fc.oneof(fc.nat(127), fc.constantFrom(0x5356_4d41, 0x5961_6d61)),
  personality: fc.constantFrom(0, 8, 0x2_0000, 0x2_0008, 0x4_0000, 0xffff_ffff),
  ioctl: fc.oneof(fc.constantFrom(0x5401, 0x5412, 0x5413, 0x5421), fc.nat(0xffff_ffef)),
}

function anyValues(name: ArgumentCall): fc.Arbitrary<readonly number[]> {
  const some = fc.array(VALUES[name], { maxLength: 8 })
  // A program that tries everything.
  const many = fc.array(VALUES[name], { minLength: 40, maxLength: 64 })
  return fc
    .oneof(
      { weight: 9, arbitrary: some },
      { weight: 1, arbitrary: some.map((values) => [...values, OTHER_VALUE]) },
      { weight: 1, arbitrary: many },
    )
    .map((values) => [...new Set(values)].toSorted((a, b) => a - b))
}

const anyFacts = fc.record({
  lineage: fc.constantFrom<Lineage>('main', 'main', 'main', 'probe', 'runtime', 'exec'),
  count: fc.nat(),
  runs: fc.integer({ min: 1, max: 50 }),
  programs: fc.array(fc.string(), { maxLength: 3 }),
})

const anyPlainCall: fc.Arbitrary<ObservedCall> = fc
  .tuple(
    anyFacts,
    fc.constantFrom(...ABIS),
    fc.oneof(fc.integer({ min: 0, max: 560 }), fc.constantFrom(700, 1023, 2 ** 32 - 1)),
  )
  .map(([facts, abi, nr]) => ({ ...facts, abi, nr }))

/** Of a call whose argument is learned, with and without values; mostly of one ABI, as programs are. */
const anyArgumentCall: fc.Arbitrary<ObservedCall> = fc
  .constantFrom(...ARGUMENT_CALLS)
  .chain((name) =>
    fc.tuple(
      anyFacts,
      fc.constantFrom<Abi>('x86_64', 'x86_64', 'x86_64', 'x86_64', 'i386', 'x32', 'aarch64'),
      fc.option(anyValues(name), { freq: 8, nil: undefined }),
      fc.constant(name),
    ),
  )
  .map(([facts, abi, values, name]) => ({
    ...facts,
    abi,
    nr: syscallNr(abi, name) ?? 0,
    ...(values === undefined ? {} : { values }),
  }))

export const anyCall: fc.Arbitrary<ObservedCall> = fc.oneof(
  { weight: 4, arbitrary: anyPlainCall },
  { weight: 1, arbitrary: anyArgumentCall },
)

const anyApprovedValue: fc.Arbitrary<ApprovedValue> = fc
  .constantFrom(...ARGUMENT_CALLS)
  .chain((name) => VALUES[name].map((value) => ({ call: name, value })))

/** Calls of one ABI, or of several; never none of the application. */
const anyCalls: fc.Arbitrary<readonly ObservedCall[]> = fc
  .tuple(
    fc.array(anyCall, { maxLength: 120 }),
    fc.constantFrom<readonly Abi[]>(['x86_64'], ['x86_64'], ['x86_64', 'i386'], ['aarch64'], ABIS),
  )
  .map(([calls, abis]) => [
    call('read', 'main', abis[0]),
    ...calls.filter(({ abi }) => abis.includes(abi)),
  ])

export const anyInput: fc.Arbitrary<ProfileInput> = fc.record({
  calls: anyCalls,
  strength: fc.constantFrom<Strength>('complain', 'enforce', 'strict'),
  runtimes: fc.subarray([...RUNTIMES]),
  assumeNoNewPrivileges: fc.boolean(),
  approved: fc.oneof(
    fc.subarray([...NEVER_LEARNED]),
    fc.array(fc.string(), { maxLength: 3 }),
    fc.constant([...NEVER_LEARNED]),
  ),
  approvedValues: fc.array(anyApprovedValue, { maxLength: 10 }),
  arguments: fc.oneof(fc.subarray([...ARGUMENT_CALLS]), fc.constant(ARGUMENT_CALLS)),
  families: fc.boolean(),
})
