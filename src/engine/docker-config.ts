/**
 * The entry of a runtime in Docker's daemon.json. Everything else in the file stays as it is, byte for byte; a file that
 * cannot be understood is refused, because dockerd would not start with a broken one.
 */
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '../errors.js'
import { isObject } from '../seccomp/problem.js'
import { memberAt, parseJson, stringAt } from '../workload/json-fields.js'
import { type Spliced, withMember, withoutMember } from '../workload/json-splice.js'
import { writeWhole } from '../write-file.js'
import { makeDirectory, textAt } from './owned-file.js'

export const DEFAULT_DOCKER_CONFIG = '/etc/docker/daemon.json'
/** The name that `docker run --runtime` takes. */
export const RUNTIME_NAME = 'plimsoll'

const PATH = ['runtimes', RUNTIME_NAME] as const

/** The path of the runtime's program that is configured; undefined if none is. Throws `DOCKER_CONFIG` and `FILE_UNREADABLE`. */
export async function configuredRuntime(path: string): Promise<string | undefined> {
  return stringAt(parsed(path, await configAt(path)), ...PATH, 'path')
}

/** Adds the runtime, or changes it. Throws `DOCKER_CONFIG` and `FILE_UNWRITABLE`. */
export async function addRuntime(path: string, program: string): Promise<void> {
  const text = await configAt(path)
  const config = parsed(path, text)
  const runtimes = memberAt(config, 'runtimes')
  const entry = JSON.stringify({ path: program })
  const changed =
    runtimes === undefined
      ? withMember(text, ['runtimes'], JSON.stringify({ [RUNTIME_NAME]: { path: program } }))
      : withMember(text, PATH, entry)
  await replace(path, text, changed)
}

/** Takes the runtime out; false if it is not there. Throws `DOCKER_CONFIG` and `FILE_UNWRITABLE`. */
export async function removeRuntime(path: string): Promise<boolean> {
  const text = await configAt(path)
  const config = parsed(path, text)
  if (memberAt(config, ...PATH) === undefined) return false
  if (stringAt(config, 'default-runtime') === RUNTIME_NAME) {
    const problem = `its default-runtime is ${RUNTIME_NAME}, without which dockerd would not start`
    throw failure('DOCKER_CONFIG', { path, problem })
  }
  const { [RUNTIME_NAME]: _, ...others } = memberAt(config, 'runtimes') as Record<string, unknown>
  const isLast = Object.keys(others).length === 0
  await replace(path, text, withoutMember(text, isLast ? ['runtimes'] : PATH))
  return true
}

/** A file that is not there, or has nothing in it, configures nothing. */
async function configAt(path: string): Promise<string> {
  const text = (await textAt(path)) ?? ''
  return text.trim() === '' ? '{}\n' : text
}

function parsed(path: string, text: string): unknown {
  const config = parseJson(text)
  const runtimes = memberAt(config, 'runtimes')
  if (!isObject(config) || (runtimes !== undefined && !isObject(runtimes))) {
    throw failure('DOCKER_CONFIG', { path, problem: 'it is no JSON that dockerd would read' })
  }
  return config
}

/** The file may be a link, and keeps its mode. */
async function replace(path: string, before: string, changed: Spliced): Promise<void> {
  if ('problem' in changed) throw failure('DOCKER_CONFIG', { path, problem: changed.problem })
  if (changed.text === before) return
  await makeDirectory(dirname(path))
  const target = await realpath(path).catch(() => path)
  const found = await stat(target).catch(() => undefined)
  await writeWhole(target, changed.text, (found?.mode ?? 0o644) & 0o7777)
}
