/**
 * Which of the processes that joined a container from outside are its health check. The kernel tells entries apart by a tag,
 * eight bits of a hash of their argv; what they do is reported by tag. A tag stands for the health check if an entry with
 * the argv of the health check was seen under it, and none with another argv: what an operator's shell did must never pass
 * for the health check's. Whatever is not known is `exec`. Pure; one for each run.
 */
import { byteStringOfText, type ByteString } from '../bytes.js'
import type { EntryObservation, Lineage } from '../observation.js'
import { argvBytes, argvHash } from '../sensor/argv-hash.js'

/** What is looked at of an entry. */
export type Entry = Pick<EntryObservation, 'tag' | 'length' | 'hash' | 'head'>

/** How many words the kernel puts before a script's path: its interpreter, and one argument if the script names it. */
const INTERPRETER_WORDS = [1, 2]

/** The entry that a tag was first seen with; `isShared` once there was another one. */
interface Tagged {
  readonly entry: Entry
  isShared: boolean
}

export class Entries {
  #healthChecks: readonly (readonly ByteString[])[] = []
  /** At most 255. */
  readonly #byTag = new Map<number, Tagged>()
  /** Answers that were worked out. */
  readonly #lineages = new Map<number, Lineage>()
  #areAllKnown = true

  /** The command lines, any of them, with which the runtime starts the container's health check; none: it has none. */
  expect(healthChecks: readonly (readonly string[])[]): void {
    this.#healthChecks = healthChecks.map((argv) => argv.map((word) => byteStringOfText(word)))
    this.#lineages.clear()
  }

  /** A process joined. Must be told before the facts about it are asked for. */
  saw(entry: Entry): void {
    const known = this.#byTag.get(entry.tag)
    if (known === undefined) this.#byTag.set(entry.tag, { entry, isShared: false })
    else if (known.entry.length !== entry.length || known.entry.hash !== entry.hash) {
      known.isShared = true
    }
    this.#lineages.delete(entry.tag)
  }

  /** An entry may have joined untold: from here on no tag is what it seems. */
  missed(): void {
    this.#areAllKnown = false
  }

  /** The lineage of what is done under that tag, by what is known now. A tag that is `exec` by a second argv stays so. */
  lineageOf(tag: number): Lineage {
    if (!this.#areAllKnown) return 'exec'
    let lineage = this.#lineages.get(tag)
    if (lineage === undefined) {
      const tagged = this.#byTag.get(tag)
      const isProbe =
        tagged !== undefined &&
        !tagged.isShared &&
        this.#healthChecks.some((argv) => isStartedAs(tagged.entry, argv))
      lineage = isProbe ? 'probe' : 'exec'
      this.#lineages.set(tag, lineage)
    }
    return lineage
  }
}

/** Whether the entry is what executing `argv` looks like, be it a program or a script. */
export function isStartedAs(entry: Entry, argv: readonly ByteString[]): boolean {
  return isArgv(entry, argv) || INTERPRETER_WORDS.some((words) => isScript(entry, argv, words))
}

function isArgv({ length, hash }: Entry, argv: readonly ByteString[]): boolean {
  const bytes = argvBytes(argv)
  return bytes.length === length && argvHash(bytes) === hash
}

/**
 * For a script the kernel replaces the first word by the interpreter, with its argument if there is one, and the path that
 * was executed (fs/binfmt_script.c). Which interpreter is not known beforehand; it is read off the entry's first bytes.
 */
function isScript(entry: Entry, argv: readonly ByteString[], interpreterWords: number): boolean {
  const [name, ...rest] = argv
  // The last part may be a word that was cut.
  const words = entry.head.split('\u0000').slice(0, -1) as ByteString[]
  const interpreter = words.slice(0, interpreterWords)
  if (name === undefined || interpreter.length < interpreterWords) return false
  // A name without a slash was looked up in $PATH.
  const path = name.includes('/') ? name : words[interpreterWords]
  if (path === undefined || (path !== name && !path.endsWith(`/${name}`))) return false
  return isArgv(entry, [...interpreter, path, ...rest])
}
