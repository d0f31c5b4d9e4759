/**
 * The labels of a container, by its runtime's inspect answer. Pure. Field: Docker Engine API 1.41 and podman 4.3,
 * `Config.Labels`, in which the image's labels and those that the container was given are one.
 */
import { memberAt } from './json-fields.js'

export interface Label {
  readonly key: string
  readonly value: string
}

/** More than containers have that a rule could be about; images choose theirs, and every one would go into traces. */
export const LABEL_LIMIT = 64
/** Bytes of a key or a value. Longer texts are descriptions. */
export const LABEL_BYTES = 256

/**
 * The labels in the order of their keys, each key once, without those that are too long; undefined where the answer does not
 * tell them, or tells too many: an image that brings so many must not push out the ones that the container was given.
 */
export function labelsOf(answer: unknown): readonly Label[] | undefined {
  const found = memberAt(answer, 'Config', 'Labels')
  // What podman's command line says where there are none.
  if (found === null) return []
  if (typeof found !== 'object' || Array.isArray(found)) return undefined
  const labels: Label[] = []
  for (const [key, value] of Object.entries(found)) {
    if (key === '' || !isShort(key) || typeof value !== 'string' || !isShort(value)) continue
    labels.push({ key, value })
  }
  if (labels.length > LABEL_LIMIT) return undefined
  return labels.sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Whether these are labels as `labelsOf` gives them. */
export function areLabels(labels: readonly Label[]): boolean {
  return (
    labels.length <= LABEL_LIMIT &&
    labels.every(
      ({ key, value }, at) => key > (labels[at - 1]?.key ?? '') && isShort(key) && isShort(value),
    )
  )
}

/** A half of a surrogate pair has no encoding: it would not come back from a trace as it was. */
function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= LABEL_BYTES && !/\p{Surrogate}/u.test(text)
}
