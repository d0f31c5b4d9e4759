/** Cursors: where a client was in which journal, as `EPOCH-SEQUENCE`. Opaque to clients. Pure. */
const CURSOR = /^([0-9a-f]{16})-([1-9]\d{0,15}|0)$/

/**
 * Of a journal that could not be opened yet, so that nothing in it can be read: whether a cursor belongs to it cannot be told
 * before its epoch is another.
 */
export const UNKNOWN_EPOCH = '0000000000000000'

export interface Cursor {
  readonly epoch: string
  readonly sequence: number
}

/** `sequence` 0 is the place before the first event. */
export function cursorText({ epoch, sequence }: Cursor): string {
  return `${epoch}-${sequence}`
}

/** The cursor that `text` is, or undefined if it is none. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch = '', digits = ''] = CURSOR.exec(text) ?? []
  const sequence = Number(digits)
  return epoch === '' || !Number.isSafeInteger(sequence) ? undefined : { epoch, sequence }
}
