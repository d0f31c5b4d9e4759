/** What is read of procfs, from text that the kernel prints and text that a container chose. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parseFreezerMount, parseFreezerPath } from '../../src/respond/freezer-v1.js'
import { parseNamespaceMount } from '../../src/respond/network-namespace.js'
import { openFilesOf, SocketTables } from '../../src/respond/open-files.js'
import { environmentOf, processRecord } from '../../src/respond/process-facts.js'
import { endpointOf, parseInet, parseUnix } from '../../src/respond/socket-tables.js'
import { parseUpperLayer } from '../../src/respond/upper-layer.js'

t.test('of an environment only names are kept, and only what looks like one', async (t) => {
  const cases: readonly [string, string, readonly string[], number][] = [
    ['two variables', 'PATH=/bin\0TOKEN=s3cret\0', ['PATH', 'TOKEN'], 0],
    ['a value with an equals sign', 'A=b=c\0', ['A'], 0],
    ['an empty environment', '', [], 0],
    ['a part of a value', 's3cret\0A=1\0', ['A'], 1],
    ['a name that is none', '\u001b[2J=x\0=y\0a b=z\0', [], 3],
    ['a very long name', `${'A'.repeat(200)}=x\0`, [], 1],
  ]
  for (const [name, text, names, others] of cases) {
    t.strictSame(environmentOf(text), { names, others }, name)
  }
  const many = environmentOf('A=1\0'.repeat(2000))
  t.equal(many.names.length + many.others, 2000)
  t.ok(many.names.length <= 512)
})

t.test('no value of an environment is ever among its names', async (t) => {
  const names = fc.stringMatching(/^[A-Z_]{1,8}$/)
  const values = fc
    .string({ unit: 'binary-ascii' })
    .map((text) => `secret-${text.replaceAll('\0', '')}`)
  const property = fc.property(fc.array(fc.tuple(names, values)), (entries) => {
    const text = entries.map(([name, value]) => `${name}=${value}\0`).join('')
    return environmentOf(text).names.every((name) => !name.includes('secret'))
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('addresses of sockets are read in the byte order of the host', async (t) => {
  const cases: readonly [string, string][] = [
    ['0100007F:1F90', '127.0.0.1:8080'],
    ['00000000:0000', '0.0.0.0:0'],
    ['00000000000000000000000001000000:0016', '[::1]:22'],
    ['00000000000000000000000000000000:0016', '[::]:22'],
    ['0000000000000000FFFF00000100007F:0016', '127.0.0.1:22'],
    ['B80D0120000000000000000001000000:01BB', '[2001:db8::1]:443'],
    ['B80D01200100020003000400050006AB:01BB', '[2001:db8:2:1:4:3:ab06:5]:443'],
    ['nonsense', ''],
    ['0100007', ''],
  ]
  for (const [text, shown] of cases) t.equal(endpointOf(text, 'LE'), shown, text)
  t.equal(endpointOf('7F000001:1F90', 'BE'), '127.0.0.1:8080')
})

t.test('every IPv6 address is shown as the one that it is', async (t) => {
  const property = fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
    const canonical = new URL(`http://[${address}]`).hostname
    const hex = Buffer.from(groupsOf(canonical.slice(1, -1)).join(''), 'hex')
      .swap32()
      .toString('hex')
    const shown = endpointOf(`${hex.toUpperCase()}:${port.toString(16).toUpperCase()}`, 'LE')
    const isMapped = /^0{20}ffff/.test(groupsOf(canonical.slice(1, -1)).join(''))
    return (
      isMapped || new URL(`http://${shown.slice(0, shown.lastIndexOf(':'))}`).hostname === canonical
    )
  })
  t.doesNotThrow(() => fc.assert(property))
})

/** The eight groups of a compressed address, four digits each. */
function groupsOf(address: string): readonly string[] {
  const [before = '', after] = address.split('::')
  const head = before.split(':').filter(Boolean)
  const tail = (after ?? '').split(':').filter(Boolean)
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail].map((g) =>
    g.padStart(4, '0'),
  )
}

t.test('lines that a socket name forges are no sockets', async (t) => {
  const sockets = new Map<number, object>()
  const line = 'ffff888: 00000002 00000000 00010000 0001 01 4711 '
  parseUnix(`Num RefCount\n${line}@\u001b[2Jx\n`, sockets as never)
  t.strictSame(sockets.get(4711), {
    protocol: 'unix',
    local: '@\\x1b[2Jx',
    remote: '',
    state: 'LISTEN',
  })
  parseInet('tcp', 'garbage\n  0: 0100007F:1F90\n', sockets as never)
  t.equal(sockets.size, 1)
})

t.test('a process is described as it is: its words, its files and its sockets', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-procfs-'))
  const unix = createServer().listen(join(directory, 'a b'))
  await once(unix, 'listening')
  t.teardown(() => {
    server.close()
    unix.close()
    rmSync(directory, { recursive: true })
  })
  const { files } = await openFilesOf(process.pid, new SocketTables())
  const sockets = files.flatMap(({ socket }) => (socket === undefined ? [] : [socket]))
  const { port } = server.address() as AddressInfo
  t.ok(sockets.some(({ local, state }) => local === `127.0.0.1:${port}` && state === 'LISTEN'))
  t.ok(sockets.some(({ local, state }) => local === join(directory, 'a b') && state === 'LISTEN'))

  const child = spawn('/bin/sleep', ['60'], {
    env: { SECRET: 'hidden', 'no name': 'x' },
    argv0: 'sl\u001bp',
    cwd: directory,
  })
  await once(child, 'spawn')
  t.teardown(() => child.kill('SIGKILL'))
  const record = await processRecord(child.pid ?? 0)
  t.match(record, {
    pid: child.pid,
    ppid: process.pid,
    commandLine: ['sl\\x1bp', '60'],
    commandLineCut: false,
    cwd: directory,
    threads: 1,
    environmentNames: ['SECRET'],
    environmentOthers: 1,
  })
  t.match(record?.exe, /\/sleep$|\/coreutils$|\/busybox$/)
  t.match(record?.capabilities['effective'], /^[0-9a-f]{16}$/)
  t.notMatch(JSON.stringify(record), 'hidden')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(await processRecord(child.pid ?? 0), undefined)
  t.strictSame((await openFilesOf(child.pid ?? 0, new SocketTables())).files, [])
})

t.test('open files are bounded', async (t) => {
  const { files, truncated } = await openFilesOf(process.pid, new SocketTables(), 2)
  t.equal(files.length, 2)
  t.ok(truncated)
})

t.test('the upper layer is read off the mount that is seen as the root', async (t) => {
  const overlay = (options: string): string =>
    `100 99 0:40 / / rw,relatime - overlay overlay rw,lowerdir=/l,${options},workdir=/w`
  const cases: readonly [string, string, unknown][] = [
    ['an overlay', overlay('upperdir=/var/u'), { kind: 'overlay', path: '/var/u' }],
    ['a comma', overlay('upperdir=/a\\054b\\040c'), { kind: 'overlay', path: '/a,b c' }],
    ['an older comma', overlay('upperdir=/a\\134,b'), { kind: 'overlay', path: '/a,b' }],
    ['a read-only overlay', overlay('x=y'), { kind: 'unknown', why: /read-only/ }],
    ['vfs', '100 99 8:1 /vfs/dir / rw - ext4 /dev/sda1 rw', { kind: 'unknown', why: /ext4/ }],
    ['another mount', '100 99 0:40 / /x rw - overlay overlay rw,upperdir=/u', { kind: 'unknown' }],
    ['nothing', '', { kind: 'unknown' }],
    [
      'one over the other',
      `${overlay('upperdir=/one')}\n${overlay('upperdir=/two')}`,
      { kind: 'overlay', path: '/two' },
    ],
  ]
  for (const [name, text, expected] of cases)
    t.match(parseUpperLayer(text), expected as object, name)
  t.type(parseUpperLayer(readFileSync('/proc/self/mountinfo', 'latin1')).kind, 'string')
})

t.test('freezers and namespaces are found among mounts', async (t) => {
  const v1 = '30 25 0:26 / /sys/fs/cgroup/freezer rw,nosuid - cgroup cgroup rw,freezer'
  t.equal(parseFreezerMount(`x\n${v1}\n`), '/sys/fs/cgroup/freezer')
  t.equal(parseFreezerMount('30 25 0:26 / /sys rw - cgroup2 cgroup2 rw'), undefined)
  t.equal(parseFreezerPath('3:cpu:/a\n2:memory,freezer:/libpod-x\n0::/y\n'), '/libpod-x')
  t.equal(parseFreezerPath('0::/y\n'), undefined)
  const nsfs = '90 80 0:4 net:[4026532177] /run/netns/a\\040b rw shared:9 - nsfs nsfs rw'
  t.equal(parseNamespaceMount(nsfs, 4026532177), '/run/netns/a b')
  t.equal(parseNamespaceMount(nsfs, 4026532178), undefined)
})
