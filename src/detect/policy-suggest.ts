/** What somebody may have meant who wrote a word that is not known. Pure. */

/** Longer ones are nobody's slip of the pen, and would cost their square. */
const LONGEST = 40

/** ` (did you mean WORD?)` with the known word that is nearest, or nothing if none is near. */
export function suggested(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? '' : ` (did you mean ${near}?)`
}

/** The known word that differs least: in case, in underscores, or in a third of its letters and two at most. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined
  const folded = foldedWord(word)
  let best: string | undefined
  let least = Math.min(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (candidate === '' || Math.abs(candidate.length - word.length) > 4) continue
    const distance = distanceOf(folded, foldedWord(candidate))
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

function foldedWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Letters to put in, take out, change or swap with their neighbour until one word is the other. */
function distanceOf(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) least = Math.min(least, before[j - 2]! + 1)
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length]!
}
