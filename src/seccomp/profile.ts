/**
 * The seccomp document of the OCI runtime specification, cut down to what runc, crun, docker and podman all read in the
 * same way: no `flags`, `archMap`, `includes`, `excludes`, `minKernel` or errno names. Types, the few facts about
 * actions that builder and validator share, and the one way to write a document.
 */

/** Architectures of the specification (runtime-spec, config-linux.md, `architectures`), without the prefix. */
const ARCHITECTURE_NAMES =
  'X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE ' +
  'S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB'

/** Every architecture that a document may name. */
export const OCI_ARCHITECTURES: ReadonlySet<string> = new Set(
  ARCHITECTURE_NAMES.split(' ').map((name) => `SCMP_ARCH_${name}`),
)

/** The architectures that plimsoll itself writes: those it has a system call table for. */
export type Architecture =
  'SCMP_ARCH_X86_64' | 'SCMP_ARCH_X86' | 'SCMP_ARCH_X32' | 'SCMP_ARCH_AARCH64'

/** `complain` logs what is not allowed, `enforce` fails it, `strict` also kills for the critical group. */
export type Strength = 'complain' | 'enforce' | 'strict'

/** The actions that plimsoll writes. `SCMP_ACT_KILL` is left out: it kills one thread and may leave a wedged process. */
export type Action = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL_PROCESS' | 'SCMP_ACT_LOG'

/**
 * One comparison on one argument. `SCMP_CMP_MASKED_EQ` compares `argument & value` with `valueTwo`. Values are 64 bits
 * wide and therefore bigint: above 2^53 a number would be written in a form that Go's decoder refuses.
 */
export interface ArgumentTest {
  readonly index: 0 | 1 | 2 | 3 | 4 | 5
  readonly value: bigint
  readonly valueTwo?: bigint
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}

/** One action for a set of names; with `args`, only for calls that pass all of the tests. */
export interface SyscallRule {
  readonly names: readonly string[]
  readonly action: Action
  /** Only beside `SCMP_ACT_ERRNO`; crun refuses it elsewhere. */
  readonly errnoRet?: number
  readonly args?: readonly ArgumentTest[]
}

/** What a container engine takes by `--security-opt seccomp=FILE`, and Kubernetes as a localhost profile. */
export interface SeccompProfile {
  readonly defaultAction: Action
  /** Only beside `SCMP_ACT_ERRNO`. */
  readonly defaultErrnoRet?: number
  readonly architectures: readonly Architecture[]
  readonly syscalls: readonly SyscallRule[]
}

/** Operation not permitted: the caller sees a refusal. Also what runtimes return where no errno is given. */
export const EPERM = 1
/** Not implemented: the caller sees an older kernel, and libc takes its fallback. */
export const ENOSYS = 38

/** Most rules a document may have, and (exclusive) most bytes; far above need, far below what the tools choke on. */
export const MAX_RULES = 128
export const MAX_BYTES = 1024 * 1024

/**
 * The document's text: JSON with two spaces and a newline at the end, keys in the order they were given. Same document,
 * same bytes. 64-bit values come out as plain digits.
 */
export function serializeProfile(profile: SeccompProfile): string {
  return `${jsonOf(profile, '')}\n`
}

function jsonOf(value: unknown, indent: string): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const deeper = `${indent}  `
  const isArray = Array.isArray(value)
  const items = isArray
    ? value.map((item) => `${deeper}${jsonOf(item, deeper)}`)
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${jsonOf(item, deeper)}`)
  const [open, close] = isArray ? '[]' : '{}'
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join(',\n')}\n${indent}${close}`
}
