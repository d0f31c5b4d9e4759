/**
 * What of a change to the `.proto` files would break clients that were built before it: whatever is there keeps its name, its
 * number and its kind, and what was ever reserved stays so. Adding breaks nothing. Pure.
 */
import {
  type EnumDescriptor,
  filesOf,
  type MessageDescriptor,
  type ServiceDescriptor,
} from './descriptor-set.js'

/** What is numbered or named in one scope, each with all about it that must not change. */
interface Scope {
  readonly kind: 'message' | 'enum' | 'service'
  /** By number, or by name for methods. */
  readonly members: ReadonlyMap<number | string, Readonly<Record<string, string>>>
  /** First and last number, both reserved. */
  readonly reservedNumbers: readonly (readonly [first: number, last: number])[]
  readonly reservedNames: ReadonlySet<string>
}

/**
 * One line for each, empty if there are none. Both are google.protobuf.FileDescriptorSet; files of google.protobuf are left out.
 */
export function breakingChanges(before: Uint8Array, after: Uint8Array): readonly string[] {
  const [old, current] = [scopesOf(before), scopesOf(after)]
  return [...old].flatMap(([name, scope]) => {
    const now = current.get(name)
    if (now === undefined) return [`${name}: this ${scope.kind} is gone`]
    if (now.kind !== scope.kind) return [`${name}: it was a ${scope.kind} and is a ${now.kind}`]
    return [...changedMembers(name, scope, now), ...changedReserves(name, scope, now)]
  })
}

function changedMembers(scope: string, before: Scope, after: Scope): readonly string[] {
  return [...before.members].flatMap(([key, was]) => {
    const is = after.members.get(key)
    const member = `${scope}.${was['name'] ?? key}`
    if (is === undefined) return [`${member}: it is gone`]
    return Object.keys(was)
      .filter((property) => was[property] !== is[property])
      .map((property) => `${member}: ${property} was ${was[property]} and is ${is[property]}`)
  })
}

function changedReserves(scope: string, before: Scope, after: Scope): readonly string[] {
  const names = [...before.reservedNames]
  return [
    ...before.reservedNumbers
      .filter(([first, last]) => !isCovered(first, last, after.reservedNumbers))
      .map(([first, last]) => `${scope}: ${first} to ${last} is not reserved any more`),
    ...names
      .filter((name) => !after.reservedNames.has(name))
      .map((name) => `${scope}: the name ${name} is not reserved any more`),
    ...[...after.members].flatMap(([key, { name = '' }]) => {
      const isReserved = before.reservedNumbers.some(
        ([first, last]) => Number(key) >= first && Number(key) <= last,
      )
      if (isReserved) return [`${scope}.${name}: its number ${key} was reserved`]
      return before.reservedNames.has(name) ? [`${scope}.${name}: its name was reserved`] : []
    }),
  ]
}

/** True if ranges have all of it, one by itself or several side by side. */
function isCovered(first: number, last: number, ranges: Scope['reservedNumbers']): boolean {
  let next = first
  for (const [from, to] of [...ranges].sort(([one], [other]) => one - other)) {
    if (from <= next && to >= next) next = to + 1
  }
  return next > last
}

/** By full name. */
function scopesOf(bytes: Uint8Array): ReadonlyMap<string, Scope> {
  return new Map(
    filesOf(bytes)
      .filter((each) => each.package !== 'google.protobuf')
      .flatMap(({ package: scope, messageType, enumType, service }) => [
        ...(messageType ?? []).flatMap((message) => messageScopes(scope ?? '', message)),
        ...(enumType ?? []).map((each) => enumScope(scope ?? '', each)),
        ...(service ?? []).map((each) => serviceScope(scope ?? '', each)),
      ]),
  )
}

type NamedScope = [name: string, scope: Scope]

function messageScopes(parent: string, message: MessageDescriptor): readonly NamedScope[] {
  const name = `${parent}.${message.name}`
  const oneofs = message.oneofDecl ?? []
  const members = (message.field ?? []).map((field) => {
    const { proto3Optional = false } = field
    // An optional field is in a oneof of its own, which is not in the source.
    const isInOneof = field.oneofIndex !== undefined && !proto3Optional
    const facts = {
      name: field.name,
      type: `${field.type} ${field.typeName ?? ''}`.trim(),
      label: field.label,
      oneof: isInOneof ? String(oneofs[field.oneofIndex ?? 0]?.name) : 'none',
      presence: proto3Optional ? 'explicit' : 'implicit',
    }
    return [field.number, facts] as const
  })
  // The end of a range of fields is excluded, that of one of enum values is not.
  const ranges = (message.reservedRange ?? []).map(
    ({ start, end }) => [start ?? 0, (end ?? 0) - 1] as const,
  )
  const scope: Scope = {
    kind: 'message',
    members: new Map(members),
    reservedNumbers: ranges,
    reservedNames: new Set(message.reservedName ?? []),
  }
  return [
    [name, scope],
    ...(message.nestedType ?? []).flatMap((nested) => messageScopes(name, nested)),
    ...(message.enumType ?? []).map((each) => enumScope(name, each)),
  ]
}

function enumScope(parent: string, each: EnumDescriptor): NamedScope {
  const members = (each.value ?? []).map(({ name, number }) => [number, { name }] as const)
  const ranges = (each.reservedRange ?? []).map(({ start, end }) => [start ?? 0, end ?? 0] as const)
  const scope: Scope = {
    kind: 'enum',
    members: new Map(members),
    reservedNumbers: ranges,
    reservedNames: new Set(each.reservedName ?? []),
  }
  return [`${parent}.${each.name}`, scope]
}

function serviceScope(parent: string, service: ServiceDescriptor): NamedScope {
  const members = (service.method ?? []).map((method) => {
    const facts = {
      request: `${method.clientStreaming === true ? 'stream ' : ''}${method.inputType}`,
      response: `${method.serverStreaming === true ? 'stream ' : ''}${method.outputType}`,
    }
    return [method.name, facts] as const
  })
  const scope: Scope = {
    kind: 'service',
    members: new Map(members),
    reservedNumbers: [],
    reservedNames: new Set(),
  }
  return [`${parent}.${service.name}`, scope]
}
