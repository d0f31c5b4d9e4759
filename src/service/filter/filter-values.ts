/** Values of filters, checked against their bounds and what there is; what is wrong is `BAD_REQUEST` with the field's name. */
import type { PlimsollError } from '../../errors.js'
import { failure } from '../../errors.js'

/** Values of one field. */
export const VALUE_LIMIT = 64
/** Bytes of one text, as UTF-8. */
export const TEXT_BYTES = 512

/** A number of an enum as it is decoded, with the names that there are. */
export type EnumNames = Readonly<Record<number, string>>

export function badFilter(field: string, problem: string): PlimsollError {
  return failure('BAD_REQUEST', { field, problem })
}

/** The texts, if they are neither too many nor too long, and none is empty. Throws `BAD_REQUEST`. */
export function checkedTexts(field: string, texts: readonly string[]): readonly string[] {
  checkCount(field, texts.length)
  for (const text of texts) {
    if (text === '') throw badFilter(field, 'a value is empty')
    if (Buffer.byteLength(text, 'utf8') > TEXT_BYTES) {
      throw badFilter(field, `a value has more than ${TEXT_BYTES} bytes`)
    }
  }
  return texts
}

/** The texts, if each is as `expected` says. Throws `BAD_REQUEST`. */
export function checkedForm(
  field: string,
  texts: readonly string[],
  isOne: (text: string) => boolean,
  expected: string,
): readonly string[] {
  const stranger = checkedTexts(field, texts).find((text) => !isOne(text))
  if (stranger === undefined) return texts
  throw badFilter(field, `${stranger} is no ${expected}`)
}

/** A bit for each value of an enum that is wanted. Throws `BAD_REQUEST` for one that is not known, or unspecified. */
export function checkedMask(field: string, values: readonly number[], names: EnumNames): number {
  checkCount(field, values.length)
  return values.reduce((mask, value) => mask | (1 << checkedEnum(field, value, names)), 0)
}

/** The value, if the enum has it and it says something; below 31. Throws `BAD_REQUEST`. */
export function checkedEnum(field: string, value: number, names: EnumNames): number {
  if (value > 0 && value < 31 && names[value] !== undefined) return value
  throw badFilter(field, value === 0 ? 'it is unspecified' : `${value} is none that is known`)
}

export function checkCount(field: string, count: number): void {
  if (count > VALUE_LIMIT) throw badFilter(field, `it has more than ${VALUE_LIMIT} values`)
}
