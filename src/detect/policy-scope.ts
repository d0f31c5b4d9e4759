/**
 * Whose doing a rule is about: images, containers, labels, lineages, programs. Pure.
 *
 * What is not known of a container is decided against the workload: while an image's or a container's name or its labels are
 * not known, a rule that denies speaks, and one that allows does not. Of a program that is not known, rules about programs
 * say nothing either way: for counts from the kernel's maps that is the rule, not the exception.
 */
import { type ByteString, byteStringOfText } from '../bytes.js'
import { type Lineage, LINEAGES } from '../observation.js'
import type { ProcessFacts, Subject, WorkloadFacts } from './anomaly.js'
import { imageForms } from './policy-image.js'
import { pathMatches } from './policy-path.js'
import { parsePattern, type Pattern } from './policy-pattern.js'
import { suggested } from './policy-suggest.js'

/** What rules may ask about a container; undefined for what is not known (yet). */
export interface WorkloadScope {
  readonly imageName: string | undefined
  readonly imageDigest: string | undefined
  readonly containerName: string | undefined
  readonly labels: ReadonlyMap<string, string> | undefined
}

/** The same of one act in it. */
export interface PolicyScope extends WorkloadScope {
  readonly lineage: Lineage
  /** As in `ProcessFacts`: empty where it is not known. */
  readonly exe: ByteString
  readonly path: ByteString
}

/** `labels`: undefined while nobody has told them. What is no container's has none. */
export function workloadScopeOf(
  workload: WorkloadFacts,
  labels: ReadonlyMap<string, string> | undefined,
): WorkloadScope {
  const isContainer = workload.containerId !== ''
  const known = (text: string): string | undefined =>
    isContainer && text === '' ? undefined : text
  return {
    imageName: known(workload.imageName),
    imageDigest: known(workload.imageDigest),
    containerName: known(workload.containerName),
    labels: labels ?? (isContainer ? undefined : new Map()),
  }
}

export function policyScopeOf(
  scope: WorkloadScope,
  process: Pick<ProcessFacts, 'lineage' | 'exe' | 'path'>,
): PolicyScope {
  const { imageName, imageDigest, containerName, labels } = scope
  const { lineage, exe, path } = process
  return { imageName, imageDigest, containerName, labels, lineage, exe, path }
}

export const SCOPE_FIELDS = ['images', 'containers', 'labels', 'lineages', 'programs'] as const
export type ScopeField = (typeof SCOPE_FIELDS)[number]

/** `undefined`: not known. */
export type WorkloadTest = (scope: WorkloadScope) => boolean | undefined
export type ProgramTest = (scope: PolicyScope, subject: Subject, denies: boolean) => boolean

/** The lineages that do something; the sensor never gives the one that it does not know. */
export const OWN_LINEAGES: readonly Lineage[] = LINEAGES.filter((lineage) => lineage !== 'unknown')

export const SCOPE_EXPECTED: Readonly<Record<ScopeField, string>> = {
  images: 'the name of an image, with * for any text, or sha256: and digits of its digest',
  containers: 'the name of a container, with * for any text',
  labels: 'a label as key=value, with * for any text in the value',
  lineages: `one of ${OWN_LINEAGES.join(', ')}`,
  programs: "a program's file name such as python3*, or a path such as /usr/bin/**",
}

/** Reads one value of the field that is decided by the container alone. */
export function parseWorkloadValue(
  field: 'images' | 'containers' | 'labels',
  text: string,
): { readonly test: WorkloadTest } | { readonly problem: string } {
  switch (field) {
    case 'images':
      return imageTest(text)
    case 'containers': {
      const parsed = parsePattern(text, 'name')
      if ('problem' in parsed) return parsed
      return { test: ({ containerName }) => nameMatches(parsed.pattern, containerName) }
    }
    case 'labels':
      return labelTest(text)
  }
}

/** What is wrong with a lineage; undefined for one. */
export function lineageProblem(text: string): string | undefined {
  if (OWN_LINEAGES.some((lineage) => lineage === text)) return undefined
  return `is no lineage${suggested(text, OWN_LINEAGES)}`
}

/** A pattern with a slash is about the path that was executed, one without about the name of the file that runs. */
export function parseProgram(
  text: string,
): { readonly test: ProgramTest } | { readonly problem: string } {
  const parsed = parsePattern(text, 'path')
  if ('problem' in parsed) return parsed
  const { pattern } = parsed
  if (!text.includes('/')) {
    return {
      test: (scope, subject) => {
        const exe = scope.exe === '' && subject.kind === 'exec' ? subject.exe : scope.exe
        return exe !== '' && pattern.matches(exe)
      },
    }
  }
  return {
    test: (scope, subject, denies) => {
      const path = scope.path === '' && subject.kind === 'exec' ? subject.path : scope.path
      return path !== '' && pathMatches(pattern, path, denies)
    },
  }
}

function nameMatches(pattern: Pattern, name: string | undefined): boolean | undefined {
  if (pattern.isAny) return true
  return name === undefined ? undefined : pattern.matches(byteStringOfText(name))
}

function imageTest(text: string): { readonly test: WorkloadTest } | { readonly problem: string } {
  if (text.startsWith('sha256:')) {
    if (!/^sha256:[0-9a-f]{12,64}$/.test(text)) {
      return { problem: 'is no digest: sha256: and 12 to 64 lower-case hexadecimal digits' }
    }
    return { test: ({ imageDigest }) => imageDigest?.startsWith(text) }
  }
  const parsed = parsePattern(text, 'name')
  if ('problem' in parsed) return parsed
  const { pattern } = parsed
  if (pattern.isAny) return { test: () => true }
  return {
    test: ({ imageName }) =>
      imageName === undefined
        ? undefined
        : imageForms(imageName).some((form) => pattern.matches(byteStringOfText(form))),
  }
}

function labelTest(text: string): { readonly test: WorkloadTest } | { readonly problem: string } {
  const equals = text.indexOf('=')
  if (equals < 1) return { problem: 'is no label: it has no key and = in front of its value' }
  const key = text.slice(0, equals)
  const parsed = parsePattern(text.slice(equals + 1), 'name')
  if ('problem' in parsed) return parsed
  return {
    test: ({ labels }) => {
      if (labels === undefined) return undefined
      const value = labels.get(key)
      return value !== undefined && parsed.pattern.matches(byteStringOfText(value))
    },
  }
}
