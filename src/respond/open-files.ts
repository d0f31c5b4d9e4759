/** The open files of a container's processes: where their descriptors lead, at which position, and what their sockets are. */
import { readdir } from 'node:fs/promises'
import { textOf } from './bounded-read.js'
import { inodeAt } from './network-namespace.js'
import { linkOf } from './process-facts.js'
import { type SocketRecord, socketsOf } from './socket-tables.js'

export interface OpenFile {
  readonly fd: number
  /** As the kernel names it: a path, `socket:[INODE]`, `pipe:[INODE]`, `anon_inode:...`. */
  readonly target: string
  readonly position: number
  /** Of open(2), octal. */
  readonly flags: string
  readonly socket?: SocketRecord
}

export interface OpenFiles {
  readonly pid: number
  readonly files: readonly OpenFile[]
  /** There are more. */
  readonly truncated: boolean
}

export const MAX_FILES_EACH = 4096
const FDINFO_BYTES = 4096

/** Socket tables by network namespace: made once for each, because they are long. */
export class SocketTables {
  readonly #tables = new Map<number, Promise<ReadonlyMap<number, SocketRecord>>>()

  /** That socket, if the process's namespace, or one asked for before, has it. */
  async find(pid: number, inode: number): Promise<SocketRecord | undefined> {
    const namespace = inodeAt(`/proc/${pid}/ns/net`)
    if (namespace !== undefined && !this.#tables.has(namespace)) {
      this.#tables.set(namespace, socketsOf(pid))
    }
    const own = namespace === undefined ? undefined : await this.#tables.get(namespace)
    const found = own?.get(inode)
    if (found !== undefined) return found
    for (const table of this.#tables.values()) {
      const elsewhere = (await table).get(inode)
      if (elsewhere !== undefined) return elsewhere
    }
    return undefined
  }
}

/** What the process has open, at most so many; nothing of one that is gone. */
export async function openFilesOf(
  pid: number,
  sockets: SocketTables,
  maxFiles = MAX_FILES_EACH,
): Promise<OpenFiles> {
  const fds = (await readdir(`/proc/${pid}/fd`).catch(() => [])).map(Number).sort((a, b) => a - b)
  const files: OpenFile[] = []
  for (const fd of fds.slice(0, maxFiles)) {
    const target = await linkOf(`/proc/${pid}/fd/${fd}`)
    if (target === '') continue
    const fdinfo = await textOf(`/proc/${pid}/fdinfo/${fd}`, FDINFO_BYTES)
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    const socket = inode === undefined ? undefined : await sockets.find(pid, Number(inode))
    files.push({
      fd,
      target,
      position: Number(/^pos:\s+(\d+)$/m.exec(fdinfo)?.[1] ?? 0),
      flags: /^flags:\s+(\d+)$/m.exec(fdinfo)?.[1] ?? '',
      ...(socket === undefined ? {} : { socket }),
    })
  }
  return { pid, files, truncated: fds.length > maxFiles }
}
