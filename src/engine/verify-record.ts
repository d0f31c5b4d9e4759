/** The outcome of a verification, kept in the provenance beside the profile. */
import { readFile } from 'node:fs/promises'
import { isObject } from '../seccomp/problem.js'
import { writeWhole } from '../write-file.js'
import { jsonText } from './json-text.js'
import { provenancePath } from './profile.js'
import type { Verification } from './verify.js'

/**
 * Writes it as `verified` into the provenance of the profile, where there is one; it names the SHA-256 of the profile, so
 * that it does not speak of a later one. Returns whether there was one to write to. Throws `FILE_UNWRITABLE`.
 */
export async function recordVerification(verification: Verification): Promise<boolean> {
  const path = provenancePath(verification.path)
  const provenance = await objectAt(path)
  if (provenance === undefined) return false
  const { sha256, atMs, engine, runtime, kernel, command, runs, verdict } = verification
  const verified = {
    result: verdict.result,
    sha256,
    at: new Date(atMs).toISOString(),
    engine,
    runtime,
    kernel,
    command,
    times: runs.length,
  }
  await writeWhole(path, `${jsonText({ ...provenance, verified }, 2)}\n`)
  return true
}

async function objectAt(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const document = JSON.parse(await readFile(path, 'utf8')) as unknown
    return isObject(document) ? document : undefined
  } catch {
    return undefined
  }
}
