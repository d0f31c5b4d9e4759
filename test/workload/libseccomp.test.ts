/** Which names a runtime's libseccomp knows: read from its file, checked against the library's own answer. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { syscallName } from '../../src/kernel/syscalls.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../../src/observation.js'
import { dynamicOf, sectionsOf } from '../../src/workload/elf.js'
import { libseccompOf, namesIn, pathsInCache } from '../../src/workload/libseccomp.js'
import { liveTest, pathOf } from '../support/live/requirements.js'
import { dynamicOf as dynamicSection, tinyElf } from '../support/tiny-elf.js'

const OLDEST = 'accept\0chown\0getsockopt\0mount\0rt_sigreturn\0sendfile\0'
const STRINGS = {
  name: '.dynstr',
  bytes: Buffer.from('\0libc.so.6\0libseccomp.so.2\0/opt/l:$ORIGIN\0'),
}

t.test('an ELF file tells its sections, libraries and directories', async (t) => {
  const file = tinyElf([
    STRINGS,
    dynamicSection([
      [1, 1],
      [1, 11],
      [29, 27],
      [0, 0],
    ]),
    { name: '.rodata', bytes: Buffer.from('x\0') },
  ])
  const sections = sectionsOf(file)
  t.strictSame(
    sections.map(({ name }) => name),
    ['.dynstr', '.dynamic', '.rodata', '.shstrtab'],
  )
  t.strictSame(dynamicOf(file, sections), {
    needed: ['libc.so.6', 'libseccomp.so.2'],
    runPath: ['/opt/l', '$ORIGIN'],
  })
  t.strictSame(dynamicOf(file, sectionsOf(tinyElf([STRINGS]))), { needed: [], runPath: [] })
})

t.test('whatever the bytes, reading them ends and reads nothing beyond them', async (t) => {
  const whole = tinyElf([
    STRINGS,
    dynamicSection([[1, 1]]),
    { name: '.rodata', bytes: Buffer.from(OLDEST) },
  ])
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.nat({ max: whole.length }),
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), {
          maxLength: 20,
        }),
        (length, changes) => {
          const file = Buffer.from(whole)
          for (const [at, byte] of changes) file[at] = byte
          const cut = file.subarray(0, length)
          const sections = sectionsOf(cut)
          for (const { offset, size } of sections) {
            if (offset + size > cut.length) throw new Error('a section beyond the file')
          }
          dynamicOf(cut, sections)
          namesIn(cut, sections)
        },
      ),
      { numRuns: 2000 },
    ),
  )
})

t.test('names are constants of the read-only data, whole, and nothing else', async (t) => {
  const file = tinyElf([
    {
      name: '.rodata',
      bytes: Buffer.from('clone3\0not a name\0xopenat\0__x\0\0_sysctl\0' + 'a'.repeat(50)),
    },
    { name: '.rodata.str', bytes: Buffer.from('statx\0') },
    // Where a static program has the names of its functions.
    { name: '.strtab', bytes: Buffer.from('\0mseal\0') },
  ])
  t.strictSame(
    [...namesIn(file, sectionsOf(file))],
    ['clone3', 'xopenat', '__x', '_sysctl', 'statx'],
  )
})

t.test('a library linked into the runtime is read from the runtime', async (t) => {
  const runtime = join(t.testdir(), 'runc')
  writeFileSync(runtime, tinyElf([{ name: '.rodata', bytes: Buffer.from(`${OLDEST}clone3\0`) }]))
  const library = await libseccompOf(runtime, 'runc version 1.2\nlibseccomp: 2.6.0\n')
  t.match(library, { path: runtime, version: '2.6.0' })
  t.strictSame(
    ['clone3', 'mseal'].map((name) => library?.knows(name)),
    [true, false],
  )
})

t.test('a library is sought where the runtime says first', async (t) => {
  const dir = t.testdir()
  const strings = { name: '.dynstr', bytes: Buffer.from(`\0libseccomp.so.2\0$ORIGIN\0`) }
  writeFileSync(
    join(dir, 'runc'),
    tinyElf([
      strings,
      dynamicSection([
        [1, 1],
        [29, 17],
      ]),
    ]),
  )
  writeFileSync(
    join(dir, 'libseccomp.so.2'),
    tinyElf([{ name: '.rodata', bytes: Buffer.from(`${OLDEST}mseal\0`) }]),
  )
  const library = await libseccompOf(join(dir, 'runc'), '')
  t.match(library, { path: join(dir, 'libseccomp.so.2'), version: '' })
  t.equal(library?.knows('mseal'), true)
})

t.test('what has no table of names is no library', async (t) => {
  const dir = t.testdir({ script: '#!/bin/sh\nexec runc "$@"\n' })
  writeFileSync(join(dir, 'plain'), tinyElf([{ name: '.rodata', bytes: Buffer.from('mount\0') }]))
  for (const name of ['script', 'plain', 'missing']) {
    t.equal(await libseccompOf(join(dir, name), ''), undefined, name)
  }
})

t.test('the cache of the loader is read for 64-bit libraries', async (t) => {
  const listing = `
3 libs found in cache \`/etc/ld.so.cache'
\tlibseccomp.so.2 (libc6) => /lib/i386-linux-gnu/libseccomp.so.2
\tlibseccomp.so.2 (libc6,x86-64) => /lib/x86_64-linux-gnu/libseccomp.so.2
\tlibseccomp.so.2.5 (libc6,x86-64) => /lib/x86_64-linux-gnu/libseccomp.so.2.5
`
  t.strictSame(pathsInCache(listing, 'libseccomp.so.2'), ['/lib/x86_64-linux-gnu/libseccomp.so.2'])
})

liveTest("runc's libseccomp knows exactly the names that it resolves", ['seccomp'], async (t) => {
  const runc = pathOf('runc') ?? ''
  const said = execFileSync(runc, ['--version'], { encoding: 'utf8' })
  const library = await libseccompOf(runc, said)
  if (library === undefined) throw new Error('runc uses no libseccomp')
  const names = new Set<string>()
  for (const abi of ABIS) {
    for (let nr = 0; nr < SYSCALL_NR_LIMIT; nr++) {
      const name = syscallName(abi, nr)
      if (name !== undefined) names.add(name)
    }
  }
  const resolved = [...names].filter(
    (name) => execFileSync('scmp_sys_resolver', [name], { encoding: 'utf8' }).trim() !== '-1',
  )
  t.strictSame(
    [...names].filter((name) => library.knows(name)),
    resolved,
  )
  t.match(library.version, /^2\.\d+/)
  t.comment(
    `libseccomp ${library.version} at ${library.path}: ${resolved.length} of ${names.size} names`,
  )
})
