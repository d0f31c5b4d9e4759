/** Writing the files of an incident: readable by root alone, whole or not at all, and on disk when it is said that they are. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quoted } from '../errors.js'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/**
 * The value as JSON that can be looked at on a terminal: control and direction characters in its strings are spelled out, as
 * `displayOf` has done already with what a container controls.
 */
export function recordText(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, member: unknown) => (typeof member === 'string' ? quoted(member) : member),
    1,
  )
  return `${text}\n`
}

/** Replaces the file: a reader sees the old one or the new one, also after a crash of the host. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const draft = draftOf(path)
  try {
    const file = await open(draft, 'wx', FILE_MODE)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    await syncDirectory(dirname(path))
  } catch (thrown) {
    await unlink(draft).catch(() => undefined)
    throw thrown
  }
}

/**
 * As `writeDurably` without waiting for the disk, so that it takes well under a millisecond: it outlives plimsoll, not the
 * host, whose containers would be gone as well. Makes the directory.
 */
export function writeAtOnce(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const draft = draftOf(path)
  writeFileSync(draft, content, { flag: 'wx', mode: FILE_MODE })
  renameSync(draft, path)
}

/** Makes names in the directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** A name that no reader of the directory takes for a file of the incident. */
function draftOf(path: string): string {
  return `${path}.${randomUUID()}.tmp`
}
