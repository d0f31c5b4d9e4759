/** The severity table out of the text of its file, or everything that is wrong with that text. Pure. */
import { z } from 'zod'
import { ANOMALY_KINDS, LAYERS } from './anomaly.js'
import { DANGERS } from '../kernel/syscall-danger.js'
import { leaf, listOf, listOfAny, oneOf } from './policy-leaf.js'
import type { FieldPath, PolicyProblem } from './policy-problem.js'
import { type FieldProblem, readWith } from './policy-read.js'
import { MATCH_SHAPE, matching, object, section, SEVERITY } from './policy-schema.js'
import { RULE_LIMIT } from './policy.js'
import { type SeverityTable, TECHNIQUE } from './severity-table.js'

const ATTACK = leaf({
  expected: 'a technique of MITRE ATT&CK such as T1611 or T1552.005',
  problemOf: (text) => (TECHNIQUE.test(text) ? undefined : 'is no technique'),
})

/** Techniques of one row. */
const ATTACK_LIMIT = 16

const YES_OR_NO = z.boolean({ error: 'true or false' })

const ROW_SHAPE = {
  ...MATCH_SHAPE,
  danger: listOf(oneOf(DANGERS, `one of ${DANGERS.join(', ')}`), DANGERS.length).optional(),
  layers: listOf(oneOf(LAYERS, `one of ${LAYERS.join(', ')}`), LAYERS.length).optional(),
  first: YES_OR_NO.optional(),
  shell: YES_OR_NO.optional(),
  attack: listOfAny(ATTACK, ATTACK_LIMIT),
}

const BASE_SHAPE = { is: SEVERITY, ...ROW_SHAPE }
const RAISE_SHAPE = { atLeast: SEVERITY.optional(), ...ROW_SHAPE }

const TABLE_SHAPE = {
  version: z.literal(1, { error: 'version: 1, the only one there is' }),
  base: section(matching(BASE_SHAPE, true), RULE_LIMIT),
  raise: section(matching(RAISE_SHAPE, true), RULE_LIMIT),
}

const TABLE_SCHEMA: z.ZodType<SeverityTable> = object(TABLE_SHAPE)

/** Reads the text. Never throws. */
export function readSeverityTable(
  text: string,
): { readonly table: SeverityTable } | { readonly problems: readonly PolicyProblem[] } {
  const read = readWith(text, TABLE_SCHEMA, keysAt, 'version: 1', unrated)
  return 'problems' in read ? read : { table: read.value }
}

function keysAt(path: FieldPath): readonly string[] {
  if (path.length === 0) return Object.keys(TABLE_SHAPE)
  return Object.keys(path[0] === 'base' ? BASE_SHAPE : RAISE_SHAPE)
}

/** Kinds for which no row of the base holds whatever else is true: some anomaly would have no severity. */
function unrated(value: unknown): readonly FieldProblem[] {
  const { base } = Object(value) as { readonly base?: unknown }
  const rows = Array.isArray(base) ? (base as readonly unknown[]) : []
  const rated = new Set(
    rows.flatMap((row): readonly unknown[] => {
      if (typeof row !== 'object' || row === null) return []
      const { kind, is: _is, attack: _attack, ...conditions } = row as Record<string, unknown>
      return Object.keys(conditions).length > 0 ? [] : Array.isArray(kind) ? kind : [kind]
    }),
  )
  const missing = ANOMALY_KINDS.filter((kind) => !rated.has(kind))
  if (missing.length === 0) return []
  const expected = 'a row without further conditions for each kind'
  return [{ path: ['base'], problem: `leaves out ${missing.join(', ')}`, expected }]
}
