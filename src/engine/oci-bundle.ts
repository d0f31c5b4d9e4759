/**
 * What an OCI runtime is called with, as far as it matters to one that stands in front of it: which container is made, where
 * its configuration is, and where the engine looks for the reason of a failure. Command lines of runc 1.1 and crun.
 */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

export interface BundleCall {
  readonly containerId: string
  readonly configPath: string
  /** Undefined where the engine reads what is written to standard error. */
  readonly log: { readonly path: string; readonly isJson: boolean } | undefined
}

/** Options of the runtimes that take the next word as their value. */
const WITH_VALUE =
  /^--?(?:root|log|log-format|log-level|criu|rootless|cgroup-manager|bundle|b|pid-file|console-socket|preserve-fds|config|f)$/

/** The call, if it is one that makes a container. */
export function bundleOf(args: readonly string[]): BundleCall | undefined {
  const options = new Map<string, string>()
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    const [name = '', value] = word.split(/=(.*)/s)
    if (!word.startsWith('-')) words.push(word)
    else if (value !== undefined) options.set(nameOf(name), value)
    else if (WITH_VALUE.test(word)) options.set(nameOf(word), args[++at] ?? '')
  }
  const [command, containerId] = words
  if ((command !== 'create' && command !== 'run') || containerId === undefined) return undefined
  const directory = options.get('bundle') ?? options.get('b') ?? '.'
  const log = options.get('log')
  const isJson = options.get('log-format') === 'json'
  return {
    containerId,
    configPath: join(directory, options.get('config') ?? options.get('f') ?? 'config.json'),
    log: log === undefined ? undefined : { path: log, isJson },
  }
}

function nameOf(option: string): string {
  return option.replace(/^--?/, '')
}

/** Puts another configuration in the place of one, with its owner and mode. */
export function replaceConfig(path: string, config: string): void {
  const { mode, uid, gid } = statSync(path)
  const draft = `${path}.plimsoll-${process.pid}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeFileSync(file, config)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  chownSync(draft, uid, gid)
  chmodSync(draft, mode & 0o7777)
  renameSync(draft, path)
}

/** Says why no container was made where the engine looks for it. A log that cannot be written changes nothing. */
export function sayInLog({ log }: BundleCall, message: string): void {
  if (log === undefined) return
  const time = new Date().toISOString()
  const line = log.isJson
    ? JSON.stringify({ level: 'error', msg: message, time })
    : `time="${time}" level=error msg=${JSON.stringify(message)}`
  try {
    appendFileSync(log.path, `${line}\n`)
  } catch {
    // It was also said on standard error.
  }
}
