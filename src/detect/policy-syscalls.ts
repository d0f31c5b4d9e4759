/**
 * What a policy says of every system call of one container, decided ahead: system calls come too often to ask the rules each
 * time. One byte per call, by `syscallCode`. Pure.
 */
import { syscallCode } from '../baseline/syscall-item.js'
import { type Abi, ABIS, type Lineage, SYSCALL_NR_LIMIT } from '../observation.js'
import type { Subject } from './anomaly.js'
import type { CompiledPolicy, RuleLayer, Verdict } from './policy-compile.js'
import type { WorkloadScope } from './policy-scope.js'

/** What is said of a call. `ASK`: it depends on who makes it, so `decide` has to be asked. */
export const CALL_VERDICT = { NONE: 0, HARD_DENY: 1, DENY: 2, ALLOW: 3, ASK: 4 } as const
export type CallVerdict = (typeof CALL_VERDICT)[keyof typeof CALL_VERDICT]

const OF_LAYER: Readonly<Record<RuleLayer, CallVerdict>> = {
  'hard-deny': CALL_VERDICT.HARD_DENY,
  deny: CALL_VERDICT.DENY,
  allow: CALL_VERDICT.ALLOW,
}

const CALLS = ABIS.length * SYSCALL_NR_LIMIT

/** Stands for a rule where none spoke. */
const NO_RULE = 0xffff

export class SyscallVerdicts {
  /** One of `CALL_VERDICT` per call: at index of the ABI in `ABIS` times `SYSCALL_NR_LIMIT`, plus its number. */
  readonly codes: Uint8Array
  readonly #rules: Uint16Array
  readonly #verdicts: readonly Verdict[]

  constructor(codes: Uint8Array, rules: Uint16Array, verdicts: readonly Verdict[]) {
    this.codes = codes
    this.#rules = rules
    this.#verdicts = verdicts
  }

  /** What is said of the call. O(1), allocates nothing. */
  code(abi: Abi, nr: number): CallVerdict {
    return this.codes[syscallCode(abi, nr)] as CallVerdict
  }

  /** The rule that speaks on the call; undefined where none does or where it has to be asked. O(1), allocates nothing. */
  verdict(abi: Abi, nr: number): Verdict | undefined {
    return this.#verdicts[this.#rules[syscallCode(abi, nr)]!]
  }
}

/**
 * Of every call what the first rule says that may be about it. A rule with `programs`, or with `lineages` if `lineage` is
 * undefined, cannot be decided ahead: where it may speak first, the call is to be asked about. O(calls * rules).
 */
export function syscallVerdicts(
  policy: CompiledPolicy,
  scope: WorkloadScope,
  lineage: Lineage | undefined,
): SyscallVerdicts {
  const codes = new Uint8Array(CALLS)
  const spoke = new Uint16Array(CALLS).fill(NO_RULE)
  const rules = policy
    .rulesOf('syscall')
    .filter(
      ({ match }) => match.appliesTo(scope) && (lineage === undefined || match.isAbout(lineage)),
    )
  for (const abi of rules.length === 0 ? [] : ABIS) {
    for (let nr = 0; nr < SYSCALL_NR_LIMIT; nr++) {
      const subject: Subject = { kind: 'syscall', abi, nr }
      const at = rules.findIndex(({ match }) => match.fits(subject))
      const rule = rules[at]
      if (rule === undefined) continue
      const isDecided = rule.match.isDecidedBy(lineage)
      const code = syscallCode(abi, nr)
      codes[code] = isDecided ? OF_LAYER[rule.verdict.layer] : CALL_VERDICT.ASK
      if (isDecided) spoke[code] = at
    }
  }
  return new SyscallVerdicts(
    codes,
    spoke,
    rules.map(({ verdict }) => verdict),
  )
}
