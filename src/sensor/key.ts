/**
 * The key that the probes pack a fact's owner into:
 *
 *     | cgroup id (37 bits of 48) | lineage (3) | ABI (3) | system call number (10) |
 *
 * A cgroup id is the inode number in the cgroup2 tree; ids of 2^37 and above do not fit a double together with the rest
 * and are refused as malformed (the kernel counts them up from 1).
 */
import { ABIS, LINEAGES, type Abi, type Lineage } from '../observation.js'

export function cgroupIdOf(key: number): number {
  return Math.floor(key / 65536)
}

/** Lineage 0, a task that no probe has tracked, is one that ran before the probes were attached: `main`. */
export function lineageOf(key: number): Lineage {
  const lineage = LINEAGES[(key % 65536) >> 13]
  return lineage === undefined || lineage === 'unknown' ? 'main' : lineage
}

export function abiOf(key: number): Abi | undefined {
  return ABIS[((key % 65536) >> 10) & 7]
}

export function syscallNrOf(key: number): number {
  return key % 1024
}
