/** Images of interpreters, with a program that starts a thread. */
import { cpSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Recipe } from './images.js'
import { addProgram } from './rootfs.js'

/** Parts of Python's library that nothing here imports. */
const UNUSED = new Set(['__pycache__', 'dist-packages', 'idlelib', 'lib2to3', 'pydoc_data', 'test'])

/** The distribution's Python with its library. Starts a thread that prints `afloat`, and waits for it. */
export const PYTHON: Recipe = {
  name: 'python',
  async fill(root) {
    // By path: what $PATH has may be a version manager's script.
    await addProgram(root, '/usr/bin/python3')
    for (const dir of readdirSync('/usr/lib').filter((name) => /^python3\.\d+$/.test(name))) {
      const filter = (source: string): boolean => !UNUSED.has(basename(source))
      const library = join('/usr/lib', dir)
      cpSync(library, join(root, library), { recursive: true, filter, dereference: true })
    }
  },
  command: [
    '/usr/bin/python3',
    '-c',
    'import threading; t = threading.Thread(target=print, args=("afloat",)); t.start(); t.join()',
  ],
}

/** Node. Starts a worker that prints `afloat`. */
export const NODE: Recipe = {
  name: 'node',
  async fill(root) {
    await addProgram(root, 'node')
  },
  command: [
    '/usr/bin/node',
    '-e',
    `new (require('worker_threads').Worker)('console.log("afloat")', { eval: true })`,
  ],
}
