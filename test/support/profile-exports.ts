/** Built profiles, and what their exports say when they are read back. */
import type fc from 'fast-check'
import { type Abi, type Lineage, SYSCALL_NR_LIMIT } from '../../src/observation.js'
import { syscallName, syscallNr } from '../../src/kernel/syscalls.js'
import { buildProfile, type BuiltProfile, type ProfileInput } from '../../src/seccomp/build.js'
import { exportSpo } from '../../src/seccomp/export-spo.js'
import type { SeccompProfile, Strength } from '../../src/seccomp/profile.js'
import { anyInput, call } from './profile-inputs.js'
import { readYaml } from './yaml-reader.js'

export const STRENGTHS: readonly Strength[] = ['complain', 'enforce', 'strict']

/** A profile of calls given as `name`, `lineage:name` or `abi/name`. */
export function built(calls: readonly string[], more: Partial<ProfileInput> = {}): BuiltProfile {
  return buildProfile({
    calls: calls.map((text) => {
      const [, abi = 'x86_64', lineage = 'main', name = ''] =
        /^(?:(\w+)\/)?(?:(\w+):)?(\w+)$/.exec(text) ?? []
      const nr = syscallNr(abi as Abi, name)
      if (nr === undefined) throw new RangeError(`no such call: ${text}`)
      const facts = { count: 1, runs: 1, programs: [] }
      return { abi: abi as Abi, nr, lineage: lineage as Lineage, ...facts }
    }),
    strength: 'enforce',
    runtimes: [],
    assumeNoNewPrivileges: false,
    ...more,
  })
}

export interface Rule {
  readonly action: string
  readonly errnoRet?: number
  readonly names: readonly string[]
}

export interface Manifest {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly defaultAction: string; readonly syscalls: readonly Rule[] }
}

export function manifestOf(profile: SeccompProfile, name = 'web'): Manifest {
  return readYaml(exportSpo(profile, name).text) as Manifest
}

/** Lines `key=value` of a drop-in, in order. */
export function settingsOf(text: string): readonly (readonly [key: string, value: string])[] {
  const lines = text.trimEnd().split('\n')
  const head = lines.splice(0, 2).join(' ')
  if (head !== '# Written by plimsoll. [Service]') throw new Error(`no drop-in: ${head}`)
  return lines.map((line) => {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) throw new Error(`no setting: ${line}`)
    return [key, value]
  })
}

/** What a list setting holds when systemd has read all of its lines, as systemd.exec(5) describes it. */
export function listOf(text: string, key: string): readonly string[] | undefined {
  let list: string[] | undefined
  for (const [at, value] of settingsOf(text)) {
    if (at !== key) continue
    list = value === '' ? [] : [...(list ?? []), ...value.replace(/^~/, '').split(' ')]
  }
  return list
}

/** What a call gets: an action and an errno, EPERM where none is given. */
export function answerOf(
  document: {
    readonly defaultAction: string
    readonly defaultErrnoRet?: number
    readonly syscalls: readonly Rule[]
  },
  name: string,
): string {
  const rule = document.syscalls.find((one) => one.names.includes(name))
  const [action, errno] =
    rule === undefined
      ? [document.defaultAction, document.defaultErrnoRet]
      : [rule.action, rule.errnoRet]
  return action === 'SCMP_ACT_ERRNO' ? `${action} ${errno ?? 1}` : action
}

const ABI_OF: Readonly<Record<string, Abi>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'i386',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'aarch64',
}

/** Every call of the architectures that the profile lists. */
export function knownNames(profile: SeccompProfile): readonly string[] {
  return profile.architectures.flatMap((architecture) => {
    const abi = ABI_OF[architecture] ?? 'arm'
    return Array.from({ length: SYSCALL_NR_LIMIT }, (_, nr) => syscallName(abi, nr) ?? '').filter(
      Boolean,
    )
  })
}

/** Profiles of x86_64 and whatever else was observed. */
export const anyBuilt: fc.Arbitrary<BuiltProfile> = anyInput.map((given) =>
  buildProfile({ ...given, calls: [call('read'), ...given.calls] }),
)
