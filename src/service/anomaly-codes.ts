/** Words of anomalies as the numbers of their enums in `anomaly.proto` and `baseline.proto`, and back. Pure. */
import { PROTOCOLS, SOURCES } from '../baseline/endpoint-item.js'
import { ANOMALY_KINDS, LAYERS, SEVERITIES } from '../detect/anomaly.js'
import { ABIS, LINEAGES } from '../observation.js'

/** What a reader shows for a number that is newer than itself, or was not set. */
export const UNKNOWN = 'unspecified'

export interface Codes<Word extends string> {
  /** The number that stands for the word. */
  readonly codeOf: (word: Word) => number
  /** The word, or `UNKNOWN`. */
  readonly wordOf: (code: number | null | undefined) => string
}

/** In the order of their numbers, from 1. */
function codes<Word extends string>(words: readonly Word[]): Codes<Word> {
  return {
    codeOf: (word) => words.indexOf(word) + 1,
    wordOf: (code) => words[(code ?? 0) - 1] ?? UNKNOWN,
  }
}

export const KIND_CODES = codes(ANOMALY_KINDS)
export const SEVERITY_CODES = codes(SEVERITIES)
export const LAYER_CODES = codes(LAYERS)
export const ABI_CODES = codes(ABIS)
export const PROTOCOL_CODES = codes(PROTOCOLS)
export const SOURCE_CODES = codes(SOURCES)
export const LINEAGE_CODES = codes(LINEAGES.filter((lineage) => lineage !== 'unknown'))
