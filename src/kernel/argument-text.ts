/**
 * What the words for an argument stand for: the way back from `argumentLabel`, also for a part of them, such as a socket's
 * family alone. Pure facts.
 */
import {
  type ArgumentCall,
  DOMAINS,
  IOCTL_REQUESTS,
  NAMESPACE_FLAGS,
  OTHER_VALUE,
  PRCTL_OPTIONS,
  TYPES,
} from './arguments.js'

/** Packed values: those that have the bits of `value` where `mask` has ones. */
export interface ArgumentValues {
  readonly value: number
  readonly mask: number
}

const WHOLE = 0xffff_ffff
const DOMAIN_BITS = 0xffff_fff0
const TYPE_BITS = 15

const DOMAIN_NUMBERS = new Map(DOMAINS.map((name, domain) => [`AF_${name}`, domain]))
const TYPE_NUMBERS = new Map(Object.entries(TYPES).map(([type, name]) => [name, Number(type)]))
const FLAGS = new Map(NAMESPACE_FLAGS.map(([bit, name]) => [name, bit]))
const REQUESTS = new Map([...IOCTL_REQUESTS].map(([request, name]) => [name, request]))
const OPTIONS = new Map([...PRCTL_OPTIONS].map(([option, name]) => [name, option]))

/**
 * The values that `words` name of that call; undefined if they name none. Of sockets the family, the type or both may be
 * given; of namespaces the flags that have to be among the value's.
 */
export function argumentValues(call: ArgumentCall, words: string): ArgumentValues | undefined {
  if (words === 'other') return exactly(OTHER_VALUE)
  switch (call) {
    case 'socket':
    case 'socketpair':
      return socketValues(words)
    case 'clone':
    case 'unshare':
      return flagValues(words)
    case 'prctl':
      return exactly(OPTIONS.get(words) ?? numberIn(words, /^option (\d{1,10})$/))
    case 'ioctl':
      return exactly(REQUESTS.get(words) ?? numberIn(words, /^(0x[0-9a-f]{1,8})$/))
    case 'personality':
      return exactly(words === 'query' ? WHOLE : numberIn(words, /^(0x[0-9a-f]{1,8})$/))
  }
}

/** Whether `value` is one of the values. What the probe does not tell apart is none but itself. O(1). */
export function isAmong(values: ArgumentValues, value: number): boolean {
  if (value === OTHER_VALUE) return values.mask === WHOLE && values.value === OTHER_VALUE
  return (value & values.mask) >>> 0 === values.value
}

function exactly(value: number | undefined): ArgumentValues | undefined {
  return value === undefined || value > WHOLE ? undefined : { value, mask: WHOLE }
}

function socketValues(words: string): ArgumentValues | undefined {
  const [, domainWords, typeWords] =
    /^(AF_\w+|domain \d{1,9})? ?(SOCK_\w+|type \d\d?)?$/.exec(words) ?? []
  const domain = domainWords === undefined ? 0 : domainOfWords(domainWords)
  const type = typeWords === undefined ? 0 : typeOfWords(typeWords)
  if (domain === undefined || type === undefined) return undefined
  const mask =
    (domainWords === undefined ? 0 : DOMAIN_BITS) + (typeWords === undefined ? 0 : TYPE_BITS)
  return mask === 0 ? undefined : { value: domain * 16 + type, mask }
}

function domainOfWords(words: string): number | undefined {
  const domain = DOMAIN_NUMBERS.get(words) ?? numberIn(words, /^domain (\d+)$/)
  return domain !== undefined && domain < OTHER_VALUE >>> 4 ? domain : undefined
}

function typeOfWords(words: string): number | undefined {
  const type = TYPE_NUMBERS.get(words) ?? numberIn(words, /^type (\d+)$/)
  return type !== undefined && type <= TYPE_BITS ? type : undefined
}

function flagValues(words: string): ArgumentValues | undefined {
  if (words === 'no namespace') return exactly(0)
  let flags = 0
  for (const name of words.split('|')) {
    const bit = FLAGS.get(name)
    if (bit === undefined) return undefined
    flags |= bit
  }
  return { value: flags, mask: flags }
}

function numberIn(words: string, form: RegExp): number | undefined {
  const digits = form.exec(words)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
