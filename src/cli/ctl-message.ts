/** Messages as JSON, and JSON as messages, for any message by its name. Names of fields may be written as in the `.proto` files. */
import { failure, quoted } from '../errors.js'
import { plimsoll } from '../gen/plimsoll.js'
import type { MessageType } from '../service/client/methods.js'

function typeOf(name: string): MessageType {
  const types = plimsoll.v1 as unknown as Readonly<Record<string, MessageType | undefined>>
  const found = types[name]
  if (found === undefined) throw new Error(`no message ${name}`)
  return found
}

/** The message with words for enums, numbers for 64-bit numbers, and defaults for what was not sent. */
export function jsonOf(name: string, message: object): object {
  const type = typeOf(name)
  const options = { longs: Number, enums: String, bytes: String, defaults: true }
  return type.toObject(type.fromObject(message), options)
}

/** The message that the JSON text is. Throws `USAGE` for what is no object, and for fields that the message does not have. */
export function messageFrom(name: string, text: string): object {
  const refused = (problem: string): Error => failure('USAGE', { problem: `${name}: ${problem}` })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    throw refused(`this is no JSON: ${thrown instanceof Error ? thrown.message : ''}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('give a JSON object')
  }
  const object = camelCased(value) as Readonly<Record<string, unknown>>
  let message: object
  try {
    message = typeOf(name).fromObject(object)
  } catch (thrown) {
    throw refused(thrown instanceof Error ? thrown.message : String(thrown))
  }
  const unknown = unknownField(object, message)
  if (unknown !== undefined) throw refused(`it has no field ${quoted(unknown)}`)
  return message
}

/** `read_mask` may be the text with commas that the JSON of protobuf has. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const field = name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
      return [
        field,
        field === 'readMask' && typeof each === 'string'
          ? { paths: each.split(',') }
          : camelCased(each),
      ]
    }),
  )
}

/** A field of the JSON that the message, or one in it, does not know; the generated code passes over those. */
function unknownField(
  object: Readonly<Record<string, unknown>>,
  message: object,
): string | undefined {
  for (const [name, value] of Object.entries(object)) {
    const known = (message as Readonly<Record<string, unknown>>)[name]
    if (!(name in message) || typeof known === 'function') return name
    const pairs: readonly [unknown, unknown][] = Array.isArray(value)
      ? value.map((each, i) => [each, (known as readonly unknown[])[i]])
      : [[value, known]]
    for (const [part, inner] of pairs) {
      if (!isObject(part) || !isObject(inner)) continue
      const found = unknownField(part, inner)
      if (found !== undefined) return `${name}.${found}`
    }
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
