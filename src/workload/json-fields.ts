/**
 * Reading foreign JSON without trusting its shape: each function gives undefined where the answer is not what was
 * expected, so that a runtime of another version is a missing fact, never a crash.
 */

/** The value parsed, or undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The member at the end of `path`. Own properties only. */
export function memberAt(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return at
}

/** The string at the end of `path`. */
export function stringAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = memberAt(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** The strings of the array at the end of `path`; other elements are left out, anything else is the empty array. */
export function stringsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return elementsAt(value, ...path).filter((element) => typeof element === 'string')
}

/** The elements of the array at the end of `path`; anything else is the empty array. */
export function elementsAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = memberAt(value, ...path)
  return Array.isArray(found) ? (found as readonly unknown[]) : []
}

/** Milliseconds since the epoch of the RFC 3339 text at the end of `path`; Go's zero time (year 1) is undefined. */
export function timeAt(value: unknown, ...path: readonly string[]): number | undefined {
  const ms = Date.parse(stringAt(value, ...path) ?? '')
  return ms > 0 ? ms : undefined
}
