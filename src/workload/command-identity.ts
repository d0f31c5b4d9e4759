/**
 * A command's stand-in for an image: the content of the file that was started. Two builds of one program are two images;
 * the same file under two paths is one.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** Identity of a command in the terms in which images are identified. */
export interface CommandIdentity {
  readonly kind: 'command'
  /** `sha256:` of the content of the executable; of the script itself for a script, not of its interpreter. */
  readonly digest: string
  /** `command:` and the path. */
  readonly name: string
  readonly entrypoint: readonly string[]
}

/**
 * Identity of the command `argv` that resolved to the file `executable`. Reads the file once, in chunks. Rejects with the
 * file system's error when it cannot be read.
 */
export async function identityOfCommand(
  executable: string,
  argv: readonly string[],
): Promise<CommandIdentity> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(executable), hash)
  return {
    kind: 'command',
    digest: `sha256:${hash.digest('hex')}`,
    name: `command:${executable}`,
    entrypoint: [...argv],
  }
}
