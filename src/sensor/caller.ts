/** Whose doing a record tells of: three fields that all early records of the probes share. Pure. */
import type { Caller } from '../observation.js'
import type { Fields } from './fields.js'

/** What is told of the caller by the print of a map, which keeps none. */
export const NO_CALLER: Caller = { pid: 0, ppid: 0, uid: undefined }

/** Reads `<pid> <ppid> <uid>`. */
export function callerOf(fields: Fields): Caller {
  const pid = fields.decimal()
  const ppid = fields.decimal()
  const uid = fields.decimal()
  return { pid, ppid, uid }
}
