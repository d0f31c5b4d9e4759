/**
 * Changes one member of a JSON text and leaves every other byte as it is. What engines write holds 64-bit integers
 * (RLIM_INFINITY is 18446744073709551615), which `JSON.parse` rounds: a document that was parsed and printed again would
 * be another one.
 *
 * The text must be one that `JSON.parse` takes. A member that is there twice is refused, since readers differ in which of
 * them counts. Pure; linear in the text.
 */

/** What became of the text, or why it cannot be changed. */
export type Spliced = { readonly text: string } | { readonly problem: string }

/** One member of an object: `"name": value` lies from `start` to `end`. */
interface Member {
  readonly name: string
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/** Index of the next character that is no JSON whitespace. */
function pastSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\n\r'.includes(text[at] ?? '')) at++
  return at
}

/** Index behind the string that begins at `from`. */
function pastString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** Index behind the value that begins at `from`. */
function pastValue(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const char = text[at]
    if (char === '"') at = pastString(text, at)
    else {
      if (depth === 0 && at > from && ',]} \t\n\r'.includes(char ?? '')) return at
      if (char === '{' || char === '[') depth++
      if (char === '}' || char === ']') depth--
      at++
    }
    if (depth === 0 && '}]"'.includes(text[at - 1] ?? '')) return at
  }
  return at
}

/** The members of the object that begins at `open`, in their order. */
function membersOf(text: string, open: number): Member[] {
  const members: Member[] = []
  let at = pastSpace(text, open + 1)
  while (text[at] === '"') {
    const nameEnd = pastString(text, at)
    const valueStart = pastSpace(text, pastSpace(text, nameEnd) + 1)
    const end = pastValue(text, valueStart)
    members.push({
      name: JSON.parse(text.slice(at, nameEnd)) as string,
      start: at,
      valueStart,
      end,
    })
    at = pastSpace(text, end)
    if (text[at] === ',') at = pastSpace(text, at + 1)
  }
  return members
}

interface Place {
  /** Index of the brace of the object that has the member, or should have it. */
  readonly open: number
  readonly members: readonly Member[]
  readonly found: Member | undefined
}

/** Where the member at the end of `path` is; undefined if the objects on the way to it are not there. */
function placeOf(
  text: string,
  path: readonly string[],
): Place | undefined | { readonly problem: string } {
  let open = pastSpace(text, 0)
  for (const [depth, name] of path.entries()) {
    if (text[open] !== '{') return undefined
    const members = membersOf(text, open)
    const [found, ...others] = members.filter((member) => member.name === name)
    if (others.length > 0) return { problem: `it has ${path.slice(0, depth + 1).join('.')} twice` }
    if (depth === path.length - 1) return { open, members, found }
    if (found === undefined) return undefined
    open = found.valueStart
  }
  return undefined
}

/**
 * The text with `value`, itself a JSON text, as the member at the end of `path`: in place of what was there, or as the
 * first member of its object, which has to be there.
 */
export function withMember(text: string, path: readonly string[], value: string): Spliced {
  const place = placeOf(text, path)
  if (place === undefined) return { problem: `it has no object ${path.slice(0, -1).join('.')}` }
  if ('problem' in place) return place
  const { open, members, found } = place
  if (found !== undefined) {
    return { text: text.slice(0, found.valueStart) + value + text.slice(found.end) }
  }
  const first = members[0]
  const name = JSON.stringify(path.at(-1))
  if (first === undefined) {
    return { text: `${text.slice(0, open + 1)}${name}: ${value}${text.slice(open + 1)}` }
  }
  // Set out as the member that was the first.
  const space = text.slice(open + 1, first.start)
  const colon = space === '' ? ':' : ': '
  return {
    text: `${text.slice(0, first.start)}${name}${colon}${value},${space}${text.slice(first.start)}`,
  }
}

/** The text without the member at the end of `path`; as it is if there is none. */
export function withoutMember(text: string, path: readonly string[]): Spliced {
  const place = placeOf(text, path)
  if (place === undefined) return { text }
  if ('problem' in place) return place
  const { open, members, found } = place
  if (found === undefined) return { text }
  const at = members.indexOf(found)
  const next = members[at + 1]
  const before = members[at - 1]
  if (next !== undefined) return { text: text.slice(0, found.start) + text.slice(next.start) }
  if (before !== undefined) return { text: text.slice(0, before.end) + text.slice(found.end) }
  return { text: text.slice(0, open + 1) + text.slice(pastSpace(text, found.end)) }
}

/** Integers of more digits than these may not fit a double. */
const EXACT_DIGITS = 15

/**
 * The value of a JSON text in which integers that a double may not hold are strings of their digits. Throws `SyntaxError`
 * for what is no JSON.
 */
export function parseExact(text: string): unknown {
  const quotedNumbers = text.replaceAll(
    /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,
    (token) => (/^-?\d+$/.test(token) && token.length > EXACT_DIGITS ? `"${token}"` : token),
  )
  return JSON.parse(quotedNumbers) as unknown
}
