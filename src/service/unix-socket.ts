/**
 * A unix socket that only those may open who are meant to, from the first moment on and whatever the umask is: it is bound in a
 * private directory, given its group and mode, and only then linked to where clients look for it:
 *
 *   DIR/.sXXXXXX/s  --link-->  DIR/learn.sock
 *
 * Linking fails where something is, so that two servers cannot both believe that they have the path. What a killed server
 * left there is removed; nothing that answers, and nothing that is no socket.
 */
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { asProblem, failure, PlimsollError } from '../errors.js'

/** A socket at its path. */
export interface PublishedSocket {
  /** Removes it, unless another server has the path by now. Idempotent, never throws. */
  remove(): Promise<void>
}

/** Who may open a socket. */
export interface SocketAccess {
  /** 0600, 0660 or 0666. */
  readonly mode: number
  /** Name of a group in /etc/group, or its number; the process's own if it is not given. */
  readonly group?: string | undefined
}

const OWNER_ONLY: SocketAccess = { mode: 0o600 }

/**
 * Lets `bind` listen on a path that it is given, and publishes that socket at `path`. A directory that is missing is made, and
 * may be searched by whoever may open the socket. Throws `LISTEN_FAILED`; what `bind` has bound is then the caller's to close.
 */
export async function publishSocket(
  path: string,
  bind: (stagingPath: string) => Promise<void>,
  access = OWNER_ONLY,
): Promise<PublishedSocket> {
  try {
    const directory = dirname(path)
    const gid = await groupId(access.group)
    await prepareDirectory(path, directory, access.mode, gid)
    const staging = await mkdtemp(join(directory, '.s'))
    try {
      await chmod(staging, 0o700)
      const bound = join(staging, 's')
      await bind(bound)
      if (gid !== undefined) await chown(bound, -1, gid)
      await chmod(bound, access.mode)
      const { dev, ino } = await lstat(bound)
      await linkAt(bound, path)
      return { remove: () => removeIfSame(path, dev, ino) }
    } finally {
      await rm(staging, { recursive: true, force: true })
    }
  } catch (thrown) {
    if (thrown instanceof PlimsollError) throw thrown
    throw failed(path, asProblem(thrown), thrown)
  }
}

async function prepareDirectory(
  path: string,
  directory: string,
  socketMode: number,
  gid: number | undefined,
): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 })
  for (let each = directory; made !== undefined; each = dirname(each)) {
    if (gid !== undefined) await chown(each, -1, gid)
    // The mode given to mkdir is subject to the umask.
    await chmod(each, directoryMode(socketMode))
    if (each === made) break
  }
  const { mode } = await stat(directory)
  const isSticky = (mode & 0o1000) !== 0
  if ((mode & 0o002) !== 0 && !isSticky) {
    throw failed(path, 'anyone may replace files in its directory')
  }
}

/** Whoever may write to the socket may search its directory. */
function directoryMode(socketMode: number): number {
  const forGroup = (socketMode & 0o020) === 0 ? 0 : 0o050
  const forOthers = (socketMode & 0o002) === 0 ? 0 : 0o005
  return 0o700 | forGroup | forOthers
}

async function groupId(group: string | undefined): Promise<number | undefined> {
  if (group === undefined) return undefined
  if (/^\d{1,9}$/.test(group)) return Number(group)
  for (const line of (await readFile('/etc/group', 'utf8')).split('\n')) {
    const [name, , gid] = line.split(':')
    if (name === group && gid !== undefined) return Number(gid)
  }
  throw new Error(`/etc/group has no group ${group}`)
}

async function linkAt(bound: string, path: string): Promise<void> {
  try {
    await link(bound, path)
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    await removeStale(path)
    await link(bound, path)
  }
}

/** Removes a socket on which nothing answers. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path)
  if (!found.isSocket()) throw failed(path, 'there is a file that is no socket')
  if (await isAnswered(path)) throw failed(path, 'another program listens there')
  await removeIfSame(path, found.dev, found.ino)
}

/** True unless it is certain that nobody listens: a server that has no time or lets nobody in is one, too. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      answer(true)
    })
    socket.once('error', (error) => {
      const code = codeOf(error)
      answer(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}

async function removeIfSame(path: string, dev: number, ino: number): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  // A path that is gone or cannot be removed is found stale by the next server.
  if (found?.dev === dev && found.ino === ino) await unlink(path).catch(() => undefined)
}

function failed(path: string, problem: string, cause?: unknown): PlimsollError {
  return failure('LISTEN_FAILED', { path, problem }, cause)
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException).code
}
