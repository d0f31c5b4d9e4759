/** The conditions of a rule, read once and then asked. Pure; no text of a rule is looked at when it is asked. */
import { syscallCode, syscallOfCode } from '../baseline/syscall-item.js'
import { type Abi, ABIS, type Lineage, SYSCALL_NR_LIMIT } from '../observation.js'
import { type AnomalyKind, kindOf, type Subject } from './anomaly.js'
import { FIELDS, SUBJECT_FIELDS, type SubjectTest } from './policy-fields.js'
import { kindsOf } from './policy-kinds.js'
import {
  parseProgram,
  parseWorkloadValue,
  type PolicyScope,
  type ProgramTest,
  type WorkloadScope,
  type WorkloadTest,
} from './policy-scope.js'
import type { PolicyMatch } from './policy.js'

export class CompiledMatch {
  readonly kinds: ReadonlySet<AnomalyKind>
  readonly #denies: boolean
  /** Per field, of which all have to hold, one test per value, of which one has to. */
  readonly #subject: readonly (readonly SubjectTest[])[]
  readonly #workload: readonly (readonly WorkloadTest[])[]
  /** Whether it is about each call, by `syscallCode`; made when it is asked about one. */
  #calls: Uint8Array | undefined
  readonly #lineages: readonly string[] | undefined
  readonly #programs: readonly ProgramTest[] | undefined

  /**
   * `denies`: how what is not said or not known is taken; see `policy-calls` and `policy-scope`. Throws a `TypeError` for
   * conditions that `policy-read` reports.
   */
  constructor(match: PolicyMatch, denies: boolean) {
    this.#denies = denies
    const found = kindsOf(match, denies)
    if ('problem' in found) throw new TypeError(found.problem.problem)
    this.kinds = new Set(found.kinds)
    const reading = { denies, hasAbis: match.abis !== undefined }
    this.#subject = SUBJECT_FIELDS.flatMap((field) => {
      const values = match[field]
      return values === undefined
        ? []
        : [values.map((text) => tested(FIELDS[field].parse(text, reading)))]
    })
    this.#workload = (['images', 'containers', 'labels'] as const).flatMap((field) => {
      const values = match[field]
      return values === undefined
        ? []
        : [values.map((text) => tested(parseWorkloadValue(field, text)))]
    })
    this.#lineages = match.lineages
    this.#programs = match.programs?.map((text) => tested(parseProgram(text)))
  }

  /** Whether the container and the lineage alone decide whether it applies; the lineage only where it is given. */
  isDecidedBy(lineage: Lineage | undefined): boolean {
    return this.#programs === undefined && (this.#lineages === undefined || lineage !== undefined)
  }

  /** Whether it is about such an act, whoever did it. */
  fits(subject: Subject): boolean {
    if (!this.kinds.has(kindOf(subject))) return false
    return subject.kind === 'syscall'
      ? this.#fitsCall(subject.abi, subject.nr)
      : this.#fitsFields(subject)
  }

  /** Calls are asked about more often than anything else, and there are not many of them. */
  #fitsCall(abi: Abi, nr: number): boolean {
    this.#calls ??= Uint8Array.from({ length: ABIS.length * SYSCALL_NR_LIMIT }, (_, code) =>
      this.#fitsFields({ kind: 'syscall', ...syscallOfCode(code) }) ? 1 : 0,
    )
    return this.#calls[syscallCode(abi, nr)] === 1
  }

  #fitsFields(subject: Subject): boolean {
    return this.#subject.every((tests) => tests.some((test) => test(subject)))
  }

  /** Whether it applies to the container, whatever happens in it. */
  appliesTo(scope: WorkloadScope): boolean {
    return this.#workload.every((tests) => isAnyOf(tests, scope) ?? this.#denies)
  }

  /** Whether it is about that lineage. */
  isAbout(lineage: Lineage): boolean {
    return this.#lineages === undefined || this.#lineages.includes(lineage)
  }

  /** Whether all conditions hold. */
  matches(subject: Subject, scope: PolicyScope): boolean {
    return (
      this.fits(subject) &&
      this.isAbout(scope.lineage) &&
      this.appliesTo(scope) &&
      (this.#programs === undefined ||
        this.#programs.some((test) => test(scope, subject, this.#denies)))
    )
  }
}

/** The test that was read. Throws a `TypeError` where there is none. */
export function tested<Test>(parsed: { readonly test: Test } | { readonly problem: string }): Test {
  if ('problem' in parsed) throw new TypeError(`a value ${parsed.problem}`)
  return parsed.test
}

/** Whether one holds; undefined if none does but of some it is not known. */
function isAnyOf(tests: readonly WorkloadTest[], scope: WorkloadScope): boolean | undefined {
  let isUnknown = false
  for (const test of tests) {
    const holds = test(scope)
    if (holds === true) return true
    if (holds === undefined) isUnknown = true
  }
  return isUnknown ? undefined : false
}
