/** A calibration for people. */
import { quoted } from '../errors.js'
import type { FloorDifference } from '../seccomp/floor-compare.js'
import { type FloorDocument, measureKey, type MeasuredFloor } from '../seccomp/floor-document.js'
import { plural } from './plural.js'

/** A floor that was measured and kept, and what it is compared with. */
export interface KeptFloor {
  readonly kind: 'measured'
  readonly document: FloorDocument
  readonly path: string
  /** Why rounds did not count. */
  readonly spoiled: readonly string[]
  /** Against what ships for that version, and what the last calibration found; null where there is no such floor. */
  readonly toShipped: readonly FloorDifference[] | null
  readonly toPrevious: readonly FloorDifference[] | null
}

/** Columns of a line, and of what stands before the names in it. */
const WIDTH = 100
const INDENT = 26

/** Lines of text, with a newline at the end. */
export function calibrationText({
  document,
  path,
  spoiled,
  toShipped,
  toPrevious,
}: KeptFloor): string {
  const { runtime, release, facts, floors, quietRounds, tried } = document
  const libseccomp = facts['libseccomp'] === undefined ? '' : `, libseccomp ${facts['libseccomp']}`
  const lines = [
    `${runtime} ${quoted(release + libseccomp)}: ${plural(floors[0]?.rounds ?? 0, 'round')}, nothing new in the last ${quietRounds}`,
    ...floors.flatMap(floorLines),
  ]
  if (spoiled.length > 0) {
    const reasons = [...new Set(spoiled)].map(quoted).join('; ')
    lines.push(`  ${plural(spoiled.length, 'round')} did not count: ${reasons}`)
  }
  lines.push(
    `  tried, and never part of a floor: ${tried.length === 0 ? 'nothing' : tried.join(' ')}`,
    `  against what ships for this version: ${comparisonText(toShipped)}`,
    `  against the last calibration: ${comparisonText(toPrevious)}`,
    `  kept in ${quoted(path)}`,
  )
  return `${lines.join('\n')}\n`
}

/** `start   25  capget capset ...`: a name that was not seen in every round says in how many. */
function floorLines(floor: MeasuredFloor): readonly string[] {
  const words = Object.entries(floor.names).map(([name, rounds]) =>
    rounds === floor.rounds ? name : `${name}(${rounds})`,
  )
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length + 1 > WIDTH - INDENT) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  const head = `  ${measureKey(floor).padEnd(19)}${String(words.length).padStart(3)}  `
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(INDENT)) + line)
}

function comparisonText(differences: readonly FloorDifference[] | null): string {
  if (differences === null) return 'there is none'
  const told = differences.flatMap((difference) => {
    const names = [
      ...difference.added.map((name) => `+${name}`),
      ...difference.gone.map((name) => `-${name}`),
    ]
    return names.length === 0 ? [] : [`${measureKey(difference)} ${names.join(' ')}`]
  })
  return told.length === 0 ? 'the same' : told.join('; ')
}
