/**
 * Which architectures a profile lists. It matters twice: a call made under an unlisted architecture kills its process
 * (libseccomp's bad-architecture action), and every listed one is further attack surface.
 */
import { ABIS, type Abi } from '../observation.js'
import type { Architecture } from './profile.js'

const ARCHITECTURE: Readonly<Record<Abi, Architecture | undefined>> = {
  x86_64: 'SCMP_ARCH_X86_64',
  i386: 'SCMP_ARCH_X86',
  x32: 'SCMP_ARCH_X32',
  aarch64: 'SCMP_ARCH_AARCH64',
  // No table, so no call of it can be named, so listing it would only turn its kill into an ENOSYS for every call.
  arm: undefined,
}

const X86_FAMILY: readonly Abi[] = ['x86_64', 'i386', 'x32']

/**
 * The ABIs that a filter for these observed ABIs covers, in the order of `ABIS`: what was observed, and x86_64 wherever
 * i386 or x32 was, because the 64-bit runtime makes its own calls there (libseccomp covers the native one regardless).
 * A filter that only logs covers the whole x86 family: under it nothing may be killed for being new.
 */
export function coveredAbis(observed: ReadonlySet<Abi>, logOnly: boolean): readonly Abi[] {
  const onX86 = X86_FAMILY.some((abi) => observed.has(abi))
  return ABIS.filter((abi) => {
    if (ARCHITECTURE[abi] === undefined) return false
    if (observed.has(abi)) return true
    return onX86 && (abi === 'x86_64' || (logOnly && X86_FAMILY.includes(abi)))
  })
}

/** The specification's names for `abis`; those without a table are left out. */
export function architecturesOf(abis: readonly Abi[]): readonly Architecture[] {
  return abis.flatMap((abi) => ARCHITECTURE[abi] ?? [])
}

/** The ABIs that `architectures` stands for, in the order of `ABIS`. */
export function abisOf(architectures: readonly Architecture[]): readonly Abi[] {
  return ABIS.filter((abi) => {
    const architecture = ARCHITECTURE[abi]
    return architecture !== undefined && architectures.includes(architecture)
  })
}
