/**
 * How images are treated where that is not the usual way, kept in `STATE/modes.json`. What is in the file is taken as a whole or
 * not at all: a mode that is not read would be an image that is held, or is not.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { asProblem, failure, quoted } from '../errors.js'
import { type ImageMode, type Mode, MODES } from '../service/control/control-source.js'
import { writeWhole } from '../write-file.js'
import { jsonText } from './json-text.js'
import { textAt } from './owned-file.js'
import { parseJson } from '../workload/json-fields.js'

/** Images with a mode of their own. */
const MODE_LIMIT = 4096

const KEY = /^container-([0-9a-f]{64})$/

const TEXT = z.string().max(4096)
const FILE = z.strictObject({
  format: z.literal(1),
  modes: z
    .array(
      z.strictObject({
        key: z.string().regex(KEY),
        imageName: TEXT,
        mode: z.enum(MODES).exclude(['enforce']),
        actor: TEXT,
        reason: TEXT,
        atMs: z.int().nonnegative(),
      }),
    )
    .max(MODE_LIMIT),
})

export class ImageModes {
  readonly #path: string
  /** By digest. */
  #modes: ReadonlyMap<string, ImageMode>
  #saving: Promise<unknown> = Promise.resolve()

  private constructor(path: string, modes: ReadonlyMap<string, ImageMode>) {
    this.#path = path
    this.#modes = modes
  }

  /** As they are kept in the state directory; none where there is no file. Throws `FILE_UNREADABLE`, `MODES_DAMAGED`. */
  static async load(stateDirectory: string): Promise<ImageModes> {
    const path = join(stateDirectory, 'modes.json')
    const text = await textAt(path)
    if (text === undefined) return new ImageModes(path, new Map())
    const { data, error } = FILE.safeParse(parseJson(text))
    if (data === undefined) {
      const [issue] = error.issues
      const where =
        issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
      throw damaged(path, `${where}${issue?.message ?? 'it is no JSON'}`)
    }
    const modes = new Map(data.modes.map((mode) => [digestOf(mode.key), mode]))
    if (modes.size !== data.modes.length) throw damaged(path, 'an image is in it twice')
    return new ImageModes(path, modes)
  }

  /** O(1). */
  of(digest: string): Mode {
    return this.#modes.get(digest)?.mode ?? 'enforce'
  }

  /** Those that are not `enforce`, by key. */
  all(): readonly ImageMode[] {
    return [...this.#modes.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Takes it down, durably, and only then holds to it. Throws `FILE_UNWRITABLE`; then nothing has changed. */
  set(mode: ImageMode): Promise<void> {
    const saved = this.#saving.then(() => this.#set(mode))
    this.#saving = saved.catch(() => undefined)
    return saved
  }

  async #set(mode: ImageMode): Promise<void> {
    const modes = new Map(this.#modes)
    const digest = digestOf(mode.key)
    if (mode.mode === 'enforce') modes.delete(digest)
    else modes.set(digest, mode)
    if (modes.size > MODE_LIMIT) {
      const problem = `${MODE_LIMIT} images have a mode of their own`
      throw failure('FILE_UNWRITABLE', { path: this.#path, problem })
    }
    const sorted = [...modes.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
    await mkdir(join(this.#path, '..'), { recursive: true, mode: 0o700 }).catch(
      (thrown: unknown) => {
        throw failure('FILE_UNWRITABLE', { path: this.#path, problem: asProblem(thrown) }, thrown)
      },
    )
    await writeWhole(this.#path, `${jsonText({ format: 1, modes: sorted }, 1)}\n`, 0o600)
    this.#modes = modes
  }
}

function digestOf(key: string): string {
  return `sha256:${KEY.exec(key)?.[1] ?? ''}`
}

function damaged(path: string, problem: string): Error {
  return failure('MODES_DAMAGED', { path, problem: quoted(problem) })
}
