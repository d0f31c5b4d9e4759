/**
 * Baselines to bytes and back: the message of `proto/plimsoll/v1/baseline.proto` in the envelope. Canonical both ways:
 * equal baselines give equal bytes, and no other bytes are read, so that a hash of a file is a hash of its content.
 */
import { claimedVersion, open, seal } from '../envelope.js'
import { plimsoll } from '../gen/plimsoll.js'
import { Baseline } from './baseline.js'
import { newerThanVersion2 } from './format-versions.js'
import { messageOf } from './message-of.js'
import { snapshotOf } from './snapshot-of.js'
import { BASELINE_LIMIT, BASELINE_PARTS } from './wire-limits.js'
import { wireProblem } from './wire-look.js'

const MAGIC = 'PLIMBASE'
const VERSION = 3
/** Still read; a file of it becomes one of `VERSION` when it is saved again. */
const OLDER_VERSION = 2
/** Versions before these were never released, so nothing reads them. */
const REMEDY = 'move it away and learn the image again, or replay a trace of it'

/** Longer files are refused unread: above the size of a baseline that is at all its bounds. */
export const FILE_LIMIT_BYTES = 128 * 1024 * 1024

export type Decoded = { readonly baseline: Baseline } | { readonly problem: string }

/**
 * The file of the baseline, with the revision it has or the one given. Throws `INTERNAL` for times or counts that are not
 * whole numbers from 0 to 2^53 - 1. O(n log n).
 */
export function encodeBaseline(baseline: Baseline, revision = baseline.revision): Uint8Array {
  return sealed(baseline, revision, VERSION)
}

function sealed(baseline: Baseline, revision: number, version: number): Uint8Array {
  const message = messageOf({ ...baseline.snapshot(), revision })
  return seal(MAGIC, version, plimsoll.v1.Baseline.encode(message).finish())
}

/**
 * The baseline of a file, or what is wrong with it as the end of a sentence. Never throws, and allocates no more than the
 * bounds of the model need, whatever the bytes are.
 */
export function decodeBaseline(bytes: Uint8Array): Decoded {
  if (bytes.length > FILE_LIMIT_BYTES) {
    return { problem: `it has ${bytes.length} bytes, at most ${FILE_LIMIT_BYTES} are read` }
  }
  const version = claimedVersion(bytes) === OLDER_VERSION ? OLDER_VERSION : VERSION
  const opened = open(MAGIC, version, bytes, REMEDY)
  if ('problem' in opened) return opened
  const problem = wireProblem(opened.payload, BASELINE_LIMIT, BASELINE_PARTS)
  if (problem !== undefined) return { problem: `it is malformed: ${problem}` }
  return decodePayload(bytes, opened.payload, version)
}

/** Every check that fails throws, here and in the generated decoder; this is where that becomes a value. */
function decodePayload(file: Uint8Array, payload: Uint8Array, version: number): Decoded {
  try {
    const snapshot = snapshotOf(plimsoll.v1.Baseline.decode(payload))
    const newer = version === OLDER_VERSION ? newerThanVersion2(snapshot) : undefined
    if (newer !== undefined) {
      return { problem: `it is malformed: a file of version 2 has no ${newer}` }
    }
    const baseline = Baseline.of(snapshot)
    const again = sealed(baseline, baseline.revision, version)
    if (Buffer.from(again).equals(file)) return { baseline }
    return { problem: 'it is malformed: not in canonical form' }
  } catch (error) {
    return { problem: `it is malformed: ${error instanceof Error ? error.message : String(error)}` }
  }
}
