/**
 * What the matcher lets pass unasked: what the sealed baseline has and no rule of the policy that denies may be about. Whatever
 * is left out here is asked about once per container, so leaving out too much costs time and changes nothing. Pure.
 */
import { ITEM_KINDS, itemKeyOf } from '../baseline/item-key.js'
import type { SyscallFacts } from '../baseline/syscall-item.js'
import { NO_SUCH_CALL } from '../kernel/expected-denial.js'
import { hasNeverLearnedArguments } from '../kernel/never-learned.js'
import { REQUIRED, REQUIRED_I386 } from '../kernel/required-calls.js'
import { syscallNr } from '../kernel/syscalls.js'
import { ABIS } from '../observation.js'
import type { AllowedSet } from './allowed-set.js'
import type { AnomalyKind, Subject } from './anomaly.js'
import { allows, hasAnyArgument, type HeldTo } from './held-to.js'
import { mayDeny } from './policy-ahead.js'
import type { CompiledPolicy } from './policy-compile.js'

/** The set for an image. O(items * rules that deny). */
export function allowedOf(held: HeldTo, policy: CompiledPolicy): AllowedSet {
  const isOpen = (subject: Subject): boolean =>
    allows(held, policy, subject) && !mayDeny(policy, subject)
  const syscalls = requiredCalls(held).filter(({ abi, nr }) => isOpen({ kind: 'syscall', abi, nr }))
  const values: (SyscallFacts & { readonly value: number })[] = []
  const capabilities: number[] = []
  const opcodes: number[] = []
  const keys = {
    exec: [] as string[],
    drift: [] as string[],
    fileless: [] as string[],
    connect: [] as string[],
    listen: [] as string[],
  }
  for (const item of held.items) {
    const key = itemKeyOf(item)
    switch (item.kind) {
      case 'exec':
        for (const [kind, isSo] of [
          ['exec', true],
          ['drift', held.drifted.has(key)],
          ['fileless', held.fileless.has(key)],
        ] as const) {
          const subject = { ...item, upper: kind === 'drift', fileless: kind === 'fileless' }
          if (isSo && isOpen(subject)) keys[kind].push(key)
        }
        break
      case 'connect':
      case 'listen':
        if (isOpen(item)) keys[item.kind].push(key)
        break
      case 'syscall':
        if (isOpen(item)) syscalls.push({ abi: item.abi, nr: item.nr })
        break
      case 'argument':
        if (isOpen(item)) values.push({ abi: item.abi, nr: item.nr, value: item.value })
        break
      case 'capability':
        if (isOpen(item)) capabilities.push(item.capability)
        break
      case 'io_uring':
        if (isOpen(item)) opcodes.push(item.opcode)
        break
    }
  }
  // Which values a rule or the list is about is not known before one is seen.
  const areArgumentsOpen =
    policy.policy.neverLearn.length === 0 &&
    policy.rulesOf('argument').every(({ verdict }) => verdict.layer === 'allow')
  return {
    syscalls,
    arguments: values,
    anyArgument: areArgumentsOpen
      ? syscalls.filter(
          ({ abi, nr }) => hasAnyArgument(held, abi, nr) && !hasNeverLearnedArguments(abi, nr),
        )
      : [],
    denials: ABIS.flatMap((abi) => {
      const nr = syscallNr(abi, 'clone3')
      if (nr === undefined || !isOpen({ kind: 'denied', abi, nr, answer: NO_SUCH_CALL })) return []
      return [{ abi, nr, answer: NO_SUCH_CALL }]
    }),
    capabilities,
    opcodes,
    keys,
    unjudged: unjudgedKinds(held),
  }
}

function requiredCalls(held: HeldTo): SyscallFacts[] {
  const abis = ABIS.filter((abi) =>
    held.items.some((item) => item.kind === 'syscall' && item.abi === abi),
  )
  return abis.flatMap((abi) =>
    [...REQUIRED, ...(abi === 'i386' ? REQUIRED_I386 : [])].flatMap((name) => {
      const nr = syscallNr(abi, name)
      return nr === undefined ? [] : [{ abi, nr }]
    }),
  )
}

function unjudgedKinds(held: HeldTo): readonly AnomalyKind[] {
  return ITEM_KINDS.filter((kind) => !held.judged.has(kind)).flatMap((kind): AnomalyKind[] => {
    if (kind === 'exec') return ['exec', 'drift', 'fileless']
    return kind === 'syscall' ? ['syscall', 'abi'] : [kind]
  })
}
