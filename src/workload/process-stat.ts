/**
 * What `/proc/PID/stat` says of a process: whether it is still the same one, and whether it owns the terminal. Fields by
 * their numbers in proc_pid_stat(5).
 */
import { readFileSync, readlinkSync } from 'node:fs'

/** The fields that plimsoll uses. */
export interface ProcessStat {
  readonly pid: number
  /** Field 5, the process group. */
  readonly processGroup: number
  /** Field 7, 0 without a controlling terminal. */
  readonly terminal: number
  /** Field 8, the foreground process group of the terminal, or -1. */
  readonly foregroundGroup: number
  /** Field 22, in clock ticks since boot. With the pid it names a process for as long as the host is up. */
  readonly startTime: number
}

/** A process named so that a later process with the same pid is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: number
  /** Inode of the pid namespace in which `pid` means this process. */
  readonly pidNamespace: number
}

/** The text of a stat file; undefined when it is not one. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The second field is the command name in parentheses, which may itself hold spaces and parentheses.
  const close = text.lastIndexOf(')')
  if (close < 0) return undefined
  // What follows the name starts with field 3.
  const fields = text.slice(close + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3] ?? Number.NaN)
  const stat = {
    pid: Number.parseInt(text, 10),
    processGroup: field(5),
    terminal: field(7),
    foregroundGroup: field(8),
    startTime: field(22),
  }
  return Object.values(stat).every(Number.isSafeInteger) ? stat : undefined
}

/** The process with that pid (or `self`) now; undefined when there is none. */
export function readProcessStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** This process. Throws when /proc is not mounted. */
export function ownIdentity(): ProcessIdentity {
  const stat = parseProcessStat(readFileSync('/proc/self/stat', 'utf8'))
  const namespace = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1]
  if (stat === undefined || namespace === undefined) throw new Error('/proc/self is not readable')
  return { pid: stat.pid, startTime: stat.startTime, pidNamespace: Number(namespace) }
}

/** Whether that process still runs; only meaningful in the pid namespace of the identity. */
export function isAlive(identity: ProcessIdentity): boolean {
  return readProcessStat(identity.pid)?.startTime === identity.startTime
}
