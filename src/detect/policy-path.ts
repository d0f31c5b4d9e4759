/**
 * Paths as rules see them. `/usr/bin/../../tmp/x` is below `/usr/bin` for a pattern and below `/tmp` for the kernel, so a
 * path with such components is read both ways by rules that deny, and neither way by patterns that allow. Pure.
 */
import type { ByteString } from '../bytes.js'
import type { Pattern } from './policy-pattern.js'

/** Whether no component of the path is `.`, `..` or, between two slashes, empty. */
export function isPlainPath(path: ByteString): boolean {
  return !path.includes('//') && !/(?:^|\/)\.\.?(?:\/|$)/.test(path)
}

/** The path without such components, as far as text alone can tell; links are not followed. */
export function plainPath(path: ByteString): ByteString {
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') kept.pop()
    else if (part !== '' && part !== '.') kept.push(part)
  }
  return `${path.startsWith('/') ? '/' : ''}${kept.join('/')}` as ByteString
}

/** Whether the pattern of a rule is about the path. */
export function pathMatches(pattern: Pattern, path: ByteString, denies: boolean): boolean {
  const isPlain = isPlainPath(path)
  if (!isPlain && !denies && !pattern.isLiteral) return false
  return pattern.matches(path) || (!isPlain && denies && pattern.matches(plainPath(path)))
}
