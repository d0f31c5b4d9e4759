/** A capability that was used, as an item of a baseline. */
import type { Evidence } from './evidence.js'

export interface CapabilityFacts {
  /** CAP_*, by number; see `kernel/capabilities`. */
  readonly capability: number
}

/** One capability with its evidence. */
export interface CapabilityItem extends CapabilityFacts, Evidence {}

/** The capability with that evidence. */
export function capabilityOf({ capability }: CapabilityFacts, evidence: Evidence): CapabilityItem {
  const { firstMs, lastMs, count, runs, windows, programs, morePrograms } = evidence
  return { capability, firstMs, lastMs, count, runs, windows, programs, morePrograms }
}

/** The order of capabilities in every list. */
export function compareCapabilities(a: CapabilityFacts, b: CapabilityFacts): number {
  return a.capability - b.capability
}
