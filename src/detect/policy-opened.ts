/** What rules allow although no image may learn it: for warnings. Pure. */
import { itemText } from '../baseline/item-text.js'
import { CAPABILITY_LIMIT, capabilityLabel } from '../kernel/capabilities.js'
import { isNeverLearnedCapability } from '../kernel/capability-danger.js'
import { argumentCallOf, CLONE_NAMESPACES, TIOCLINUX, TIOCSTI } from '../kernel/arguments.js'
import { isNeverLearnedArgument, isNeverLearnedCall } from '../kernel/never-learned.js'
import { DANGEROUS_DOMAINS } from '../kernel/syscall-danger.js'
import { syscallName } from '../kernel/syscalls.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import type { Subject } from './anomaly.js'
import type { CompiledPolicy, CompiledRule } from './policy-compile.js'

type Openable = Extract<Subject, { readonly kind: 'syscall' | 'argument' | 'capability' }>

/** What of the never-learn lists, the policy's own included, the rule is about; in words, each once. */
export function openedBy(
  policy: CompiledPolicy,
  rule: CompiledRule | undefined,
): readonly string[] {
  if (rule === undefined) return []
  const candidates = CANDIDATES.filter(({ kind }) => rule.match.kinds.has(kind))
  const opened = candidates.filter(
    (subject) =>
      (isAlwaysHeld(subject) || policy.isNeverLearned(subject)) && rule.match.fits(subject),
  )
  return [...new Set(opened.map(textOf))]
}

const CALLS: readonly Extract<Openable, { readonly kind: 'syscall' }>[] = ABIS.flatMap((abi) =>
  Array.from({ length: SYSCALL_NR_LIMIT }, (_, nr) => ({ kind: 'syscall', abi, nr }) as const),
).filter(({ abi, nr }) => syscallName(abi, nr) !== undefined)

const CANDIDATES: readonly Openable[] = [
  ...CALLS,
  ...CALLS.flatMap(({ abi, nr }) => valuesOf(abi, nr)),
  ...Array.from(
    { length: CAPABILITY_LIMIT },
    (_, capability) => ({ kind: 'capability', capability }) as const,
  ),
]

/** Every combination of namespaces; every type of socket of the families that are held. */
function valuesOf(abi: (typeof ABIS)[number], nr: number): readonly Openable[] {
  const of = (value: number): Openable => ({ kind: 'argument', abi, nr, value })
  switch (argumentCallOf(abi, nr)) {
    case 'clone':
      return subsetsOf(CLONE_NAMESPACES).map(of)
    case 'socket':
    case 'socketpair':
      return [...DANGEROUS_DOMAINS.keys()].flatMap((domain) =>
        Array.from({ length: 10 }, (_, type) => of(domain * 16 + type + 1)),
      )
    case 'ioctl':
      return [TIOCSTI, TIOCLINUX].map(of)
    case 'unshare':
    case 'prctl':
    case 'personality':
    case undefined:
      return []
  }
}

function subsetsOf(mask: number): readonly number[] {
  const subsets: number[] = []
  for (let subset = mask; subset !== 0; subset = (subset - 1) & mask) subsets.push(subset)
  return subsets.toReversed()
}

function isAlwaysHeld(subject: Openable): boolean {
  switch (subject.kind) {
    case 'syscall':
      return isNeverLearnedCall(subject.abi, subject.nr)
    case 'argument':
      return isNeverLearnedArgument(subject.abi, subject.nr, subject.value)
    case 'capability':
      return isNeverLearnedCapability(subject.capability)
  }
}

function textOf(subject: Openable): string {
  return subject.kind === 'capability' ? capabilityLabel(subject.capability) : itemText(subject)
}
