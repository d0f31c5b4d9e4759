/**
 * Root file systems for test images, put together from programs of the machine: a directory with the few files that any
 * container wants, to which programs are added together with the libraries they are linked to.
 */
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { readlinkSync, realpathSync, symlinkSync, writeFileSync, existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { run } from './process.js'
import { pathOf } from './requirements.js'

const PASSWD = 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'
const GROUP = 'root:x:0:\nnogroup:x:65534:\n'

/** Applets that get a name in /bin. */
const APPLETS = [
  'sh',
  'ls',
  'cat',
  'echo',
  'true',
  'false',
  'sleep',
  'grep',
  'wc',
  'mkdir',
  'rm',
  'id',
]

/** Makes `root` a file system with /tmp, /etc/passwd and no programs. */
export function layOut(root: string): void {
  for (const dir of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var']) {
    mkdirSync(join(root, dir), { recursive: true })
  }
  chmodSync(join(root, 'tmp'), 0o1777)
  put(root, '/etc/passwd', PASSWD)
  put(root, '/etc/group', GROUP)
}

/** Writes a file below `root`, with the directories above it. */
export function put(root: string, path: string, content: string): void {
  const target = join(root, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
}

/** A static busybox as /bin/busybox, its common applets as links beside it. */
export function addBusybox(root: string): void {
  const busybox = pathOf('busybox')
  if (busybox === undefined) throw new Error('busybox is gone')
  copyFileSync(busybox, join(root, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
}

/**
 * A program of the machine, by name or path, at the path that it has there, and every library that `ldd` names for it.
 */
export async function addProgram(root: string, program: string): Promise<void> {
  const path = isAbsolute(program) ? program : pathOf(program)
  if (path === undefined) throw new Error(`${program} is gone`)
  copyIn(root, realpathSync(path), path)
  const { stdout } = await run('ldd', [path])
  for (const [, library] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    if (library !== undefined) copyIn(root, library, library)
  }
}

/**
 * A hash of every path, mode, link and content below `root`: images of the same content share their name. Names are
 * taken as bytes, so that a root may hold ones that are not UTF-8.
 */
export function contentHash(root: string): string {
  const hash = createHash('sha256')
  const visit = (dir: Buffer): void => {
    const names = readdirSync(dir, { encoding: 'buffer' }).sort((a, b) => a.compare(b))
    for (const name of names) {
      const path = Buffer.concat([dir, Buffer.from('/'), name])
      const stat = lstatSync(path)
      hash.update(path.subarray(root.length)).update(`\0${stat.mode.toString(8)}\0`)
      if (stat.isSymbolicLink()) hash.update(readlinkSync(path))
      else if (stat.isDirectory()) visit(path)
      else hash.update(readFileSync(path))
    }
  }
  visit(Buffer.from(root))
  return hash.digest('hex')
}

function copyIn(root: string, from: string, to: string): void {
  const target = join(root, to)
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(from, target)
  chmodSync(target, 0o755)
}
