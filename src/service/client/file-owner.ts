/**
 * One writer of a file at a time. Node has no file locks; a name in the abstract namespace of unix sockets (unix(7)) serves as
 * one: the kernel gives it to one process, and takes it back however that ends. It tells apart files, not their names, and
 * writers in one network namespace.
 */
import type { FileHandle } from 'node:fs/promises'
import { createServer } from 'node:net'

/** Lets go of the file. */
export type LetGo = () => Promise<void>

/** Takes the file for this process; undefined if another one, or another part of this one, has it. */
export async function ownFile(file: FileHandle): Promise<LetGo | undefined> {
  const { dev, ino } = await file.stat({ bigint: true })
  const claim = createServer((caller) => caller.destroy())
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    claim.on('error', resolve).listen(`\0plimsoll-file-${dev}-${ino}`, () => resolve(undefined))
  })
  if (problem?.code === 'EADDRINUSE') return undefined
  claim.unref()
  // Where such sockets are forbidden nobody is kept out, as it would be without any of this.
  return () => new Promise((resolve) => claim.close(() => resolve()))
}
