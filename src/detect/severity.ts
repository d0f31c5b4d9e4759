/** How bad an anomaly is, and which techniques of MITRE ATT&CK it may be part of. Pure. */
import { type AnomalyKind, kindOf, SEVERITIES, type Severity, type Subject } from './anomaly.js'
import type { CompiledPolicy } from './policy-compile.js'
import {
  CompiledRow,
  type SeverityContext,
  type SeverityTable,
  TECHNIQUE,
} from './severity-table.js'

export interface Rating {
  readonly severity: Severity
  /** Sorted, each once. */
  readonly attack: readonly string[]
}

/** Where the table has no row, which `severity-read` does not let happen. */
const UNRATED: Severity = 'high'

/** A table that answers. */
export class CompiledSeverity {
  readonly #base: RowsByKind<Severity>
  readonly #raise: RowsByKind<Severity | undefined>

  /** Throws a `TypeError` for a table that `severity-read` refuses. */
  constructor({ base, raise }: SeverityTable) {
    this.#base = byKind(base.map((row) => rowOf(new CompiledRow(row), row.is, row.attack)))
    this.#raise = byKind(raise.map((row) => rowOf(new CompiledRow(row), row.atLeast, row.attack)))
  }

  /** The rating, before any policy. O(rows of the kind). */
  rate(subject: Subject, context: SeverityContext): Rating {
    const kind = kindOf(subject)
    const base = this.#base.get(kind)?.find(({ row }) => row.matches(subject, context))
    const raising = this.#raise.get(kind)?.filter(({ row }) => row.matches(subject, context)) ?? []
    const severity = raising.reduce(
      (worst, { level }) => (level === undefined ? worst : worse(worst, level)),
      base?.level ?? UNRATED,
    )
    const attack = new Set([...(base?.attack ?? []), ...raising.flatMap((row) => row.attack)])
    return { severity, attack: [...attack].toSorted() }
  }
}

/** The rating of what was done, with the policy's own word on the severity above the table's. */
export function severityOf(
  table: CompiledSeverity,
  policy: CompiledPolicy,
  subject: Subject,
  context: SeverityContext,
): Rating {
  const rating = table.rate(subject, context)
  const severity = policy.severityOf(subject, context.scope)
  return severity === undefined ? rating : { severity, attack: rating.attack }
}

interface Row<Level> {
  readonly row: CompiledRow
  readonly level: Level
  readonly attack: readonly string[]
}

/** The rows that can be about a kind, in their order. */
type RowsByKind<Level> = ReadonlyMap<AnomalyKind, readonly Row<Level>[]>

function byKind<Level>(rows: readonly Row<Level>[]): RowsByKind<Level> {
  const kinds = new Set(rows.flatMap(({ row }) => [...row.kinds]))
  return new Map([...kinds].map((kind) => [kind, rows.filter(({ row }) => row.kinds.has(kind))]))
}

function rowOf<Level>(row: CompiledRow, level: Level, attack: readonly string[]): Row<Level> {
  const odd = attack.find((id) => !TECHNIQUE.test(id))
  if (odd !== undefined) throw new TypeError('a technique is no number of ATT&CK')
  return { row, level, attack }
}

function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) < SEVERITIES.indexOf(b) ? b : a
}
