/**
 * The host's libseccomp as a second opinion on profiles: compiles them as container runtimes do, runs the filters in a
 * small interpreter, and says what they decide. See test/fixtures/programs/libseccomp-decide.c.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Abi, SYSCALL_NR_LIMIT } from '../../src/observation.js'
import { syscallName } from '../../src/kernel/syscalls.js'
import { abisOf } from '../../src/seccomp/architectures.js'
import type { Decision } from '../../src/seccomp/evaluate.js'
import type { Action, SeccompProfile } from '../../src/seccomp/profile.js'
import { FIXTURES } from './repository.js'

const SOURCE = join(FIXTURES, 'programs/libseccomp-decide.c')

/** One call to decide. `nr` as the ABI counts. */
export interface Query {
  readonly abi: Abi
  readonly nr: number
  readonly args: readonly bigint[]
}

/** A profile and the calls to ask its filter about. */
export interface Case {
  readonly profile: SeccompProfile
  readonly queries: readonly Query[]
}

/** What the kernel puts into the filter's data (include/uapi/linux/audit.h); x32 shares that of x86_64. */
const AUDIT_ARCH: Readonly<Record<Abi, string>> = {
  x86_64: 'c000003e',
  x32: 'c000003e',
  i386: '40000003',
  aarch64: 'c00000b7',
  arm: '40000028',
}

/** SCMP_ARCH_ tokens (seccomp.h). */
const TOKENS: readonly (readonly [Abi, string])[] = [
  ['x86_64', 'c000003e'],
  ['i386', '40000003'],
  ['x32', '4000003e'],
  ['aarch64', 'c00000b7'],
]

const X32_BIT = 0x4000_0000

/** SECCOMP_RET_ values (include/uapi/linux/seccomp.h). */
const RETURN: Readonly<Record<Action, number>> = {
  SCMP_ACT_ALLOW: 0x7fff_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ERRNO: 0x5_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
}

/** runc has libseccomp sort the filter into a tree above so many names. */
const TREE_ABOVE = 32

/** The library, built into a program of its own; `close` removes it. */
export class Libseccomp {
  readonly #dir = mkdtempSync(join(tmpdir(), 'plimsoll-libseccomp-'))
  readonly #program = join(this.#dir, 'libseccomp-decide')

  constructor() {
    const flags = ['-O2', '-Wall', '-Werror', '-o', this.#program, SOURCE, '-lseccomp']
    const { status, stderr } = spawnSync('gcc', flags, { encoding: 'utf8', timeout: 60_000 })
    if (status !== 0) throw new Error(stderr)
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /**
   * The calls that the library has another name for than plimsoll, or none: those that are newer than it. A runtime drops
   * rules for such names without a word.
   */
  unknown(): readonly { readonly abi: Abi; readonly nr: number; readonly name: string }[] {
    const calls = TOKENS.flatMap(([abi, token]) =>
      Array.from({ length: SYSCALL_NR_LIMIT }, (_, nr) => ({ abi, token, nr })).flatMap((call) => {
        const name = syscallName(abi, call.nr)
        return name === undefined ? [] : [{ ...call, name }]
      }),
    )
    const names = this.#ask(
      calls.map(({ abi, token, nr }) => `N ${token} ${numberOf(abi, nr).toString(16)}`),
    )
    return calls.filter(({ name }, at) => names[at] !== name)
  }

  /** What the filters answer, as the kernel reads it: one number for each query, in order. */
  decide(cases: readonly Case[]): readonly string[] {
    return this.#ask(cases.flatMap(linesOf))
  }

  #ask(lines: readonly string[]): readonly string[] {
    const { status, stdout, stderr } = spawnSync(this.#program, {
      input: `${lines.join('\n')}\n`,
      encoding: 'latin1',
      maxBuffer: 256 * 1024 * 1024,
      timeout: 120_000,
    })
    if (status !== 0) throw new Error(`libseccomp-decide: ${stderr}`)
    return stdout.split('\n').slice(0, -1)
  }
}

/** A decision as the kernel reads it. */
export function returnOf({ action, errno }: Decision): string {
  if (action === 'SCMP_ACT_KILL') return '0'
  return (RETURN[action] + (errno ?? 0)).toString(16)
}

function linesOf({ profile, queries }: Case): string[] {
  const names = profile.syscalls.flatMap((rule) => rule.names).length
  const { defaultAction: action, defaultErrnoRet: errno } = profile
  const lines = [`S ${returnOf({ action, errno })} ${names > TREE_ABOVE ? 2 : 1}`]
  const listed = abisOf(profile.architectures)
  for (const [abi, token] of TOKENS) if (listed.includes(abi)) lines.push(`A ${token}`)
  for (const { names: ruleNames, action: ruleAction, errnoRet, args = [] } of profile.syscalls) {
    const answer = returnOf({ action: ruleAction, errno: errnoRet })
    const [test, more] = args
    if (more !== undefined || (test && test.op !== 'SCMP_CMP_MASKED_EQ')) {
      throw new RangeError('the builder writes one masked comparison per rule')
    }
    const condition = test
      ? ` ${test.index} ${test.value.toString(16)} ${(test.valueTwo ?? 0n).toString(16)}`
      : ''
    for (const name of ruleNames) lines.push(`R ${answer} ${name}${condition}`)
  }
  lines.push('L')
  for (const { abi, nr, args } of queries) {
    const registers = Array.from({ length: 6 }, (_, at) => (args[at] ?? 0n).toString(16))
    lines.push(`Q ${AUDIT_ARCH[abi]} ${numberOf(abi, nr).toString(16)} ${registers.join(' ')}`)
  }
  return lines
}

/** The number as the kernel says it. */
function numberOf(abi: Abi, nr: number): number {
  return abi === 'x32' ? X32_BIT + nr : nr
}
