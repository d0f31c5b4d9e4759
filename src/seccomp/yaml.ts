/**
 * Writes the few shapes of YAML that manifests need: mappings, lists of scalars, lists of mappings, in block style. What
 * is not a plain identifier is quoted, so that every version of YAML reads back the same text.
 */

/** What can be written. Fields that are undefined are left out; empty lists and mappings are the caller's to avoid. */
export type YamlValue = string | number | bigint | readonly YamlValue[] | YamlMapping

/** A mapping in the order of its keys; keys are identifiers, chosen by plimsoll. */
export interface YamlMapping {
  readonly [key: string]: YamlValue | undefined
}

/** Letters first, so that nothing plain can be read as a number or a date. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/

/** Words that YAML 1.1 or 1.2 reads as something else than text. */
const RESERVED = /^(y|n|yes|no|on|off|true|false|null)$/i

/** The document's text, with a newline at the end. Same value, same bytes. Linear in its size. */
export function yamlText(document: YamlMapping): string {
  return `${mappingLines(document).join('\n')}\n`
}

function mappingLines(mapping: YamlMapping): string[] {
  return Object.entries(mapping).flatMap(([key, value]) =>
    value === undefined ? [] : fieldLines(key, value),
  )
}

function fieldLines(key: string, value: YamlValue): string[] {
  if (isList(value)) return [`${key}:`, ...value.flatMap(itemLines)]
  if (typeof value === 'object') {
    return [`${key}:`, ...mappingLines(value).map((line) => `  ${line}`)]
  }
  return [`${key}: ${scalar(value)}`]
}

/** Items stand at the indentation of their key, a mapping's first field beside the dash. */
function itemLines(item: YamlValue): string[] {
  if (isList(item)) throw new TypeError('a list in a list is not written')
  if (typeof item !== 'object') return [`- ${scalar(item)}`]
  return mappingLines(item).map((line, at) => `${at === 0 ? '- ' : '  '}${line}`)
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value)
}

function scalar(value: string | number | bigint): string {
  if (typeof value !== 'string') return value.toString()
  return PLAIN.test(value) && !RESERVED.test(value) ? value : quotedScalar(value)
}

/** Double-quoted as in YAML 1.2, section 7.3.1, in ASCII: raw breaks and direction marks must not be in a manifest. */
function quotedScalar(text: string): string {
  const escaped = text.replaceAll(/[^\u0020-\u007e]|["\\]/gu, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    const digits = (char.codePointAt(0) ?? 0).toString(16)
    return digits.length > 4 ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
  return `"${escaped}"`
}
