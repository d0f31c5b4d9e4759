/**
 * Waiting for what has no event of its own: a file, a port, a process that goes away. Everything that has one (a line on
 * stderr, the end of a process) is awaited directly.
 */
import { setTimeout as pause } from 'node:timers/promises'

const STEP_MS = 20

/**
 * The first value of `look` that is neither undefined nor false. Throws, naming `what`, when `timeoutMs` have passed; a
 * `look` that throws ends the wait with its error.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await pause(STEP_MS)
  }
}
