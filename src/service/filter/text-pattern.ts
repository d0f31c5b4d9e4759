/**
 * Patterns of filters: `*` stands for any text, everything else for itself. The pieces between the stars are looked for from
 * left to right and none is tried twice, so that no pattern is expensive. Pure.
 *
 *   a*b*c   ->   begins with `a`, then somewhere `b`, ends with `c`
 */
export class TextPattern {
  readonly #head: string
  readonly #inner: readonly string[]
  /** Behind the last star; undefined where there is none, and the whole text must be the head. */
  readonly #tail: string | undefined

  constructor(text: string) {
    const [head = '', ...behind] = text.split('*')
    this.#head = head
    this.#tail = behind.pop()
    this.#inner = behind.filter((piece) => piece !== '')
  }

  /** Whether the whole text matches. Empty text is what is not known: nothing matches it. Allocates nothing. */
  matches(text: string): boolean {
    const tail = this.#tail
    if (text === '') return false
    if (tail === undefined) return text === this.#head
    const end = text.length - tail.length
    let at = this.#head.length
    if (end < at || !text.startsWith(this.#head) || !text.endsWith(tail)) return false
    const inner = this.#inner
    for (let index = 0; index < inner.length; index++) {
      const piece = inner[index] ?? ''
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= end
  }
}
