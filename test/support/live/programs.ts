/**
 * Builds the small C programs of test/fixtures/programs, static, so that an image needs nothing beside them and what they
 * call is what their source says.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES } from '../repository.js'
import { mustRun } from './process.js'

const SOURCES = join(FIXTURES, 'programs')

/** The fixture programs, by the name of their source. */
export const PROGRAM_NAMES = [
  'acts',
  'arguments',
  'callsof',
  'chance',
  'denied',
  'facts',
  'int80',
  'ioctls',
  'loop',
  'refused',
  'values',
  'wait',
  'x32',
] as const

/** No build id, so that the same compiler gives the same bytes and an image keeps its name. */
const FLAGS = ['-static', '-O2', '-Wall', '-Werror', '-Wl,--build-id=none']

/** Compiles all of them into `dir`, which is made if need be. Takes about a second. */
export async function buildPrograms(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true })
  await Promise.all(PROGRAM_NAMES.map((name) => buildProgram(name, join(dir, name))))
}

/** Compiles one source to `path`, with these macros defined. */
export async function buildProgram(
  name: string,
  path: string,
  macros: readonly string[] = [],
): Promise<void> {
  const defines = macros.map((macro) => `-D${macro}`)
  await mustRun('gcc', [...FLAGS, ...defines, '-o', path, join(SOURCES, `${name}.c`)])
}
