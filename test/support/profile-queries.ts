/** Calls that are worth asking a profile about: those it names, with the values it tests, and what is near them. */
import fc from 'fast-check'
import type { Abi } from '../../src/observation.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import { abisOf } from '../../src/seccomp/architectures.js'
import type { ArgumentTest, SeccompProfile } from '../../src/seccomp/profile.js'
import type { Query } from './libseccomp.js'

const MULTIPLEXERS = ['socketcall', 'ipc']
const SUB_CALLS = 26
const JUNK = 0xdead_beef_0000_0000n
const ALL_BITS = 2n ** 64n - 1n

/** Any call with any first argument, small ones more often. */
export const anyQuery: fc.Arbitrary<Query> = fc.record({
  abi: fc.constantFrom<Abi>('x86_64', 'x86_64', 'x86_64', 'i386', 'x32', 'aarch64', 'arm'),
  nr: fc.oneof(fc.nat(560), fc.nat(2 ** 30 - 1)),
  args: fc
    .tuple(
      fc.oneof(fc.bigInt({ min: 0n, max: 64n }), fc.bigInt({ min: 0n, max: ALL_BITS })),
      fc.bigInt({ min: 0n, max: ALL_BITS }),
    )
    .map(([first, rest]) => [first, rest, rest, rest, rest, rest]),
})

/**
 * Every refused or killed name; some of those let through whole; every value that is let through, with each bit of the mask
 * flipped, with the other bits set, and with junk in the upper half; under i386 the calls through multiplexers. Under the
 * architectures that the profile lists; `anyQuery` asks about others.
 */
export function queriesOf(profile: SeccompProfile): readonly Query[] {
  const queries: Query[] = []
  const abis = abisOf(profile.architectures)
  const ask = (name: string, args: readonly bigint[]): void => {
    for (const abi of abis) {
      const nr = syscallNr(abi, name)
      if (nr !== undefined) queries.push({ abi, nr, args })
    }
  }
  for (const { names, action, args } of profile.syscalls) {
    const test = args?.[0]
    if (test !== undefined) {
      for (const name of names) for (const value of valuesNear(test)) ask(name, [value, JUNK])
    } else {
      // Of the many that are allowed, every fifth: `anyQuery` finds the others.
      const some = action === 'SCMP_ACT_ALLOW' ? names.filter((_, at) => at % 5 === 0) : names
      for (const name of some) ask(name, [JUNK])
    }
  }
  if (profile.architectures.includes('SCMP_ARCH_X86')) {
    for (const name of MULTIPLEXERS) {
      for (let sub = 0; sub < SUB_CALLS; sub++) ask(name, [BigInt(sub), JUNK])
    }
  }
  return queries
}

function valuesNear({ value: mask, valueTwo: value = 0n }: ArgumentTest): readonly bigint[] {
  const values = [value, value | JUNK, value | (ALL_BITS & ~mask)]
  for (let bit = 1n; bit <= mask; bit <<= 1n) {
    // Half of the bits of a wide mask are enough.
    if ((mask & bit) !== 0n && (mask !== 0xffff_ffffn || bit % 3n === 1n)) values.push(value ^ bit)
  }
  return values
}
