/**
 * What each image allows, by slot.
 *
 *   calls         Uint32Array(256 each)   a bit per code of a call (see `fact-code`)
 *   capabilities  Uint32Array(2 each)     a bit per number
 *   opcodes       Uint32Array(8 each)     a bit per number, of io_uring
 *   abis          Uint8Array              a bit per ABI under which a call is allowed
 *   unjudged      Uint16Array             a bit per kind; all of an image that has nothing to judge by
 *
 * Asking is O(1) and allocates nothing. 1067 bytes per image, beside its pairs and keys: 16 to 32 bytes per pair.
 */
import { ABI_CODE, abiOfCall, CALL_LIMIT, callCode, KIND_CODE, KIND_COUNT } from './fact-code.js'
import { AllowedPairs, type AllowedSet } from './allowed-set.js'
import type { AnomalyKind } from './anomaly.js'
import type { Interner } from './interner.js'

const CALL_WORDS = CALL_LIMIT / 32
const CAPABILITY_LIMIT = 64
const CAPABILITY_WORDS = CAPABILITY_LIMIT / 32
const OPCODE_LIMIT = 256
const OPCODE_WORDS = OPCODE_LIMIT / 32
const NO_KIND_JUDGED = (1 << KIND_COUNT) - 1

const NOTHING: AllowedSet = {
  syscalls: [],
  arguments: [],
  anyArgument: [],
  denials: [],
  capabilities: [],
  opcodes: [],
  keys: {},
  unjudged: [],
}

/** Every `image` argument is a slot that is in bounds: callers have it from a handle. */
export class ImageColumns {
  readonly #interner: Interner
  readonly #calls: Uint32Array
  readonly #capabilities: Uint32Array
  readonly #opcodes: Uint32Array
  readonly #abis: Uint8Array
  readonly #unjudged: Uint16Array
  readonly #pairs: AllowedPairs[]

  constructor(capacity: number, interner: Interner) {
    this.#interner = interner
    this.#calls = new Uint32Array(capacity * CALL_WORDS)
    this.#capabilities = new Uint32Array(capacity * CAPABILITY_WORDS)
    this.#opcodes = new Uint32Array(capacity * OPCODE_WORDS)
    this.#abis = new Uint8Array(capacity)
    this.#unjudged = new Uint16Array(capacity).fill(NO_KIND_JUDGED)
    const none = new AllowedPairs(NOTHING, interner)
    this.#pairs = Array.from({ length: capacity }, () => none)
  }

  allowsCall(image: number, call: number): boolean {
    return ((this.#calls[image * CALL_WORDS + (call >>> 5)]! >>> (call & 31)) & 1) === 1
  }

  allowsArgument(image: number, call: number, value: number): boolean {
    const pairs = this.#pairs[image]!
    return pairs.has(KIND_CODE.argument, call, value) || pairs.hasEveryArgument(call)
  }

  allowsDenial(image: number, call: number, answer: number): boolean {
    return this.#pairs[image]!.has(KIND_CODE.denied, call, answer)
  }

  allowsCapability(image: number, capability: number): boolean {
    if (capability >>> 0 >= CAPABILITY_LIMIT) return false
    const word = this.#capabilities[image * CAPABILITY_WORDS + (capability >>> 5)]!
    return ((word >>> (capability & 31)) & 1) === 1
  }

  allowsOpcode(image: number, opcode: number): boolean {
    if (opcode >>> 0 >= OPCODE_LIMIT) return false
    return ((this.#opcodes[image * OPCODE_WORDS + (opcode >>> 5)]! >>> (opcode & 31)) & 1) === 1
  }

  /** `id` is of a key that somebody holds. */
  allowsKey(image: number, kind: number, id: number): boolean {
    return this.#pairs[image]!.has(kind, 0, id)
  }

  /** A call under the ABI is allowed. */
  usesAbi(image: number, abi: number): boolean {
    return ((this.#abis[image]! >>> (abi & 7)) & 1) === 1
  }

  isJudged(image: number, kind: number): boolean {
    return ((this.#unjudged[image]! >>> kind) & 1) === 0
  }

  /** Replaces what the image allows; undefined: there is nothing to judge it by any longer. */
  set(image: number, allowed: AllowedSet | undefined): void {
    this.#calls.fill(0, image * CALL_WORDS, (image + 1) * CALL_WORDS)
    this.#capabilities.fill(0, image * CAPABILITY_WORDS, (image + 1) * CAPABILITY_WORDS)
    this.#opcodes.fill(0, image * OPCODE_WORDS, (image + 1) * OPCODE_WORDS)
    const { syscalls, capabilities, opcodes, unjudged } = allowed ?? NOTHING
    let abis = 0
    for (const { abi, nr } of syscalls) {
      const call = callCode(ABI_CODE[abi], nr)
      abis |= 1 << abiOfCall(call)
      setBit(this.#calls, image * CALL_WORDS, call, CALL_LIMIT)
    }
    for (const capability of capabilities) {
      setBit(this.#capabilities, image * CAPABILITY_WORDS, capability, CAPABILITY_LIMIT)
    }
    for (const opcode of opcodes) setBit(this.#opcodes, image * OPCODE_WORDS, opcode, OPCODE_LIMIT)
    this.#abis[image] = abis
    this.#unjudged[image] = allowed === undefined ? NO_KIND_JUDGED : maskOf(unjudged)
    // Held before the old ones are dropped: most keys are in both.
    const before = this.#pairs[image]!
    this.#pairs[image] = new AllowedPairs(allowed ?? NOTHING, this.#interner)
    before.drop(this.#interner)
  }
}

/** Where calls cannot be judged, their ABIs cannot either. */
function maskOf(kinds: readonly AnomalyKind[]): number {
  let mask = 0
  for (const kind of kinds) mask |= 1 << KIND_CODE[kind]
  return kinds.includes('syscall') ? mask | (1 << KIND_CODE.abi) : mask
}

function setBit(words: Uint32Array, start: number, bit: number, limit: number): void {
  if (bit >>> 0 < limit) words[start + (bit >>> 5)]! |= 1 << (bit & 31)
}
