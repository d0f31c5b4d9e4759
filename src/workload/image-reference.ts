/**
 * Whether what a user typed after --image or --container means this container. Pure. Runtimes spell one image in several
 * ways (`nginx`, `docker.io/library/nginx:latest`, `localhost/nginx`), and people type the shortest.
 */
import type { ContainerFacts } from './container-facts.js'

/** Shorter prefixes of ids are too likely to be a name, or another container. */
const MIN_ID_PREFIX = 6

interface Reference {
  readonly name: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/**
 * Whether `reference` names the container's image: by name (any tag, unless the reference has one), with or without
 * registry (`localhost/`, `docker.io/library/` and `docker.io/` may be left out), or by image id or a prefix of it of at
 * least six hexadecimal digits.
 */
export function referenceMatches(
  reference: string,
  facts: Pick<ContainerFacts, 'imageName' | 'imageDigest'>,
): boolean {
  if (isIdPrefix(reference.replace(/^sha256:/, ''), facts.imageDigest.slice('sha256:'.length))) {
    return true
  }
  const wanted = parseReference(reference)
  const actual = parseReference(facts.imageName)
  if (wanted.name === '' || !sameName(wanted.name, actual.name)) return false
  if (wanted.digest !== undefined) {
    return wanted.digest === actual.digest || wanted.digest === facts.imageDigest
  }
  // A name without a tag stands for `latest` where a container was made from it, but for every tag where one is sought.
  return wanted.tag === undefined || wanted.tag === (actual.tag ?? 'latest')
}

/** Whether `reference` is the container's name, its id, or a prefix of the id of at least six hexadecimal digits. */
export function containerMatches(
  reference: string,
  facts: Pick<ContainerFacts, 'name' | 'containerId'>,
): boolean {
  if (reference === '') return false
  return reference === facts.name || isIdPrefix(reference, facts.containerId)
}

function isIdPrefix(text: string, id: string): boolean {
  return text.length >= MIN_ID_PREFIX && /^[0-9a-f]+$/.test(text) && id.startsWith(text)
}

function parseReference(text: string): Reference {
  const [named = '', digest] = text.split('@', 2)
  // A colon before the last slash belongs to the registry's port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const name = colon < 0 ? named : named.slice(0, colon)
  return { name, tag: colon < 0 ? undefined : named.slice(colon + 1), digest }
}

function sameName(wanted: string, actual: string): boolean {
  if (wanted === actual || qualified(wanted) === qualified(actual)) return true
  return !hasRegistry(wanted) && actual === `localhost/${wanted}`
}

/** The name in full, as Docker completes it. */
function qualified(name: string): string {
  if (hasRegistry(name)) return name.replace(/^docker\.io\/([^/]+)$/, 'docker.io/library/$1')
  return name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`
}

/** The first component is a host if it has a dot or a port, or is `localhost` (distribution reference grammar). */
function hasRegistry(name: string): boolean {
  const slash = name.indexOf('/')
  if (slash < 0) return false
  const first = name.slice(0, slash)
  return first === 'localhost' || /[.:]/.test(first)
}
