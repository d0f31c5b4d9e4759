/** What fields of requests may be, and what is thrown for those that may not: `BAD_REQUEST` with the name of the field. Pure. */
import { SHORT_HASH } from '../baseline/content-hash.js'
import { failure, type PlimsollError } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import { BASELINE_LINEAGES } from '../baseline/run-record.js'
import type { Lineage } from '../observation.js'
import { type Origin, ORIGINS } from './known-baselines.js'

type Selector = plimsoll.v1.BaselineSelector.$Properties

/** Which state of which baseline. */
export interface SelectedBaseline {
  readonly ref: string
  readonly origin: Origin
  /** Undefined: the newest. Only of the store. */
  readonly revision: number | undefined
}

const REFERENCE_BYTES = 512
/** What the model keeps of a reason. */
const REASON_BYTES = 256
const CONTENT_HASH = new RegExp(`^[0-9a-fA-F]{${SHORT_HASH},64}$`)

export function badRequest(field: string, problem: string): PlimsollError {
  return failure('BAD_REQUEST', { field, problem })
}

/** What a baseline or an image is called: 1 to 512 bytes. */
export function referenceOf(text: string | null | undefined, field = 'reference'): string {
  const ref = text ?? ''
  if (ref !== '' && Buffer.byteLength(ref, 'utf8') <= REFERENCE_BYTES) return ref
  throw badRequest(field, `it must have 1 to ${REFERENCE_BYTES} bytes`)
}

export function reasonOf(text: string | null | undefined): string {
  const reason = text ?? ''
  if (reason.trim() !== '' && Buffer.byteLength(reason, 'utf8') <= REASON_BYTES) return reason
  throw badRequest('reason', `it must say why, in 1 to ${REASON_BYTES} bytes`)
}

export function contentHashOf(text: string | null | undefined): string {
  const hash = text ?? ''
  if (CONTENT_HASH.test(hash)) return hash
  throw badRequest('content_hash', `it must have ${SHORT_HASH} to 64 hexadecimal digits`)
}

/** Undefined for an unspecified one. */
export function originOf(origin: number | null | undefined, field = 'origin'): Origin | undefined {
  const wanted = ORIGINS[(origin ?? 0) - 1]
  if (wanted !== undefined || (origin ?? 0) === 0) return wanted
  throw badRequest(field, `${origin} is none`)
}

export function selectorOf(selector: Selector | null | undefined, field: string): SelectedBaseline {
  const ref = referenceOf(selector?.reference, `${field}.reference`)
  const origin = originOf(selector?.origin, `${field}.origin`) ?? 'store'
  const revision = revisionOf(selector?.revision, `${field}.revision`)
  if (origin === 'session' && revision !== undefined) {
    throw badRequest(`${field}.revision`, 'a session has no revisions')
  }
  return { ref, origin, revision }
}

/** Undefined if it is absent. */
export function revisionOf(revision: unknown, field = 'revision'): number | undefined {
  if (revision === null || revision === undefined) return undefined
  const number = Number(revision)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw badRequest(field, `${number} is none`)
}

/** Those that a person can decide about; undefined if none is given. */
export function lineagesOf(codes: readonly number[] | null | undefined): Lineage[] | undefined {
  if (!codes || codes.length === 0) return undefined
  const wanted = codes.map((code) => {
    const lineage = LINEAGES.find((each) => lineageCode(each) === code)
    if (lineage === undefined) throw badRequest('lineages', `${code} is none of main, probe, exec`)
    return lineage
  })
  return BASELINE_LINEAGES.filter((lineage) => wanted.includes(lineage))
}

const LINEAGES: readonly Lineage[] = ['main', 'probe', 'exec']

/** Number of the lineage in `baseline.proto`. */
export function lineageCode(lineage: Lineage): plimsoll.v1.Lineage {
  const { LINEAGE_RUNTIME, LINEAGE_MAIN, LINEAGE_EXEC, LINEAGE_PROBE } = plimsoll.v1.Lineage
  const codes: Readonly<Record<Lineage, plimsoll.v1.Lineage>> = {
    runtime: LINEAGE_RUNTIME,
    main: LINEAGE_MAIN,
    exec: LINEAGE_EXEC,
    probe: LINEAGE_PROBE,
  }
  return codes[lineage]
}
