/**
 * What differs between the bpftrace versions that plimsoll runs with: one table, asked by version. Tried with 0.17
 * (Debian 12) and 0.23 (Debian 13).
 */

import type { ByteString } from '../bytes.js'

/** Longest string, in bytes with its end, that a probe carries; 0.17 cannot hold more on the BPF stack. */
export const STRING_LIMIT = 200

/** Whether a string that a probe printed may have been longer. */
export function isCut(text: ByteString): boolean {
  return text.length >= STRING_LIMIT - 1
}

/** Keys that each map can hold. */
export const MAP_CAPACITY = 65536

/** Oldest release with every feature that the probes use. */
export const OLDEST: Version = { major: 0, minor: 17 }

export interface Version {
  readonly major: number
  readonly minor: number
}

/** The version in the output of `bpftrace --version`, e.g. `bpftrace v0.17.0`; undefined where there is none. */
export function versionOf(output: string): Version | undefined {
  const found = /\bv?(\d{1,4})\.(\d{1,4})(?:\.\d+)?/.exec(output)
  return found ? { major: Number(found[1]), minor: Number(found[2]) } : undefined
}

export function isAtLeast(version: Version, floor: Version): boolean {
  return (
    version.major > floor.major || (version.major === floor.major && version.minor >= floor.minor)
  )
}

/**
 * Environment of bpftrace: size of maps and strings under the names of that version (0.20 renamed them and warns of the
 * old ones), a larger perf buffer so that a burst of exec records fits, and no `..` behind a string that was cut.
 */
export function environmentOf(version: Version): Readonly<Record<string, string>> {
  const renamed = isAtLeast(version, { major: 0, minor: 20 })
  return {
    [renamed ? 'BPFTRACE_MAX_MAP_KEYS' : 'BPFTRACE_MAP_KEYS_MAX']: String(MAP_CAPACITY),
    [renamed ? 'BPFTRACE_MAX_STRLEN' : 'BPFTRACE_STRLEN']: String(STRING_LIMIT),
    BPFTRACE_PERF_RB_PAGES: '512',
    BPFTRACE_STR_TRUNC_TRAILER: '',
  }
}
