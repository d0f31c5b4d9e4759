/**
 * Text that a container controls: paths, command names, socket names. Kept as a string in which every UTF-16 unit is
 * one byte (Latin-1), so that it is lossless, usable as a Map key, and sorts by bytes. Nothing of this type may reach
 * a terminal, a log or a JSON view except through `displayOf`.
 */
export type ByteString = string & { readonly __bytes: unique symbol }

/** The bytes as a `ByteString`; no copy is shared with `bytes`. */
export function byteStringOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    'latin1',
  ) as ByteString
}

/** The UTF-8 encoding of ordinary text as a `ByteString`. */
export function byteStringOfText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1') as ByteString
}

/** The bytes that `text` stands for. */
export function bytesOf(text: ByteString): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** C0 and C1 controls, line separators, and the bidirectional and zero-width characters that can disguise text. */
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex -- these are the characters that must never reach a terminal
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/u

/** Printable ASCII without the backslash, as most paths are: shown as it is, which is worth knowing at once. */
const PLAIN = /^[ -[\]-~]*$/

/**
 * The text as it may be shown: valid, printable UTF-8 stays; a backslash becomes `\\`; every other byte becomes `\xNN`.
 * The result is one line, has no control characters, and distinct inputs give distinct outputs.
 */
export function displayOf(text: ByteString): string {
  if (PLAIN.test(text)) return text
  let shown = ''
  for (let at = 0; at < text.length;) {
    const unit = sequenceAt(text, at)
    const char = Buffer.from(text.slice(at, at + unit), 'latin1').toString('utf8')
    if (unit > 0 && char === '\\') shown += '\\\\'
    else if (unit > 0 && !UNPRINTABLE.test(char)) shown += char
    else {
      for (let i = at; i < at + Math.max(unit, 1); i++) shown += escaped(text.charCodeAt(i))
    }
    at += Math.max(unit, 1)
  }
  return shown
}

/** Length in bytes of the well-formed UTF-8 sequence at `at`, or 0 where there is none. */
function sequenceAt(text: string, at: number): number {
  const lead = text.charCodeAt(at)
  if (lead < 0x80) return 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0
  if (length === 0 || lead > 0xf4 || at + length > text.length) return 0
  const decoded = Buffer.from(text.slice(at, at + length), 'latin1').toString('utf8')
  // A malformed sequence decodes to U+FFFD; a genuine U+FFFD is the bytes ef bf bd.
  if (decoded.includes('\ufffd') && text.slice(at, at + 3) !== '\u00ef\u00bf\u00bd') return 0
  return length
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
