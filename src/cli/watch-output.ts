/**
 * Where `plimsoll watch` puts events, and how it remembers its place: nowhere, in a cursor file that follows what was handed to stdout,
 * or in the lines of a file itself.
 */
import type { CursorFile, WatchEvent, WatchRequest } from '../client.js'
import { jsonText } from '../engine/json-text.js'
import type { Terminal } from './terminal.js'
import { watchLine } from './watch-line.js'
import { watchText } from './watch-text.js'

export interface WatchOutput {
  /** The request with the start that is remembered. */
  from(request: WatchRequest): WatchRequest
  /** Remembers where the first stream begins, if nothing was remembered before. */
  begin(cursor: string): Promise<void>
  /** False if the reader went away. */
  write(event: WatchEvent): Promise<boolean>
  /** All is on disk. */
  close(): Promise<void>
}

export interface OutputFlags {
  readonly out?: string
  readonly cursorFile?: string
  readonly json?: boolean
  readonly fields?: string
}

export async function watchOutput(terminal: Terminal, flags: OutputFlags): Promise<WatchOutput> {
  const { eventFile, resumable } = await import('../client.js')
  if (flags.out !== undefined) return fileOutput(await eventFile(flags.out), flags.fields)
  const place = flags.cursorFile === undefined ? undefined : await resumable(flags.cursorFile)
  const isJson = flags.json === true || flags.fields !== undefined || terminal.isPiped
  const lineOf = (event: WatchEvent): string | undefined =>
    isJson ? jsonText(watchLine(event, flags.fields)) : watchText(event)
  return streamOutput(terminal, place, lineOf)
}

function fileOutput(
  file: Awaited<ReturnType<typeof import('../client.js').eventFile>>,
  fields: string | undefined,
): WatchOutput {
  return {
    from: (request) => file.from(request),
    begin: async (cursor) => {
      if (file.cursor !== undefined || cursor === 'now') return
      await file.append({ type: 'start', cursor } as { readonly cursor: string })
    },
    write: async (event) => {
      await file.append(watchLine(event, fields))
      return true
    },
    close: () => file.close(),
  }
}

function streamOutput(
  terminal: Terminal,
  place: CursorFile | undefined,
  lineOf: (event: WatchEvent) => string | undefined,
): WatchOutput {
  let failed: { readonly error: unknown } | undefined
  let saving = Promise.resolve()
  return {
    from: (request) => place?.from(request) ?? request,
    begin: async (cursor) => {
      if (place?.cursor === undefined) await place?.save(cursor)
    },
    write: async (event) => {
      if (failed !== undefined) throw failed.error
      const line = lineOf(event)
      if (line !== undefined && !(await terminal.hand(`${line}\n`))) return false
      if (place === undefined) return true
      // The disk may take its time; what is remembered is never ahead of what was handed over.
      saving = place.done(event).catch((error: unknown) => {
        failed = { error }
      })
      return true
    },
    close: async () => {
      await saving
      if (failed !== undefined) throw failed.error
    },
  }
}
