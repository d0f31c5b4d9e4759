/** A google.protobuf.FileDescriptorSet as plain values: what is not set is missing. Of each message only what is compared. */
import { createRequire } from 'node:module'
import protobuf from 'protobufjs'

export interface FileDescriptor {
  readonly name?: string
  readonly package?: string
  readonly messageType?: readonly MessageDescriptor[]
  readonly enumType?: readonly EnumDescriptor[]
  readonly service?: readonly ServiceDescriptor[]
}

export interface MessageDescriptor {
  readonly name: string
  readonly field?: readonly FieldDescriptor[]
  readonly nestedType?: readonly MessageDescriptor[]
  readonly enumType?: readonly EnumDescriptor[]
  readonly oneofDecl?: readonly { readonly name: string }[]
  /** The end is excluded. */
  readonly reservedRange?: readonly NumberRange[]
  readonly reservedName?: readonly string[]
}

export interface FieldDescriptor {
  readonly name: string
  readonly number: number
  readonly label: string
  readonly type: string
  readonly typeName?: string
  readonly oneofIndex?: number
  readonly proto3Optional?: boolean
}

export interface EnumDescriptor {
  readonly name: string
  readonly value?: readonly { readonly name: string; readonly number: number }[]
  /** The end is included. */
  readonly reservedRange?: readonly NumberRange[]
  readonly reservedName?: readonly string[]
}

export interface NumberRange {
  readonly start?: number
  readonly end?: number
}

export interface ServiceDescriptor {
  readonly name: string
  readonly method?: readonly MethodDescriptor[]
}

export interface MethodDescriptor {
  readonly name: string
  readonly inputType: string
  readonly outputType: string
  readonly clientStreaming?: boolean
  readonly serverStreaming?: boolean
}

/** The files in it. Throws for what is none. */
export function filesOf(bytes: Uint8Array): readonly FileDescriptor[] {
  const path = createRequire(import.meta.url).resolve('protobufjs/google/protobuf/descriptor.proto')
  const type = protobuf.loadSync(path).lookupType('google.protobuf.FileDescriptorSet')
  const set = type.toObject(type.decode(bytes), { enums: String })
  return (set as { readonly file?: readonly FileDescriptor[] }).file ?? []
}
