/** A good seccomp document and ways to spoil it. */

export const ALLOW = 'SCMP_ACT_ALLOW'
export const ERRNO = 'SCMP_ACT_ERRNO'

/** A good document with the given fields replaced; undefined removes one. */
export function withFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    defaultAction: ERRNO,
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names: ['read'], action: ALLOW }],
    ...fields,
  }
}

/** A good document with these rules after its own. */
export function withRules(...rules: readonly unknown[]): Record<string, unknown> {
  return withFields({ syscalls: [{ names: ['read'], action: ALLOW }, ...rules] })
}

export function arg(index: unknown, value: unknown, op = 'SCMP_CMP_EQ'): Record<string, unknown> {
  return { index, value, op }
}

/** A test of the bits in `mask`. */
export function masked(index: number, mask: number, value: number): Record<string, unknown> {
  return { index, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' }
}
