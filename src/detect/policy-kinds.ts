/** Which kinds of anomalies a rule is about, from its `kind` and from what it speaks of. Pure. */
import { ANOMALY_KINDS, type AnomalyKind } from './anomaly.js'
import { FIELDS, SUBJECT_FIELDS, type SubjectField } from './policy-fields.js'
import type { PolicyMatch } from './policy.js'

/** Kinds that no process sets off. */
const WITHOUT_PROCESS: readonly AnomalyKind[] = ['sensor', 'resource']

export interface KindProblem {
  /** Field of the rule; empty for the rule as a whole. */
  readonly field: SubjectField | 'programs' | 'kind' | ''
  readonly problem: string
  readonly expected: string
}

/**
 * The kinds, or what is wrong. A denying rule that names none is about every kind that has all its fields, an allowing one
 * about the usual kind only: what is not said is decided against the workload.
 */
export function kindsOf(
  match: PolicyMatch,
  denies: boolean,
): { readonly kinds: readonly AnomalyKind[] } | { readonly problem: KindProblem } {
  const fields = SUBJECT_FIELDS.filter((field) => match[field] !== undefined)
  if (match.kind !== undefined) return checkedKinds(match.kind, fields, match)
  if (fields.length === 0) {
    return {
      problem: { field: '', problem: 'matches everything', expected: 'a kind, or what was done' },
    }
  }
  const possible = ANOMALY_KINDS.filter((kind) => fields.every((field) => has(field, kind)))
  if (possible.length === 0) {
    return {
      problem: {
        field: fields[1] ?? '',
        problem: `never comes together with ${fields[0]}`,
        expected: `fields of one kind of ${ANOMALY_KINDS.join(', ')}`,
      },
    }
  }
  if (denies) return { kinds: possible }
  const usual = fields.map((field) => FIELDS[field].usual).find((kind) => kind !== undefined)
  if (usual !== undefined) return { kinds: [usual] }
  return {
    problem: {
      field: '',
      problem: 'does not say what it allows',
      expected: `kind: and one or several of ${possible.join(', ')}`,
    },
  }
}

function checkedKinds(
  kinds: readonly AnomalyKind[],
  fields: readonly SubjectField[],
  match: PolicyMatch,
): { readonly kinds: readonly AnomalyKind[] } | { readonly problem: KindProblem } {
  for (const field of fields) {
    const without = kinds.find((kind) => !has(field, kind))
    if (without === undefined) continue
    const problem = `says nothing of kind ${without}`
    return { problem: { field, problem, expected: `kind: ${FIELDS[field].kinds.join(', ')}` } }
  }
  const unmoved = kinds.find((kind) => WITHOUT_PROCESS.includes(kind))
  if (match.programs !== undefined && unmoved !== undefined) {
    return {
      problem: {
        field: 'programs',
        problem: `says nothing of kind ${unmoved}, which no program sets off`,
        expected: 'a kind of what programs do',
      },
    }
  }
  return { kinds }
}

function has(field: SubjectField, kind: AnomalyKind): boolean {
  return FIELDS[field].kinds.includes(kind)
}
