/**
 * The commands of README.md, as a reader would copy them: the lines of its `sh` blocks, in order, with what the comment
 * above a block says about how to run it.
 */
import { readFileSync } from 'node:fs'

export interface Block {
  /** The block's text, to be given to a shell. */
  readonly script: string
  /** Text after `test:` in the comment above, e.g. `status 3`; empty where there is none. */
  readonly note: string
}

/** All `sh` blocks of the file. */
export function blocksOf(path: string): readonly Block[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(/(?:<!-- test: (.*?) -->\n)?```sh\n([^]*?)```/g)].map((found) => ({
    note: found[1] ?? '',
    script: found[2] ?? '',
  }))
}
