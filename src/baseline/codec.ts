/**
 * Baselines to bytes and back: the message of `proto/plimsoll/v1/baseline.proto` in the envelope. Canonical both ways:
 * equal baselines give equal bytes, and no other bytes are read, so that a hash of a file is a hash of its content.
 */
import { open, seal } from '../envelope.js'
import { plimsoll } from '../gen/plimsoll.js'
import { Baseline } from './baseline.js'
import { messageOf } from './message-of.js'
import { snapshotOf } from './snapshot-of.js'
import { BASELINE_LIMIT, BASELINE_PARTS } from './wire-limits.js'
import { wireProblem } from './wire-look.js'

const MAGIC = 'PLIMBASE'
const VERSION = 2
/** Versions before this one were never released, so nothing reads them. */
const REMEDY = 'move it away and learn the image again, or replay a trace of it'

/** Longer files are refused unread: above the size of a baseline that is at all its bounds. */
export const FILE_LIMIT_BYTES = 128 * 1024 * 1024

export type Decoded = { readonly baseline: Baseline } | { readonly problem: string }

/**
 * The file of the baseline, with the revision it has or the one given. Throws `INTERNAL` for times or counts that are not
 * whole numbers from 0 to 2^53 - 1. O(n log n).
 */
export function encodeBaseline(baseline: Baseline, revision = baseline.revision): Uint8Array {
  const message = messageOf({ ...baseline.snapshot(), revision })
  return seal(MAGIC, VERSION, plimsoll.v1.Baseline.encode(message).finish())
}

/**
 * The baseline of a file, or what is wrong with it as the end of a sentence. Never throws, and allocates no more than the
 * bounds of the model need, whatever the bytes are.
 */
export function decodeBaseline(bytes: Uint8Array): Decoded {
  if (bytes.length > FILE_LIMIT_BYTES) {
    return { problem: `it has ${bytes.length} bytes, at most ${FILE_LIMIT_BYTES} are read` }
  }
  const opened = open(MAGIC, VERSION, bytes, REMEDY)
  if ('problem' in opened) return opened
  const problem = wireProblem(opened.payload, BASELINE_LIMIT, BASELINE_PARTS)
  if (problem !== undefined) return { problem: `it is malformed: ${problem}` }
  return decodePayload(bytes, opened.payload)
}

/** Every check that fails throws, here and in the generated decoder; this is where that becomes a value. */
function decodePayload(file: Uint8Array, payload: Uint8Array): Decoded {
  try {
    const baseline = Baseline.of(snapshotOf(plimsoll.v1.Baseline.decode(payload)))
    if (Buffer.from(encodeBaseline(baseline)).equals(file)) return { baseline }
    return { problem: 'it is malformed: not in canonical form' }
  } catch (error) {
    return { problem: `it is malformed: ${error instanceof Error ? error.message : String(error)}` }
  }
}
