/**
 * Which image a baseline is of. Identity is kind and digest; names move from one image to another and are for people.
 */
import type { ByteString } from '../bytes.js'
import { failure } from '../errors.js'
import { boundedBytes, boundedText, ENTRYPOINT_LIMIT, PATH_BYTES } from './limits.js'

/** In the order of their codes on disk, from 1. */
export const IMAGE_KINDS = ['container', 'command'] as const
export type ImageKind = (typeof IMAGE_KINDS)[number]

export interface ImageIdentity {
  readonly kind: ImageKind
  /** `sha256:` and 64 lower-case hexadecimal digits: the runtime's image id, or the hash of the executable. */
  readonly digest: string
  /** The name with tag, or what else a person would call it. */
  readonly name: string
  /** Entrypoint and arguments. */
  readonly entrypoint: readonly ByteString[]
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Whether `text` is a digest as `ImageIdentity` wants it; such a text is safe in a file name. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

/** Kind and digest in one word that is safe as a file name: `container-<64 hex>`. */
export function imageKeyOf(image: Pick<ImageIdentity, 'kind' | 'digest'>): string {
  return `${image.kind}-${image.digest.slice('sha256:'.length)}`
}

/** The identity within the model's bounds, as a copy. Throws `BAD_DIGEST`. */
export function boundedImage(image: ImageIdentity): ImageIdentity {
  if (!isDigest(image.digest)) throw failure('BAD_DIGEST', { digest: image.digest })
  return {
    kind: image.kind,
    digest: image.digest,
    name: boundedText(image.name),
    entrypoint: image.entrypoint
      .slice(0, ENTRYPOINT_LIMIT)
      .map((argument) => boundedBytes(argument, PATH_BYTES)),
  }
}
