/**
 * One process appends at a time. The lock is a file that names its holder by pid, start time, pid namespace and boot; it is
 * linked into place whole, so that nobody sees half of it, and linking fails where one is (as O_EXCL does).
 *
 * A lock whose holder is gone is broken by one process only: the one that makes `LOCK.HOLDER.1` (or `.2` if the maker of `.1` is
 * gone as well, and so on). A holder's name is never used again, so that nobody who comes late can take a live lock away.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, ownIdentity, type ProcessIdentity } from '../../workload/process-stat.js'
import { memberAt, parseJson } from '../../workload/json-fields.js'

interface Holder extends ProcessIdentity {
  readonly boot: string
  /** 16 hexadecimal digits, of this holding and no other. */
  readonly name: string
}

/** An append takes milliseconds, of which most is the disk's. */
const WAIT_MS = 10_000
const POLL_MS = 4

/** Runs `work` while no other process has the lock at `path`. Throws what the file system does, and after ten seconds. */
export async function withLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const holder: Holder = { ...ownIdentity(), boot: bootId(), name: randomBytes(8).toString('hex') }
  const draft = `${path}.${holder.name}.draft`
  await writeFile(draft, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
  try {
    await acquire(path, draft)
    try {
      return await work()
    } finally {
      await unlink(path)
    }
  } finally {
    await unlink(draft)
  }
}

async function acquire(path: string, draft: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    if (await isLinked(draft, path)) return
    const holder = await holderOf(path)
    if (holder !== undefined && isGone(holder)) {
      await breakLock(path, draft, holder)
      continue
    }
    if (waitedMs >= WAIT_MS) {
      const who = holder === undefined ? 'somebody' : `process ${holder.pid}`
      throw new Error(`${who} holds ${path}`)
    }
    await sleep(POLL_MS)
  }
}

/** Removes the lock of that holder, which is gone; or lets another do it. */
async function breakLock(path: string, draft: string, gone: Holder): Promise<void> {
  const marks: string[] = []
  for (let turn = 1; ; turn++) {
    const mark = `${path}.${gone.name}.${turn}`
    marks.push(mark)
    if (await isLinked(draft, mark)) break
    const other = await holderOf(mark)
    if (other === undefined || !isGone(other)) {
      // It is being broken, or was just now.
      await sleep(POLL_MS)
      return
    }
  }
  // Whoever comes late finds another lock there, or none.
  if ((await holderOf(path))?.name === gone.name) await unlink(path)
  for (const mark of marks.toReversed()) await removed(mark)
  await removed(`${path}.${gone.name}.draft`)
}

/** What killed processes left beside the lock; nothing depends on it. */
export async function sweep(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith('.draft')) continue
    const left = join(dirname(path), name)
    const holder = await holderOf(left)
    if (holder !== undefined && isGone(holder)) await removed(left)
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw thrown
  }
}

async function removed(path: string): Promise<void> {
  await unlink(path).catch(() => undefined)
}

/** Undefined where there is no lock, or none that this plimsoll wrote. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const json = parseJson(text)
  const isHolder =
    ['pid', 'startTime', 'pidNamespace'].every(
      (name) => typeof memberAt(json, name) === 'number',
    ) &&
    typeof memberAt(json, 'boot') === 'string' &&
    /^[0-9a-f]{16}$/.test(String(memberAt(json, 'name')))
  return isHolder ? (json as Holder) : undefined
}

/** Whether it is certain that the holder does not run: pids of another namespace say nothing. */
function isGone(holder: Holder): boolean {
  if (holder.boot !== bootId()) return true
  return holder.pidNamespace === ownIdentity().pidNamespace && !isAlive(holder)
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException).code
}
