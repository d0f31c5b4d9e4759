/**
 * What procfs tells of one process: who it is, what it runs, where, with which privileges. Of its environment the names alone,
 * because values are where secrets are. Everything is a process's own choice and shown through `displayOf`.
 */
import { readlink } from 'node:fs/promises'
import { byteStringOf, displayOf, type ByteString } from '../bytes.js'
import { parseProcessStat } from '../workload/process-stat.js'
import { readBounded, textOf } from './bounded-read.js'

export interface ProcessRecord {
  readonly pid: number
  readonly ppid: number
  /** In its own pid namespace and those above it, the host's first. */
  readonly namespacePids: readonly number[]
  readonly comm: string
  readonly state: string
  /** Real, effective, saved, of the file system. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly exe: string
  readonly commandLine: readonly string[]
  readonly commandLineCut: boolean
  readonly cwd: string
  readonly root: string
  /** In clock ticks since boot. */
  readonly startTicks: number
  readonly threads: number
  readonly noNewPrivileges: boolean
  readonly seccomp: string
  /** Hexadecimal sets. */
  readonly capabilities: Readonly<Record<string, string>>
  readonly environmentNames: readonly string[]
  /** Entries that are no `NAME=value`, or beyond what is read. */
  readonly environmentOthers: number
}

const STATUS_BYTES = 64 * 1024
const COMMAND_LINE_BYTES = 4096
const ENVIRONMENT_BYTES = 64 * 1024
const MAX_NAMES = 512
const SECCOMP_MODES = ['disabled', 'strict', 'filter']
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/

/** The facts; undefined for a process that is gone. What is gone meanwhile is empty. */
export async function processRecord(pid: number): Promise<ProcessRecord | undefined> {
  const directory = `/proc/${pid}`
  const stat = parseProcessStat(await textOf(`${directory}/stat`, STATUS_BYTES))
  const status = statusOf(await textOf(`${directory}/status`, STATUS_BYTES))
  if (stat === undefined || status.size === 0) return undefined
  const numbers = (name: string): readonly number[] =>
    (status.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number)
  const comm = await textOf(`${directory}/comm`, 256)
  const argv = await readBounded(`${directory}/cmdline`, COMMAND_LINE_BYTES).catch(() => undefined)
  const environment = environmentOf(await textOf(`${directory}/environ`, ENVIRONMENT_BYTES))
  return {
    pid,
    ppid: numbers('PPid')[0] ?? 0,
    namespacePids: numbers('NSpid'),
    comm: shown(comm.replace(/\n$/, '')),
    state: status.get('State') ?? '',
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    exe: await linkOf(`${directory}/exe`),
    commandLine: argv === undefined ? [] : wordsOf(argv.bytes.toString('latin1')),
    commandLineCut: argv?.cut ?? false,
    cwd: await linkOf(`${directory}/cwd`),
    root: await linkOf(`${directory}/root`),
    startTicks: stat.startTime,
    threads: numbers('Threads')[0] ?? 0,
    noNewPrivileges: status.get('NoNewPrivs') === '1',
    seccomp: SECCOMP_MODES[Number(status.get('Seccomp'))] ?? 'unknown',
    capabilities: {
      effective: status.get('CapEff') ?? '',
      permitted: status.get('CapPrm') ?? '',
      inheritable: status.get('CapInh') ?? '',
      bounding: status.get('CapBnd') ?? '',
      ambient: status.get('CapAmb') ?? '',
    },
    environmentNames: environment.names,
    environmentOthers: environment.others,
  }
}

/**
 * The names in the text of `/proc/PID/environ`. A process can write anything there: what does not look like `NAME=` is counted
 * and not shown, because it may be part of a value.
 */
export function environmentOf(text: string): {
  readonly names: readonly string[]
  readonly others: number
} {
  const names: string[] = []
  let others = 0
  for (const entry of text.split('\0')) {
    const equals = entry.indexOf('=')
    const name = entry.slice(0, Math.max(0, equals))
    if (NAME.test(name) && names.length < MAX_NAMES) names.push(name)
    else if (entry !== '') others++
  }
  return { names, others }
}

/** The target of a link, as it may be shown; empty where there is none. */
export async function linkOf(path: string): Promise<string> {
  try {
    return displayOf(byteStringOf(await readlink(path, { encoding: 'buffer' })))
  } catch {
    return ''
  }
}

/** `Name:\tvalue` lines; the kernel escapes newlines in the one that a process chooses. */
function statusOf(text: string): ReadonlyMap<string, string> {
  const status = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) status.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return status
}

function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\0$/, '').split('\0').map(shown)
}

function shown(latin1: string): string {
  return displayOf(latin1 as ByteString)
}
