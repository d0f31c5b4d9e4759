/** Names of Kubernetes objects, and how an image's name becomes one. Pure. */

/** Longest name that also fits into a label's value; longer ones are valid, but operators put names into labels. */
const MAX_DERIVED = 63

/** Longest name of an object (RFC 1123 subdomain, as Kubernetes reads it). */
const MAX_NAME = 253

const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** Whether Kubernetes takes `text` as the name of an object. Linear in its length. */
export function isKubernetesName(text: string): boolean {
  return text.length <= MAX_NAME && SUBDOMAIN.test(text)
}

/**
 * A name for an object about the image: the last part of its name with the tag (`localhost/web:1` gives `web-1`), or,
 * where nothing of it can be used, the first digits of its digest. Always one that `isKubernetesName` accepts, of at
 * most 63 characters; two images can get the same.
 */
export function kubernetesNameOf(imageName: string, digest: string): string {
  const [named = ''] = imageName.split('@', 1)
  const last = named.slice(named.lastIndexOf('/') + 1).toLowerCase()
  const name = last
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_DERIVED)
    .replaceAll(/^-|-$/g, '')
  return name === '' ? `image-${digest.replace(/^sha256:/, '').slice(0, 12)}` : name
}
