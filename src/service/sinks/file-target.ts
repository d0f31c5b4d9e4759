/** Events as lines of JSON in a file that is rotated. A batch is on disk before the sink goes on; a full disk is waited for. */
import { eventJson } from './event-json.js'
import { LogFile, type LogFileOptions } from './log-file.js'
import { type AnomalyEncoder, delivered, type Target } from './target.js'

export interface FileTargetOptions extends LogFileOptions {
  readonly node: string
  readonly view: AnomalyEncoder
}

/** Rejects if something that is no regular file is at the path now. */
export async function fileTarget({
  node,
  view,
  ...options
}: FileTargetOptions): Promise<Target<string>> {
  const found = await options.fs.lstat(options.path).catch(() => undefined)
  if (found !== undefined && !found.isFile()) throw new Error(`${options.path} is no regular file`)
  const file = new LogFile(options)
  return {
    encode: (message) => `${eventJson(message, node, view)}\n`,
    deliver: async (lines) => delivered(await file.append(lines)),
    close: () => file.close(),
  }
}
