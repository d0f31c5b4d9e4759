/** Listing what a container wrote, whatever it wrote there. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { byteStringOfText } from '../../src/bytes.js'
import {
  CHANGED_LIMITS,
  changedFilesIn,
  type ChangedFile,
  type ChangedFiles,
  type ChangedLimits,
} from '../../src/respond/changed-files.js'

function list(directory: string, limits: Partial<ChangedLimits> = {}): Promise<ChangedFiles> {
  return changedFilesIn(byteStringOfText(directory), { ...CHANGED_LIMITS, ...limits })
}

function at({ files }: ChangedFiles, path: string): ChangedFile | undefined {
  return files.find((file) => file.path === path)
}

t.test('files are listed with their hashes, and nothing outside is read', async (t) => {
  const root = t.testdir({
    secret: 'outside',
    upper: { etc: { passwd: 'root:x:0:0\n' }, empty: {} },
  })
  const upper = join(root, 'upper')
  symlinkSync('../secret', join(upper, 'link'))
  symlinkSync('..', join(upper, 'directory-link'))
  execFileSync('mkfifo', [join(upper, 'fifo')])
  writeFileSync(join(upper, 'a\u001b[31m\nb'), 'x', { mode: 0o600 })
  writeFileSync(Buffer.from(`${upper}/\xff\xfe`, 'latin1'), '')
  const listed = await list(upper)
  t.strictSame(listed.notes, [])
  const { files } = listed
  t.strictSame(files.map(({ path, type }) => `${type} ${path}`).toSorted(), [
    'directory /empty',
    'directory /etc',
    'fifo /fifo',
    'file /\\xff\\xfe',
    'file /a\\x1b[31m\\x0ab',
    'file /etc/passwd',
    'link /directory-link',
    'link /link',
  ])
  t.match(at(listed, '/etc/passwd'), {
    bytes: 11,
    sha256: createHash('sha256').update('root:x:0:0\n').digest('hex'),
  })
  t.match(at(listed, '/a\\x1b[31m\\x0ab'), { mode: '0600' })
  t.match(at(listed, '/link'), { target: '../secret' })
  t.notOk(at(listed, '/link')?.sha256)
})

t.test('a directory that is a link is not entered', async (t) => {
  const root = t.testdir({ real: { file: 'x' } })
  symlinkSync('real', join(root, 'upper'))
  const { files, notes } = await list(join(root, 'upper'))
  t.strictSame(files, [])
  t.match(notes, [/cannot be read: (ELOOP|ENOTDIR)/])
  t.match((await list(join(root, 'missing'))).notes, [/ENOENT/])
})

t.test('entries, depth and bytes are bounded, and it is said', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, 'a/b/c/d'), { recursive: true })
  for (let i = 0; i < 20; i++) writeFileSync(join(root, `file-${i}`), 'x'.repeat(100))
  writeFileSync(join(root, 'sparse'), '')
  truncateSync(join(root, 'sparse'), 2 ** 40)
  const few = await list(root, { maxEntries: 7 })
  t.equal(few.files.length, 7)
  t.match(few.notes, [/more than 7 entries/])
  const shallow = await list(root, { maxDepth: 2 })
  t.ok(at(shallow, '/a/b/c'))
  t.notOk(at(shallow, '/a/b/c/d'))
  t.match(shallow.notes, [/more than 2 deep/])
  const whole = await list(root, { maxHashedBytes: 1000 })
  t.match(at(whole, '/sparse'), { bytes: 2 ** 40, notHashed: /longer than/ })
  t.equal(whole.files.filter(({ sha256 }) => sha256 !== undefined).length, 10)
  t.match(
    whole.files.find(({ path, notHashed }) => path.startsWith('/file') && notHashed !== undefined),
    { notHashed: /in all/ },
  )
})

t.test(
  'a file that is deleted from the image is told from a device',
  { skip: notRoot() },
  async (t) => {
    const root = t.testdir()
    execFileSync('mknod', [join(root, 'whiteout'), 'c', '0', '0'])
    execFileSync('mknod', [join(root, 'null'), 'c', '1', '3'])
    const listed = await list(root)
    t.match(at(listed, '/whiteout'), { type: 'deleted' })
    t.match(at(listed, '/null'), { type: 'device' })
  },
)

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'not root: devices cannot be made'
}
