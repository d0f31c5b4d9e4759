#!/usr/bin/env node
/**
 * What engines start when they make a container; no command for people. It is on the way of every container of the host, so
 * it loads little and does nothing else.
 *
 *   precreate.js hook   OPTIONS                the configuration on stdin, the one to use on stdout (oci-hooks(5))
 *   precreate.js bundle OPTIONS -- RUNTIME-ARGS    changes config.json of the bundle that an OCI runtime is called with
 *
 * OPTIONS are --state DIR, --spool FILE and --fail-open or --fail-closed. The status is 0 if the container may be made, and
 * REFUSED, with the reason said, if not; any other means that this program itself failed.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Creation, decideCreation, failureText, refusedConfig } from '../engine/creation.js'
import { bundleOf, replaceConfig, sayInLog } from '../engine/oci-bundle.js'
import { noteUnapplied, type Outcome } from '../engine/unapplied-spool.js'
import { quoted } from '../errors.js'
import { OFF_ANNOTATION } from '../workload/created-container.js'

const REFUSED = 3

interface Options {
  readonly mode: string
  readonly state: string
  readonly spool: string
  readonly isOpen: boolean
  /** What the OCI runtime is called with. */
  readonly runtime: readonly string[]
}

function optionsOf(argv: readonly string[]): Options {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const own = argv.slice(0, end)
  const valueOf = (name: string): string => {
    const value = own[own.indexOf(name) + 1]
    if (!own.includes(name) || value === undefined) throw new Error(`${name} is missing`)
    return value
  }
  return {
    mode: own[0] ?? '',
    state: valueOf('--state'),
    spool: valueOf('--spool'),
    isOpen: own.includes('--fail-open'),
    runtime: argv.slice(end + 1),
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/**
 * Leaves the note of what happened. Gives the line for whoever started the container; one that was switched off on purpose
 * gets none, since a runtime's standard error may be the container's.
 */
function told(creation: Creation, { spool, isOpen }: Options): string | undefined {
  if (creation.kind !== 'failed' && creation.kind !== 'off') return undefined
  const isFailed = creation.kind === 'failed'
  const outcome: Outcome = isFailed ? (isOpen ? 'started' : 'refused') : 'off'
  const reason = isFailed ? creation.problem : `its annotation ${OFF_ANNOTATION} says so`
  const problem = noteUnapplied(spool, { atMs: Date.now(), outcome, reason, ...creation.subject })
  if (problem !== undefined) say(`plimsoll: no note could be left: ${quoted(problem)}`)
  if (!isFailed) return undefined
  const line = failureText(creation, !isOpen)
  say(line)
  return line
}

/** podman throws away what a hook says and shows what the runtime says, so that a refusal is put where the runtime reads. */
async function hook(options: Options): Promise<number> {
  const config = readFileSync(0, 'utf8')
  const creation = await decideCreation(config, options.state)
  const line = told(creation, options)
  if (creation.kind === 'applied') process.stdout.write(creation.config)
  else if (creation.kind === 'failed' && !options.isOpen) {
    const refused = refusedConfig(config, line ?? '')
    if (refused === undefined) return REFUSED
    process.stdout.write(refused)
  } else process.stdout.write(config)
  return 0
}

async function bundle(options: Options): Promise<number> {
  const found = bundleOf(options.runtime)
  if (found === undefined) return 0
  const config = await readFile(found.configPath, 'utf8')
  const creation = await decideCreation(config, options.state, found.containerId)
  const line = told(creation, options)
  if (creation.kind === 'applied') replaceConfig(found.configPath, creation.config)
  if (creation.kind !== 'failed' || options.isOpen) return 0
  sayInLog(found, line ?? '')
  return REFUSED
}

try {
  const options = optionsOf(process.argv.slice(2))
  process.exitCode = await (options.mode === 'bundle' ? bundle(options) : hook(options))
} catch (thrown) {
  say(
    `plimsoll: unexpected failure: ${quoted(thrown instanceof Error ? thrown.message : String(thrown))}`,
  )
  process.exitCode = 1
}
