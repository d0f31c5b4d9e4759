/**
 * What a profile decides for one call, by the documented meaning of its rules: the tests of one rule all have to hold, of
 * several rules one is enough, a rule without tests wins over those with, and what no rule decides gets the default. Pure.
 * Runtimes have libseccomp compile the same document; that both decide alike is tested against the library itself.
 */
import type { Abi } from '../observation.js'
import { syscallName } from '../kernel/syscalls.js'
import { abisOf } from './architectures.js'
import { multiplexedCall } from './multiplexed.js'
import {
  type Action,
  type ArgumentTest,
  EPERM,
  type SeccompProfile,
  type SyscallRule,
} from './profile.js'

/** What happens to the call. */
export interface Decision {
  /** `SCMP_ACT_KILL`, the death of the thread, is what libseccomp does under an architecture that is not listed. */
  readonly action: Action | 'SCMP_ACT_KILL'
  /** What the call fails with; only beside `SCMP_ACT_ERRNO`. */
  readonly errno: number | undefined
}

/**
 * Decides a call. `nr` is as the ABI counts (x32 without bit 30); `args` are the six registers, unsigned 64 bits wide,
 * those that are left out 0. O(rules of the name).
 */
export type Decide = (abi: Abi, nr: number, args: readonly bigint[]) => Decision

/** ABIs whose registers are 32 bits wide: the kernel hands the filter zeros in the upper halves. */
const NARROW: ReadonlySet<Abi> = new Set(['i386', 'arm'])
const LOW_HALF = 0xffff_ffffn

const FOREIGN: Decision = { action: 'SCMP_ACT_KILL', errno: undefined }

/** A rule under one of the names that it decides, and what it says. */
type Use = { readonly rule: SyscallRule; readonly decision: Decision }

/**
 * The decisions of `profile`, which must be one that `problemsOf` finds no error in; rules that contradict each other are
 * taken in their order. It stands for a host whose native architecture is listed: runtimes cover that one in any case.
 */
export function deciderOf(profile: SeccompProfile): Decide {
  const listed = new Set(abisOf(profile.architectures))
  const fallback = decisionOf(profile.defaultAction, profile.defaultErrnoRet)
  const uses = new Map<string, Use[]>()
  for (const rule of profile.syscalls) {
    const decision = decisionOf(rule.action, rule.errnoRet)
    for (const name of rule.names) {
      uses.set(name, [...(uses.get(name) ?? []), { rule, decision }])
    }
  }
  return (abi, nr, given) => {
    if (!listed.has(abi)) return FOREIGN
    const name = syscallName(abi, nr)
    if (name === undefined) return fallback
    const args = NARROW.has(abi) ? given.map((value) => value & LOW_HALF) : given
    const sub = abi === 'i386' ? multiplexedCall(name, args[0] ?? 0n) : undefined
    const own = uses.get(name) ?? []
    const found =
      own.find(({ rule }) => testsOf(rule).length === 0) ??
      own.find(({ rule }) => testsOf(rule).every((test) => holds(test, args))) ??
      // Which sub-call it is takes the place of the rule's own test of the first argument.
      uses
        .get(sub ?? '')
        ?.find(({ rule }) => testsOf(rule).every((test) => test.index === 0 || holds(test, args)))
    return found?.decision ?? fallback
  }
}

function decisionOf(action: Action, errno: number | undefined): Decision {
  return { action, errno: action === 'SCMP_ACT_ERRNO' ? (errno ?? EPERM) : undefined }
}

function testsOf(rule: SyscallRule): readonly ArgumentTest[] {
  return rule.args ?? []
}

function holds({ index, op, value, valueTwo }: ArgumentTest, args: readonly bigint[]): boolean {
  const arg = args[index] ?? 0n
  return op === 'SCMP_CMP_EQ' ? arg === value : (arg & value) === (valueTwo ?? 0n)
}
