/** What ails the disk, in a line, when to try again, and whether it takes data again. */
import { type FileHandle, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { asProblem, PlimsollError, quoted } from '../../errors.js'
import { isCorruption } from './journal-store.js'

const PROBE = 'plimsoll.probe'
const PROBE_BYTES = 4096
/** Beyond the log that LevelDB turns into a table when it opens: that table's index, a new log, a new manifest. */
const SLACK_BYTES = 256 * 1024

/** Between tries, doubled from the one to the other. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5000

/** What ails it now. */
export class Trouble {
  #problem: string | undefined
  #retryMs = FIRST_RETRY_MS
  #corruptions = 0

  /**
   * LevelDB met damage twice while it wrote, with a new try in between: it cannot rearrange its tables, and will never write for
   * long with them.
   */
  get isDamaged(): boolean {
    return this.#corruptions > 1
  }

  /** Another database is in the place of the damaged one. */
  replaced(): void {
    this.#corruptions = 0
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** How long to wait before the next try. */
  get retryMs(): number {
    return this.#retryMs
  }

  /** It failed (again); whether that has another reason than before. */
  met(thrown: unknown): boolean {
    const [before, problem] = [this.#problem, diskProblem(thrown)]
    this.#retryMs =
      before === undefined ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, LAST_RETRY_MS)
    this.#problem = problem
    if (isCorruption(thrown)) this.#corruptions++
    return problem !== before
  }

  /** It works; whether it did not before. */
  over(): boolean {
    const wasMet = this.#problem !== undefined
    this.#problem = undefined
    return wasMet
  }
}

/** The reason of LevelDB or the system without paths; one line, printable. */
export function diskProblem(thrown: unknown): string {
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown }
  if (thrown instanceof PlimsollError) return thrown.message
  const inner = code === 'LEVEL_DATABASE_NOT_OPEN' && cause !== undefined ? cause : thrown
  return quoted(asProblem(inner).replace(/^IO error: .*: ([^:]+)$/s, '$1'))
}

/**
 * Rejects if it is of no use to open the database again, because the disk would not take its data. So a database that can still
 * be read is not given up for one that cannot be opened.
 */
export async function probeDisk(directory: string): Promise<void> {
  let neededBytes = SLACK_BYTES
  for (const name of await readdir(directory)) {
    if (name.endsWith('.log')) neededBytes += (await stat(join(directory, name))).size
  }
  const { blocks, bfree, bsize } = await statfs(directory)
  if (blocks > 0 && bfree * bsize < neededBytes) throw new Error('No space left on device')
  const path = join(directory, PROBE)
  let file: FileHandle | undefined
  try {
    file = await open(path, 'w', 0o600)
    await file.writeFile(Buffer.alloc(PROBE_BYTES, 1))
    await file.sync()
  } finally {
    await file?.close()
    await rm(path, { force: true }).catch(() => undefined)
  }
}
