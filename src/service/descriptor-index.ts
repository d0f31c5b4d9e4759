/**
 * The descriptors of all `.proto` files, by file name and by the symbols they declare, as reflection hands them out: the bytes
 * that protoc wrote, not made anew. Knows of the format (google/protobuf/descriptor.proto) only the names.
 */
import protobuf from 'protobufjs/minimal.js'

/** One file. */
export interface DescribedFile {
  readonly name: string
  readonly imports: readonly string[]
  /** A serialized google.protobuf.FileDescriptorProto. */
  readonly bytes: Uint8Array
  /** Full names of all that it declares. */
  readonly symbols: readonly string[]
  /** Those of its services. */
  readonly services: readonly string[]
}

export class DescriptorIndex {
  readonly #byName = new Map<string, DescribedFile>()
  readonly #bySymbol = new Map<string, DescribedFile>()

  /** `bytes` is a google.protobuf.FileDescriptorSet. Throws for what is none. */
  constructor(bytes: Uint8Array) {
    for (const file of fieldsOf(bytes).messages(1)) {
      const described = describedFile(file)
      this.#byName.set(described.name, described)
      for (const symbol of described.symbols) this.#bySymbol.set(symbol, described)
    }
  }

  get files(): readonly DescribedFile[] {
    return [...this.#byName.values()]
  }

  /** The file of that name and all that it imports, itself first; empty if there is none. */
  withImports(name: string): readonly DescribedFile[] {
    const found = new Set<DescribedFile>()
    const add = (each: string): void => {
      const file = this.#byName.get(each)
      if (file === undefined || found.has(file)) return
      found.add(file)
      file.imports.forEach(add)
    }
    add(name)
    return [...found]
  }

  /** The file that declares the symbol and all that it imports. */
  declaring(symbol: string): readonly DescribedFile[] {
    const file = this.#bySymbol.get(symbol)
    return file === undefined ? [] : this.withImports(file.name)
  }

  /** True for a message; its extensions, of which there are none, can be asked for. */
  declares(symbol: string): boolean {
    return this.#bySymbol.has(symbol)
  }
}

/** Numbers of the fields in google/protobuf/descriptor.proto; `name` is 1 everywhere. */
const NAME = 1
const FILE = { package: 2, dependency: 3, message: 4, enum: 5, service: 6 } as const
const MESSAGE = { field: 2, nested: 3, enum: 4, oneof: 8 } as const
const ENUM_VALUE = 2
const SERVICE_METHOD = 2

function describedFile(bytes: Uint8Array): DescribedFile {
  const file = fieldsOf(bytes)
  const [scope = ''] = file.texts(FILE.package)
  const services = file.messages(FILE.service).map((service) => under(scope, service))
  const symbols = [
    ...file.messages(FILE.message).flatMap((message) => messageSymbols(scope, message)),
    ...file.messages(FILE.enum).flatMap((each) => enumSymbols(scope, each)),
    ...file.messages(FILE.service).flatMap((service) => {
      const name = under(scope, service)
      return [
        name,
        ...fieldsOf(service)
          .messages(SERVICE_METHOD)
          .map((each) => under(name, each)),
      ]
    }),
  ]
  const [name = ''] = file.texts(NAME)
  return { name, imports: file.texts(FILE.dependency), bytes, symbols, services }
}

function messageSymbols(scope: string, bytes: Uint8Array): readonly string[] {
  const message = fieldsOf(bytes)
  const name = under(scope, bytes)
  const members = [...message.messages(MESSAGE.field), ...message.messages(MESSAGE.oneof)]
  return [
    name,
    ...members.map((member) => under(name, member)),
    ...message.messages(MESSAGE.nested).flatMap((nested) => messageSymbols(name, nested)),
    ...message.messages(MESSAGE.enum).flatMap((each) => enumSymbols(name, each)),
  ]
}

/** Values are named beside their enum, not in it. */
function enumSymbols(scope: string, bytes: Uint8Array): readonly string[] {
  const values = fieldsOf(bytes).messages(ENUM_VALUE)
  return [under(scope, bytes), ...values.map((value) => under(scope, value))]
}

function under(scope: string, bytes: Uint8Array): string {
  const [name = ''] = fieldsOf(bytes).texts(NAME)
  return scope === '' ? name : `${scope}.${name}`
}

interface Fields {
  messages(number: number): readonly Uint8Array[]
  texts(number: number): readonly string[]
}

/** The length-delimited fields of a message, in their order. */
function fieldsOf(bytes: Uint8Array): Fields {
  const reader = protobuf.Reader.create(bytes)
  const fields: { readonly number: number; readonly content: Uint8Array }[] = []
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if ((tag & 7) === 2) fields.push({ number: tag >>> 3, content: reader.bytes() })
    else reader.skipType(tag & 7)
  }
  const messages = (number: number): readonly Uint8Array[] =>
    fields.filter((field) => field.number === number).map(({ content }) => content)
  return {
    messages,
    texts: (number) => messages(number).map((content) => Buffer.from(content).toString('utf8')),
  }
}
