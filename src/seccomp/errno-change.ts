/**
 * Recognises the one change of a profile that may have no effect: crun (seen in 1.21 to 1.28) caches compiled filters
 * under a hash of everything but a rule's `errnoRet`, so two documents that differ in that alone share one filter.
 */
import { EPERM } from './profile.js'
import { fieldOf, isObject } from './problem.js'

/**
 * Whether the documents differ, and only in the errnos that rules return. `defaultErrnoRet` is part of the hash, so a
 * change of it is an ordinary change. An errno left out counts as EPERM, which is what runtimes return for it.
 */
export function isErrnoOnlyChange(before: unknown, after: unknown): boolean {
  return (
    hashedPartOf(before) === hashedPartOf(after) &&
    JSON.stringify(errnosOf(before)) !== JSON.stringify(errnosOf(after))
  )
}

/** What crun's cache tells documents apart by. */
function hashedPartOf(document: unknown): string {
  return textOf([
    fieldsOf(document, ['defaultAction', 'defaultErrnoRet', 'flags', 'architectures']),
    rulesOf(document).map((rule) => fieldsOf(rule, ['action', 'names', 'args'])),
  ])
}

function errnosOf(document: unknown): unknown[] {
  return rulesOf(document).map((rule) => fieldsOf(rule, ['errnoRet'])[0] ?? EPERM)
}

function rulesOf(document: unknown): readonly unknown[] {
  const rules = isObject(document) ? fieldOf(document, 'syscalls') : undefined
  return Array.isArray(rules) ? rules : []
}

function fieldsOf(value: unknown, keys: readonly string[]): unknown[] {
  return keys.map((key) => (isObject(value) ? fieldOf(value, key) : undefined))
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? item.toString() : item,
  )
}
