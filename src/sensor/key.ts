/**
 * The 64 bits that the probes pack a fact's owner into:
 *
 *     | cgroup id (40 bits) | entry tag (8) | lineage (3) | ABI (3) | system call number (10) |
 *
 * A double does not hold them all, so they are read into two parts. Cgroup ids are inode numbers of the cgroup2 tree, which
 * count up by every directory and file that is made in it; 2^40 of them are not reached.
 */
import { ABIS, LINEAGES, type Abi, type Lineage } from '../observation.js'

const LOW_BITS = 24
const LOW_MASK = 2 ** LOW_BITS - 1
const CGROUP_ID_LIMIT = 2 ** 40
const ZERO = 0x30

/** The last key that was read. One object reads any number of keys, because there are many. */
export class Key {
  cgroupId = 0
  /** Everything below the cgroup id. */
  low = 0

  /** Reads the decimal number in `bytes[start, end)`. False where it is none, or one above 2^64. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    let high = 0
    let low = 0
    if (end <= start) return false
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - ZERO
      if (digit < 0 || digit > 9 || high >= CGROUP_ID_LIMIT) return false
      low = low * 10 + digit
      high = high * 10 + (low >>> LOW_BITS)
      low &= LOW_MASK
    }
    this.cgroupId = high
    this.low = low
    return high < CGROUP_ID_LIMIT
  }

  /** Lineage 0, a task that no probe has tracked, is one that ran before the probes were attached: `main`. */
  get lineage(): Lineage {
    const lineage = LINEAGES[(this.low >>> 13) & 7]
    return lineage === undefined || lineage === 'unknown' ? 'main' : lineage
  }

  /** 0 for every lineage but `exec`. */
  get tag(): number {
    return this.lineage === 'exec' ? this.low >>> 16 : 0
  }

  /** Undefined for a code that stands for none. */
  get abi(): Abi | undefined {
    return ABIS[(this.low >>> 10) & 7]
  }

  get syscallNr(): number {
    return this.low & 1023
  }
}
