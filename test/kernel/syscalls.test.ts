/** The system call tables, and the generator that writes them from kernel headers. */
import t from 'tap'
import { ABIS, SYSCALL_NR_LIMIT, type Abi } from '../../src/observation.js'
import { isSyscallName, syscallLabel, syscallName, syscallNr } from '../../src/kernel/syscalls.js'
import { tableModule } from '../../src/kernel/generate/table-module.js'
import { countOf, namesInHeader } from '../../src/kernel/generate/unistd-header.js'
import { names as aarch64 } from '../../src/kernel/tables/aarch64.js'
import { names as i386 } from '../../src/kernel/tables/i386.js'
import { names as x32 } from '../../src/kernel/tables/x32.js'
import { names as x86_64 } from '../../src/kernel/tables/x86-64.js'

// Counts and highest numbers of linux-libc-dev 7.2.13, which agreed with libseccomp 2.6.1 in every name and number.
const TABLES = [
  { abi: 'x86_64', names: x86_64, count: 385, highest: 471 },
  { abi: 'i386', names: i386, count: 461, highest: 471 },
  { abi: 'x32', names: x32, count: 374, highest: 547 },
  { abi: 'aarch64', names: aarch64, count: 327, highest: 471 },
] as const

for (const { abi, names, count, highest } of TABLES) {
  t.test(`the ${abi} table is whole, unambiguous and the same in both directions`, async (t) => {
    t.equal(countOf(names), count)
    t.equal(names.length - 1, highest)
    t.ok(highest < SYSCALL_NR_LIMIT - 1, 'no call shares the slot of numbers out of range')
    t.equal(new Set(names.filter((name) => name !== '')).size, count)
    for (const [nr, name] of names.entries()) {
      if (name === '') t.equal(syscallName(abi, nr), undefined)
      else if (syscallName(abi, nr) !== name || syscallNr(abi, name) !== nr) t.fail(`${abi} ${nr}`)
    }
  })
}

t.test('well-known calls have their numbers under each ABI', async (t) => {
  const facts: readonly (readonly [Abi, number, string])[] = [
    ['x86_64', 0, 'read'],
    ['x86_64', 11, 'munmap'],
    ['i386', 11, 'execve'],
    ['x86_64', 59, 'execve'],
    ['x32', 520, 'execve'],
    ['x32', 0, 'read'],
    ['aarch64', 221, 'execve'],
    ['x86_64', 335, 'uretprobe'],
    ['x86_64', 336, 'uprobe'],
    ['i386', 403, 'clock_gettime64'],
  ]
  for (const [abi, nr, name] of facts) t.equal(syscallName(abi, nr), name, `${abi} ${nr}`)
})

t.test('numbers from 424 on mean the same under every ABI that has them', async (t) => {
  for (let nr = 424; nr <= 471; nr++) {
    for (const { abi, names } of TABLES) {
      if (names[nr] !== '') t.equal(names[nr], x86_64[nr], `${abi} ${nr}`)
    }
  }
})

t.test('a call without a name is shown as an explicit unknown', async (t) => {
  const cases: readonly (readonly [Abi, number, string])[] = [
    ['x86_64', 0, 'read'],
    ['x86_64', 700, 'x86_64:700?'],
    ['x86_64', 400, 'x86_64:400?'],
    ['x86_64', 1023, 'x86_64:1023?'],
    ['x86_64', 2 ** 32 - 1, 'x86_64:1023?'],
    ['arm', 0, 'arm:0?'],
  ]
  for (const [abi, nr, label] of cases) t.equal(syscallLabel(abi, nr), label)
  for (const abi of ABIS) t.equal(syscallName(abi, -1), undefined)
})

t.test('a name is known when any ABI has it, and never by accident of JavaScript', async (t) => {
  for (const name of ['read', 'socketcall', 'clock_gettime64', 'rseq_slice_yield']) {
    t.ok(isSyscallName(name), name)
  }
  for (const name of ['', 'Read', 'raed', 'constructor', '__proto__', '0', 'length']) {
    t.notOk(isSyscallName(name), name)
    t.equal(syscallNr('x86_64', name), undefined)
  }
})

t.test('a header is read with its holes, and x32 numbers lose bit 30', async (t) => {
  const header = [
    '#ifndef _ASM_UNISTD_X32_H',
    '#define _ASM_UNISTD_X32_H',
    '',
    '#define __NR_write (__X32_SYSCALL_BIT + 3)',
    '#define __NR_read 1',
    '#endif /* _ASM_UNISTD_X32_H */',
    '',
  ].join('\n')
  t.strictSame(namesInHeader(header), ['', 'read', '', 'write'])
})

t.test('a header of another form is an error that names the line', async (t) => {
  const cases = [
    ['#define __NR_a 1\n#define __NR_b 1', /line 2 defines a second time/],
    ['#define __NR_a 1\n#define __NR_a 2', /line 2 defines a second time/],
    ['#define __NR_a 1\n#define __NR_b __NR_a', /line 2 is neither/],
    ['#include <asm-generic/unistd.h>', /line 1 is neither/],
    ['#ifndef _ASM_UNISTD_64_H\n', /no system call/],
  ] as const
  for (const [header, message] of cases) t.throws(() => namesInHeader(header), message)
})

t.test('a generated module states its source and keeps to the line length', async (t) => {
  const source = { abi: 'x86_64', header: 'x86/asm/unistd_64.h', version: '7.2.13-1' }
  const text = tableModule(source, x86_64)
  t.match(text, 'linux-libc-dev 7.2.13-1')
  t.match(text, '385 calls, highest number 471')
  t.match(text, "  /*   0 */ 'read', 'write',")
  const long = text.split('\n').filter((line) => line.length > 100 && !line.startsWith(' *'))
  t.strictSame(long, [])
})
