/**
 * System calls and their arguments as rules name them: as `item-text` prints them, and by groups.
 *
 *   chmod      i386:chmod      x86_64:700?      @critical      i386:@critical
 *   socket:AF_ALG      socket:AF_INET,SOCK_RAW      clone:CLONE_NEWUSER      prctl:option,99      unshare:*      @critical
 *
 * What is not said is decided against the workload. A name without an ABI is that call of every ABI where a rule denies; where
 * it allows, it is the machine's own call only, which is what the same text means elsewhere. Namespace flags are those that
 * a denied value has among others, and all that an allowed one has. Pure.
 */
import {
  ARGUMENT_CALLS,
  type ArgumentCall,
  argumentCallOf,
  OTHER_VALUE,
} from '../kernel/arguments.js'
import { argumentDanger } from '../kernel/argument-danger.js'
import { argumentValues, isAmong } from '../kernel/argument-text.js'
import { isNeverLearnedArgument, isNeverLearnedCall } from '../kernel/never-learned.js'
import {
  CROSS_PROCESS,
  DANGERS,
  dangerOf,
  HOST_WIDE,
  KERNEL_CONTROL,
  KERNEL_SURFACE,
  MOUNT_API_OF_RUNTIMES,
  NAMESPACE_ESCAPE,
} from '../kernel/syscall-danger.js'
import { isSyscallName, syscallName, syscallNr } from '../kernel/syscalls.js'
import { type Abi, ABIS, SYSCALL_NR_LIMIT } from '../observation.js'
import { suggested } from './policy-suggest.js'

/** How a rule takes what is not said. */
export interface Reading {
  readonly denies: boolean
  /** The rule names ABIs itself, so a name without one is of any. */
  readonly hasAbis: boolean
}

export type CallTest = (abi: Abi, nr: number) => boolean
export type ArgumentTest = (abi: Abi, nr: number, value: number) => boolean

/** ABIs that are a machine's own; the others are spoken beside it. */
const NATIVE: ReadonlySet<Abi> = new Set(['x86_64', 'aarch64'])

/** Groups of calls, by what follows the `@`, beside those of the dangers. */
const NAMED_GROUPS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['kernel-control', new Set(KERNEL_CONTROL)],
  ['namespace-escape', new Set([...NAMESPACE_ESCAPE, ...MOUNT_API_OF_RUNTIMES])],
  ['kernel-surface', new Set(KERNEL_SURFACE)],
  ['cross-process', new Set(CROSS_PROCESS)],
  ['host-wide', new Set(HOST_WIDE)],
])

const CALL_GROUPS: readonly string[] = [
  ...DANGERS,
  'never-learned',
  'unknown',
  ...NAMED_GROUPS.keys(),
].map((group) => `@${group}`)

const ARGUMENT_GROUPS: readonly string[] = [...DANGERS, 'never-learned'].map((group) => `@${group}`)

/** The calls that `text` names, or what is wrong with it. */
export function parseCalls(
  text: string,
  reading: Reading,
): { readonly test: CallTest } | { readonly problem: string } {
  const { abi, rest } = withoutAbi(text)
  const inner = rest.startsWith('@')
    ? callsOfGroup(rest, reading)
    : (callsOfName(rest) ?? numberedCall(abi, rest))
  if (inner === undefined) return { problem: unknownCall(rest) }
  const isOfAbi = abiTest(abi, reading)
  return { test: (of, nr) => isOfAbi(of) && inner(of, nr) }
}

/** The arguments that `text` names, or what is wrong with it. */
export function parseArguments(
  text: string,
  reading: Reading,
): { readonly test: ArgumentTest } | { readonly problem: string } {
  const { abi, rest } = withoutAbi(text)
  const isOfAbi = abiTest(abi, reading)
  if (rest.startsWith('@')) {
    const inGroup = argumentsOfGroup(rest, reading)
    if (inGroup === undefined) return { problem: unknownGroup(rest, ARGUMENT_GROUPS) }
    return { test: (of, nr, value) => isOfAbi(of) && inGroup(of, nr, value) }
  }
  const colon = rest.indexOf(':')
  const name = colon < 0 ? rest : rest.slice(0, colon)
  const call = ARGUMENT_CALLS.find((known) => known === name)
  if (call === undefined) {
    return {
      problem: `names no call whose argument is known${suggested(name, ARGUMENT_CALLS)}`,
    }
  }
  if (colon < 0) return { problem: `names no argument, such as ${call}:${EXAMPLES[call]}` }
  const words = rest.slice(colon + 1)
  const isValue = valueTest(call, words, reading)
  if (isValue === undefined) {
    return { problem: `names no argument of ${call}, such as ${call}:${EXAMPLES[call]}` }
  }
  return {
    test: (of, nr, value) => isOfAbi(of) && argumentCallOf(of, nr) === call && isValue(value),
  }
}

/** Whether the text names an argument, not a call: it has more than an ABI in front of its last colon. */
export function isArgumentText(text: string): boolean {
  return withoutAbi(text).rest.includes(':')
}

const EXAMPLES: Readonly<Record<ArgumentCall, string>> = {
  socket: 'AF_INET,SOCK_RAW',
  socketpair: 'AF_UNIX',
  clone: 'CLONE_NEWUSER',
  unshare: 'CLONE_NEWNS|CLONE_NEWUSER',
  prctl: 'PR_SET_MM',
  personality: '0x40000',
  ioctl: 'TIOCSTI',
}

function withoutAbi(text: string): { readonly abi: Abi | undefined; readonly rest: string } {
  const abi = ABIS.find((known) => text.startsWith(`${known}:`))
  return { abi, rest: abi === undefined ? text : text.slice(abi.length + 1) }
}

function abiTest(abi: Abi | undefined, { denies, hasAbis }: Reading): (of: Abi) => boolean {
  if (abi !== undefined) return (of) => of === abi
  return denies || hasAbis ? () => true : (of) => NATIVE.has(of)
}

function callsOfName(name: string): CallTest | undefined {
  if (!isSyscallName(name)) return undefined
  return (abi, nr) => syscallNr(abi, name) === nr
}

/** `700?` behind an ABI, as `syscallLabel` shows what no table names. */
function numberedCall(abi: Abi | undefined, text: string): CallTest | undefined {
  const digits = /^(\d{1,4})\?$/.exec(text)?.[1]
  if (abi === undefined || digits === undefined || Number(digits) >= SYSCALL_NR_LIMIT) {
    return undefined
  }
  return (_, nr) => nr === Number(digits)
}

/** A call that no table names is in the groups that deny as the danger it counts as, and in none that allows. */
function callsOfGroup(text: string, { denies }: Reading): CallTest | undefined {
  const group = text.slice(1)
  if (group === 'never-learned') return isNeverLearnedCall
  if (group === 'unknown') return (abi, nr) => syscallName(abi, nr) === undefined
  const names = NAMED_GROUPS.get(group)
  if (names !== undefined) return (abi, nr) => names.has(syscallName(abi, nr) ?? '')
  const danger = DANGERS.find((known) => known === group)
  if (danger === undefined) return undefined
  return (abi, nr) => {
    const name = syscallName(abi, nr)
    return dangerOf(name) === danger && (denies || name !== undefined)
  }
}

function argumentsOfGroup(text: string, { denies }: Reading): ArgumentTest | undefined {
  const group = text.slice(1)
  if (group === 'never-learned') return isNeverLearnedArgument
  const danger = DANGERS.find((known) => known === group)
  if (danger === undefined) return undefined
  return (abi, nr, value) => {
    const call = argumentCallOf(abi, nr)
    if (call === undefined || (value === OTHER_VALUE && !denies)) return false
    return argumentDanger(call, value) === danger
  }
}

function valueTest(
  call: ArgumentCall,
  words: string,
  { denies }: Reading,
): ((value: number) => boolean) | undefined {
  if (words === '*') return () => true
  const values = argumentValues(call, words.replaceAll(',', ' '))
  if (values === undefined) return undefined
  const isFlags = call === 'clone' || call === 'unshare'
  return isFlags && !denies ? (value) => value === values.value : (value) => isAmong(values, value)
}

function unknownCall(text: string): string {
  if (text.startsWith('@')) return unknownGroup(text, CALL_GROUPS)
  const names = ABIS.flatMap((abi) =>
    Array.from({ length: SYSCALL_NR_LIMIT }, (_, nr) => syscallName(abi, nr) ?? ''),
  )
  return `is no system call${suggested(text, names)}`
}

function unknownGroup(text: string, groups: readonly string[]): string {
  return `is no group${suggested(text, groups)}; groups are ${groups.join(', ')}`
}
