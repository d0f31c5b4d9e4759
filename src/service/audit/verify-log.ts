/** Whether the operator log is what was written: every line is an entry as it is written, with its hash, chained to the one before. */
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { asProblem, failure } from '../../errors.js'
import { type ChainEnd, NO_LINES, parseLine } from './entry.js'
import { linesOf, type LogLine, openLog, operatorLogPath } from './log-file.js'

export interface LogVerification {
  readonly intact: boolean
  /** Entries that hold, from the first on without a break. */
  readonly entries: number
  /** Of the last of them; empty where there is none. */
  readonly lastHash: string
  /** The first line that does not hold, from 1; 0 where all do. */
  readonly firstBadLine: number
  /** What is wrong with it, as the end of a sentence about it; empty where all hold. */
  readonly problem: string
}

/** An entry that is being written just now is whole soon. */
const LOOKS = 8
const LOOK_MS = 25

/**
 * Reads the log of the state directory to its end, or to the first line that does not hold. With `knownHash`, a hash that was noted
 * before, one of the entries must have it, or lines were cut off the end: the first missing one is then named. A log that is
 * missing is an empty one. Throws `AUDIT_UNREADABLE`. Cost: the time to read and hash the file.
 */
export async function verifyOperatorLog(
  stateDirectory: string,
  knownHash = '',
): Promise<LogVerification> {
  const path = operatorLogPath(stateDirectory)
  let file: FileHandle | undefined
  try {
    file = await openLog(path)
    return await verified(file, knownHash)
  } catch (thrown) {
    throw failure('AUDIT_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  } finally {
    await file?.close()
  }
}

async function verified(file: FileHandle | undefined, knownHash: string): Promise<LogVerification> {
  let last: ChainEnd = NO_LINES
  let isKnown = knownHash === ''
  let offset = 0
  const found = (problem: string): LogVerification => ({
    intact: problem === '',
    entries: last.sequence,
    lastHash: last === NO_LINES ? '' : last.hash,
    firstBadLine: problem === '' ? 0 : last.sequence + 1,
    problem,
  })
  for (let look = 1; file !== undefined; look++) {
    let isTorn = false
    for await (const line of linesOf(file, offset)) {
      isTorn = !line.isEnded
      if (isTorn) break
      const next = nextOf(line, last)
      if (typeof next === 'string') return found(next)
      last = next
      offset = line.end
      isKnown ||= next.hash === knownHash
    }
    if (!isTorn) break
    if (look === LOOKS)
      return found('it is not finished: its writing was interrupted, or it was cut')
    await sleep(LOOK_MS)
  }
  return found(isKnown ? '' : 'it is missing: no entry has the hash that was noted')
}

function nextOf({ bytes }: LogLine, last: ChainEnd): ChainEnd | string {
  const entry = parseLine(bytes)
  if (typeof entry === 'string') return entry
  if (entry.sequence !== last.sequence + 1) {
    return `its sequence is ${entry.sequence}, where ${last.sequence + 1} comes: lines were removed or added`
  }
  if (entry.previous !== last.hash) return 'it does not continue the line before it'
  return entry
}
