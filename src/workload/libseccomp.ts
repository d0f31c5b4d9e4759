/**
 * Which system calls the libseccomp of a container runtime knows. Runtimes leave rules out, without a word, for names that
 * their libseccomp does not know; nothing but the library itself tells which.
 *
 * The library has its names as zero-terminated constants in its read-only data, since 2.0 and whatever the architecture
 * (src/syscalls.perf). A runtime that is linked statically has the same in its own.
 */
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { runBounded } from './bounded-process.js'
import { dynamicOf, sectionsOf, type ElfSection } from './elf.js'

/** The library that a runtime compiles filters with. */
export interface Libseccomp {
  /** The library's file, or the runtime's own where it is linked into that. */
  readonly path: string
  /** `2.5.4`; empty where neither the file's name nor the runtime tells. */
  readonly version: string
  knows(name: string): boolean
}

const LIBRARY = /^libseccomp\.so\.\d+$/

/** Names that every libseccomp knows; a file without them has no table of names. */
const OLDEST_NAMES = ['accept', 'chown', 'getsockopt', 'mount', 'rt_sigreturn', 'sendfile']

/** Where libraries are when the loader's cache cannot be asked. */
const LIBRARY_DIRECTORIES = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/usr/lib',
  '/lib',
]

const LDCONFIG_MS = 10_000

/**
 * The libseccomp that the program at `runtimePath` uses; undefined where it uses none, or one whose names cannot be read.
 * Reads one or two files of some megabytes. `versionText` is what the runtime says of its version.
 */
export async function libseccompOf(
  runtimePath: string,
  versionText: string,
): Promise<Libseccomp | undefined> {
  const program = await fileAt(runtimePath)
  if (program === undefined) return undefined
  const sections = sectionsOf(program)
  const { needed, runPath } = dynamicOf(program, sections)
  const library = needed.find((name) => LIBRARY.test(name))
  const path =
    library === undefined
      ? runtimePath
      : await findLibrary(library, expanded(runPath, await realpath(runtimePath)))
  if (path === undefined) return undefined
  const file = path === runtimePath ? program : await fileAt(path)
  if (file === undefined) return undefined
  const names = namesIn(file, path === runtimePath ? sections : sectionsOf(file))
  if (!OLDEST_NAMES.every((name) => names.has(name))) return undefined
  const said = /^libseccomp: *(\d[\w.]*)/m.exec(versionText)?.[1]
  const version = said ?? /\.so\.(\d+\.\d+[\w.]*)$/.exec(basename(await realpath(path)))?.[1]
  return { path, version: version ?? '', knows: (name) => names.has(name) }
}

/** Every constant of `file` that looks like the name of a system call. Linear in the size of the read-only data. */
export function namesIn(file: Buffer, sections: readonly ElfSection[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { name, offset, size } of sections) {
    if (!name.startsWith('.rodata')) continue
    const end = offset + size
    for (let at = offset; at < end;) {
      const zero = file.indexOf(0, at)
      const stop = zero < 0 || zero > end ? end : zero
      if (isName(file, at, stop)) names.add(file.toString('latin1', at, stop))
      at = stop + 1
    }
  }
  return names
}

const LONGEST_NAME = 40

function isName(file: Buffer, start: number, end: number): boolean {
  if (end === start || end - start > LONGEST_NAME) return false
  for (let at = start; at < end; at++) {
    const byte = file[at] ?? 0
    const isLetter = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)
    const isDigit = byte >= 0x30 && byte <= 0x39
    if (!isLetter && byte !== 0x5f && !(isDigit && at > start)) return false
  }
  return true
}

function expanded(directories: readonly string[], program: string): readonly string[] {
  return directories
    .map((directory) => directory.replace(/\$(?:ORIGIN|\{ORIGIN\})/g, dirname(program)))
    .filter((directory) => directory.startsWith('/'))
}

/** As the dynamic loader looks: the program's own directories, its cache, the usual places; ld.so(8). */
async function findLibrary(name: string, own: readonly string[]): Promise<string | undefined> {
  const cached = await inLoaderCache(name)
  const candidates = [
    ...own.map((directory) => join(directory, name)),
    ...cached,
    ...LIBRARY_DIRECTORIES.map((directory) => join(directory, name)),
  ]
  for (const path of candidates) if ((await fileAt(path)) !== undefined) return path
  return undefined
}

async function inLoaderCache(name: string): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(LDCONFIG_MS)
  for (const program of ['/sbin/ldconfig', 'ldconfig']) {
    const { code, stdout } = await runBounded(program, ['-p'], signal)
    if (code === 0) return pathsInCache(stdout, name)
  }
  return []
}

/** Paths of the 64-bit libraries of that name in the output of `ldconfig -p`. */
export function pathsInCache(listing: string, name: string): readonly string[] {
  return listing
    .split('\n')
    .map((line) => /^\s*(\S+) \(([^)]*)\) => (\/.*)$/.exec(line))
    .filter((found) => found?.[1] === name && /x86-64|AArch64|64bit/.test(found[2] ?? ''))
    .map((found) => found?.[3] ?? '')
}

async function fileAt(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch(() => undefined)
}
