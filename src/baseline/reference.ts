/**
 * What a person may call a stored baseline: its key, its digest or the beginning of that, or the name of its image. Rules
 * are tried from the exact to the loose, and the first that matches anything decides, so that a name which happens to look
 * like the beginning of a digest still means the name.
 */
import { basename } from 'node:path'
import type { ImageIdentity } from './image-identity.js'

/** Fewer digits of a digest than these are not taken for one. */
export const DIGEST_PREFIX_DIGITS = 6

/** What references are matched against; `image` is missing where the file cannot be read. */
export interface Referable {
  /** As `imageKeyOf` makes it. */
  readonly key: string
  readonly image?: ImageIdentity
}

type Rule = (ref: string, candidate: Referable) => boolean

const RULES: readonly Rule[] = [
  (ref, { key }) => ref === key,
  (ref, { key }) => ref === `sha256:${digitsOf(key)}` || ref === digitsOf(key),
  (ref, { image }) => image !== undefined && ref === image.name,
  (ref, { image }) => image?.kind === 'command' && ref === pathOf(image.name),
  (ref, { image }) => image?.kind === 'container' && isSameTag(ref, image.name),
  (ref, { image }) => image?.kind === 'container' && isUntagged(ref) && isSameName(ref, image.name),
  (ref, { image }) => image?.kind === 'command' && ref === basename(pathOf(image.name)),
  (ref, { key }) => isDigestPrefix(ref, digitsOf(key)),
]

/** The candidates that `ref` may mean: none, one, or several if it is ambiguous. */
export function matchesOf<T extends Referable>(ref: string, candidates: readonly T[]): T[] {
  for (const rule of RULES) {
    const matches = candidates.filter((candidate) => rule(ref, candidate))
    if (matches.length > 0) return matches
  }
  return []
}

function digitsOf(key: string): string {
  return key.slice(key.indexOf('-') + 1)
}

function pathOf(commandName: string): string {
  return commandName.replace(/^command:/, '')
}

function isDigestPrefix(ref: string, digits: string): boolean {
  const prefix = ref.replace(/^sha256:/, '').toLowerCase()
  return prefix.length >= DIGEST_PREFIX_DIGITS && digits.startsWith(prefix)
}

/** The same repository, and the same tag where no tag means `latest`, as container tools have it. */
function isSameTag(ref: string, name: string): boolean {
  return isSameName(ref, name) && tagOf(ref) === tagOf(name)
}

function isSameName(ref: string, name: string): boolean {
  return repositoryOf(ref) === repositoryOf(name)
}

function isUntagged(ref: string): boolean {
  return !TAG.test(ref)
}

/** A colon before a slash belongs to the port of a registry. */
const TAG = /:([^:/@]+)(?:@.*)?$/

function tagOf(name: string): string {
  return TAG.exec(name)?.[1] ?? 'latest'
}

/** Without tag, digest, and the registries that tools put in front by themselves. */
function repositoryOf(name: string): string {
  return name
    .replace(/@.*$/, '')
    .replace(TAG, '')
    .replace(/^(?:localhost\/|docker\.io\/library\/|docker\.io\/)/, '')
}
