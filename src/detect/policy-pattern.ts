/**
 * Patterns with `*`, matched byte by byte. The cost is bounded by length of the text times length of the pattern, whatever
 * either says: all places that the pattern may be at are followed at once, so nothing is ever tried again.
 *
 * In paths `*` stands for any bytes but a slash, `**` for any bytes, and `**` followed by a slash, where a component begins,
 * for any number of whole components, none included. In names both stand for any bytes. `\*` and `\\` stand for themselves
 * and `\x0a` for that byte, as `displayOf` shows it.
 */
import { type ByteString, byteStringOfText } from '../bytes.js'

/** `path`: a slash ends what `*` stands for. */
export type PatternForm = 'path' | 'name'

const SLASH = 0x2f

/** What may stand before a byte of the pattern, or at its end. */
const NOTHING = 0
const NO_SLASH = 1
const ANYTHING = 2

export class Pattern {
  readonly #literals: Uint8Array
  /** By place, the end included: one of the three above. */
  readonly #loops: Uint8Array
  /** By place: whether the slash that comes next may be missing if nothing stands before it. */
  readonly #skips: Uint8Array
  /** Bytes before the first star. */
  readonly #head: number
  /** Bytes behind the last star that nothing can be missing of. */
  readonly #tail: number
  /** Places that the text so far may have led to. */
  readonly #places: Uint8Array

  constructor(literals: readonly number[], loops: Uint8Array, skips: Uint8Array) {
    this.#literals = Uint8Array.from(literals)
    this.#loops = loops
    this.#skips = skips
    const first = loops.findIndex((loop) => loop !== NOTHING)
    this.#head = first < 0 ? literals.length : first
    const last = loops.findLastIndex((loop) => loop !== NOTHING)
    this.#tail = last < 0 ? 0 : Math.max(literals.length - last - skips[last]!, 0)
    this.#places = new Uint8Array(literals.length + 1)
  }

  /** Whether it has no stars: it matches one text only. */
  get isLiteral(): boolean {
    return this.#head === this.#literals.length && this.#loops[this.#head] === NOTHING
  }

  /** Whether it matches any text of its form: it is one star, or `**` in a path. */
  get isAny(): boolean {
    return this.#literals.length === 0 && this.#loops[0] === ANYTHING
  }

  /** Whether the whole text matches. Allocates nothing. */
  matches(text: ByteString): boolean {
    const literals = this.#literals
    const head = this.#head
    const length = text.length
    if (length < head || (this.isLiteral && length !== head)) return false
    for (let at = 0; at < head; at++) if (text.charCodeAt(at) !== literals[at]) return false
    return this.isLiteral || (this.#endsAs(text) && this.#matchesFrom(text, head))
  }

  /** Most texts that do not match can be told by their end. */
  #endsAs(text: ByteString): boolean {
    const literals = this.#literals
    const tail = this.#tail
    if (text.length < tail) return false
    for (let back = 1; back <= tail; back++) {
      if (text.charCodeAt(text.length - back) !== literals[literals.length - back]) return false
    }
    return true
  }

  /**
   * The places move from the last to the first, so that each is told from the byte before it as that was. A place that was
   * entered by a byte lets the slash behind it go missing; one that was only stayed at does not.
   */
  #matchesFrom(text: ByteString, head: number): boolean {
    const literals = this.#literals
    const loops = this.#loops
    const skips = this.#skips
    const places = this.#places
    const end = literals.length
    places.fill(0)
    places[head] = 1
    if (skips[head] === 1) places[head + 1] = 1
    for (let at = head; at < text.length; at++) {
      const byte = text.charCodeAt(at)
      let reached = 0
      for (let place = end; place >= head; place--) {
        const loop = loops[place]!
        const isStayedAt =
          places[place] === 1 && (loop === ANYTHING || (loop === NO_SLASH && byte !== SLASH))
        const isEntered = place > head && places[place - 1] === 1 && literals[place - 1]! === byte
        places[place] = isStayedAt || isEntered ? 1 : 0
        if (isEntered && skips[place] === 1) places[place + 1] = 1
        reached |= places[place]!
      }
      if (reached === 0) return false
    }
    return places[end] === 1
  }
}

/** The pattern, or what is wrong with its text. */
export function parsePattern(
  text: string,
  form: PatternForm,
): { readonly pattern: Pattern } | { readonly problem: string } {
  const bytes = byteStringOfText(text)
  const literals: number[] = []
  const loops = new Uint8Array(bytes.length + 1)
  const skips = new Uint8Array(bytes.length + 1)
  for (let at = 0; at < bytes.length;) {
    const place = literals.length
    if (bytes[at] === '*') {
      const isDouble = bytes[at + 1] === '*'
      if (isDouble || form === 'name') loops[place] = ANYTHING
      else if (loops[place] === NOTHING) loops[place] = NO_SLASH
      const after = at + (isDouble ? 2 : 1)
      const isWhole = (at === 0 || bytes[at - 1] === '/') && bytes[after] === '/'
      if (isDouble && form === 'path' && isWhole) {
        skips[place] = 1
        // A second one behind it stands for nothing more, and its slash must not be asked for.
        at = afterRepeats(bytes, after)
        literals.push(SLASH)
      } else at = after
      continue
    }
    const unit = literalAt(bytes, at)
    if (unit === undefined) {
      return {
        problem: 'has a backslash that escapes nothing; known are \\\\, \\* and \\x00 to \\xff',
      }
    }
    literals.push(unit.byte)
    at += unit.length
  }
  const places = literals.length + 1
  return { pattern: new Pattern(literals, loops.slice(0, places), skips.slice(0, places)) }
}

/** Behind the slash at `at` and behind every whole `**` with its slash that follows. */
function afterRepeats(bytes: string, at: number): number {
  let end = at + 1
  while (bytes.startsWith('**/', end)) end += 3
  return end
}

function literalAt(
  bytes: string,
  at: number,
): { readonly byte: number; readonly length: number } | undefined {
  if (bytes[at] !== '\\') return { byte: bytes.charCodeAt(at), length: 1 }
  const next = bytes[at + 1]
  if (next === '\\' || next === '*') return { byte: next.charCodeAt(0), length: 2 }
  const hex = /^x[0-9a-f]{2}/.exec(bytes.slice(at + 1, at + 4))
  return hex === null ? undefined : { byte: Number.parseInt(hex[0].slice(1), 16), length: 4 }
}
