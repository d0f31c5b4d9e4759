/** How plimsoll names the image that a command stands for: by the hash of its executable. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The reference of the baseline of an executable; symbolic links are followed. */
export function commandDigest(path: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`
}
