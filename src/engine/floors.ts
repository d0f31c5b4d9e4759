/**
 * Measured floors on disk: those that ship with plimsoll, in `profiles/floors`, and those that this host was calibrated
 * with, in `floors` below the state directory.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asProblem, failure, PlimsollError } from '../errors.js'
import {
  FLOOR_BYTES,
  type FloorDocument,
  floorFileName,
  parseFloor,
  serializeFloor,
} from '../seccomp/floor-document.js'
import type { KnownFloor } from '../seccomp/floor.js'
import { PACKAGE_ROOT } from '../version.js'
import { writeWhole } from '../write-file.js'

const SHIPPED = join(PACKAGE_ROOT, 'profiles', 'floors')

/**
 * The floors to build profiles with: all that ship, and of each runtime the one that this host was calibrated with last.
 * Throws `FLOOR_DAMAGED` naming the first file that is not one, `FILE_UNREADABLE`.
 */
export async function loadFloors(stateDir: string): Promise<readonly KnownFloor[]> {
  const shipped = await floorsIn(SHIPPED)
  const latest = new Map<string, FloorDocument>()
  for (const document of await floorsIn(directoryOf(stateDir))) {
    const other = latest.get(document.runtime)
    // Texts of one form, in UTC: they sort as times do.
    if (other === undefined || other.measuredAt < document.measuredAt) {
      latest.set(document.runtime, document)
    }
  }
  return [
    ...[...latest.values()].map((document) => ({ from: 'host', document }) as const),
    ...shipped.map((document) => ({ from: 'shipped', document }) as const),
  ]
}

/** The floor that ships for that runtime in that version, if one does. Throws as `loadFloors` does. */
export async function shippedFloor({
  runtime,
  version,
}: Pick<FloorDocument, 'runtime' | 'version'>): Promise<FloorDocument | undefined> {
  const shipped = await floorsIn(SHIPPED)
  return shipped.find((floor) => floor.runtime === runtime && floor.version === version)
}

/** What an earlier calibration of the same runtime in the same version found; undefined where there is none to read. */
export async function previousFloor(
  stateDir: string,
  document: FloorDocument,
): Promise<FloorDocument | undefined> {
  try {
    return await floorAt(pathOf(stateDir, document))
  } catch (thrown) {
    // A damaged one is about to be replaced.
    if (thrown instanceof PlimsollError) return undefined
    throw thrown
  }
}

/** Puts it in the place of an earlier one of the same runtime and version; its path. Throws `FILE_UNWRITABLE`. */
export async function saveFloor(stateDir: string, document: FloorDocument): Promise<string> {
  const path = pathOf(stateDir, document)
  try {
    await mkdir(directoryOf(stateDir), { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
  await writeWhole(path, serializeFloor(document))
  return path
}

function directoryOf(stateDir: string): string {
  return join(stateDir, 'floors')
}

function pathOf(stateDir: string, document: FloorDocument): string {
  return join(directoryOf(stateDir), floorFileName(document))
}

/** All floors of a directory, by the names of their files; none if there is no directory. */
async function floorsIn(directory: string): Promise<readonly FloorDocument[]> {
  let names: readonly string[]
  try {
    names = await readdir(directory)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw failure('FILE_UNREADABLE', { path: directory, problem: asProblem(thrown) }, thrown)
  }
  const floors: FloorDocument[] = []
  for (const name of names.filter((name) => name.endsWith('.json')).toSorted(byNumber)) {
    floors.push(await floorAt(join(directory, name)))
  }
  return floors
}

async function floorAt(path: string): Promise<FloorDocument> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
  try {
    if (text.length > FLOOR_BYTES) throw new SyntaxError(`longer than ${FLOOR_BYTES} characters`)
    return parseFloor(text)
  } catch (thrown) {
    throw failure('FLOOR_DAMAGED', { path, problem: asProblem(thrown) }, thrown)
  }
}

/** `runc-1.1.5` before `runc-1.1.15`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
