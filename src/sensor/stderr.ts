/** Finds in what bpftrace wrote to stderr the line that says why it stopped. Pure. */

/** Harmless complaints: a memory-lock limit that kernels since 5.11 do not use, renamed variables, type notes. */
const NOISE =
  /RLIMIT_MEMLOCK|is deprecated|WARNING|Addrspace|clang-\d+: not found|^\s*$|^\s*[~^]+\s*$/

/**
 * The useful line of `stderr`: the first that has `ERROR` and is not known noise, else the last that is not noise, cut to
 * 300 characters; empty where there is none.
 */
export function usefulLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !NOISE.test(line))
  return (lines.find((line) => line.includes('ERROR')) ?? lines.at(-1) ?? '').trim().slice(0, 300)
}
