/**
 * Read masks over `Anomaly`: checked and brought into one form, so that masks which choose the same are the same, and what
 * they choose of an anomaly. `masked-encodings` encodes it. Pure.
 */
import { failure } from '../errors.js'
import type { plimsoll } from '../gen/plimsoll.js'
import { ANOMALY_FIELDS } from './mask-fields.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties

export interface Mask {
  /** The paths in the order of the proto, none of them within another. The same for all masks that choose the same. */
  readonly text: string
  /** By the name of the generated code: the fields below it that are chosen, or all of it. */
  readonly chosen: ReadonlyMap<keyof Anomaly, readonly string[] | 'whole'>
}

/** Paths of one mask: more than there are fields. */
export const PATH_LIMIT = 128

/** The mask of these paths; undefined for none, which chooses all. Throws `BAD_REQUEST` for a path that does not exist. */
export function parseMask(
  mask: { readonly paths?: readonly string[] | null } | null | undefined,
): Mask | undefined {
  const paths = new Set(mask?.paths ?? [])
  if (paths.size === 0) return undefined
  if (paths.size > PATH_LIMIT) throw badMask(`it has more than ${PATH_LIMIT} paths`)
  const texts: string[] = []
  const chosen = new Map<keyof Anomaly, readonly string[] | 'whole'>()
  for (const [field, below] of ANOMALY_FIELDS) {
    const isWhole = paths.delete(field)
    // Each is taken out even if it is covered: what is left in the end does not exist.
    const inner = below.filter((name) => paths.delete(`${field}.${name}`))
    if (!isWhole && inner.length === 0) continue
    const key = camelCase(field) as keyof Anomaly
    chosen.set(key, isWhole ? 'whole' : inner.map(camelCase))
    texts.push(...(isWhole ? [field] : inner.map((name) => `${field}.${name}`)))
  }
  for (const path of paths) throw badMask(`${path.slice(0, 128)} is no field of Anomaly`)
  return { text: texts.join(','), chosen }
}

/** What the mask chooses of the anomaly: a new message that shares the values. */
export function maskedAnomaly(anomaly: Anomaly, { chosen }: Mask): Anomaly {
  const result: Record<string, unknown> = {}
  for (const [field, inner] of chosen) {
    // What is not the message's own is the default of a field that is not set.
    if (!Object.hasOwn(anomaly, field)) continue
    const value: unknown = anomaly[field]
    result[field] = inner === 'whole' ? value : fieldsOf(value, inner)
  }
  return result
}

function fieldsOf(message: unknown, names: readonly string[]): unknown {
  if (typeof message !== 'object' || message === null) return undefined
  const fields = message as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const name of names) if (Object.hasOwn(fields, name)) result[name] = fields[name]
  return result
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function badMask(problem: string): Error {
  return failure('BAD_REQUEST', { field: 'read_mask', problem })
}
