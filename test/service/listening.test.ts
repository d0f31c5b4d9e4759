import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { PlimsollError } from '../../src/errors.js'
import { parseListenAddress } from '../../src/service/listen-address.js'
import type { RunningServer } from '../../src/service/server.js'
import { publishSocket } from '../../src/service/unix-socket.js'
import { serveBaselines } from '../support/served-learning.js'
import { ServiceClient } from '../support/service-client.js'
import { FakeClock, FakeSource } from '../support/service-source.js'

/** A short path: those of test directories may be too long for a socket. */
function workDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function served(t: Test, path: string): Promise<RunningServer> {
  const source = new FakeSource()
  const server = await serveBaselines({ path, source, clock: new FakeClock() })
  t.teardown(() => server.stop(0))
  return server
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8)
}

async function problemOf(work: Promise<unknown>): Promise<PlimsollError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof PlimsollError) return thrown
  throw new Error('it was not refused')
}

t.test('an address is unix: and a path', async (t) => {
  const paths: readonly [text: string, path: string][] = [
    ['unix:/run/plimsoll/learn.sock', '/run/plimsoll/learn.sock'],
    ['unix:learn.sock', '/srv/learn.sock'],
    ['unix:../a/./b.sock', '/a/b.sock'],
    ['unix:///run/learn.sock', '/run/learn.sock'],
    ['UNIX:/run/1:2', '/run/1:2'],
    [`unix:/${'x'.repeat(106)}`, `/${'x'.repeat(106)}`],
  ]
  for (const [text, path] of paths) {
    const address = { kind: 'unix', path, role: 'admin', mode: 0o600, reflection: true }
    t.same(parseListenAddress(text, '/srv'), address, text)
  }
})

t.test('a socket for others than its owner names their role', async (t) => {
  const cases: readonly [options: string, address: object][] = [
    ['role=viewer', { role: 'viewer', mode: 0o600 }],
    ['role=viewer,mode=0660', { role: 'viewer', mode: 0o660 }],
    ['mode=666,role=viewer', { role: 'viewer', mode: 0o666 }],
    ['group=ops,role=responder', { role: 'responder', mode: 0o660, group: 'ops' }],
    ['role=viewer,reflection=off', { reflection: false }],
  ]
  for (const [options, address] of cases) {
    t.match(parseListenAddress(`unix:/run/s,${options}`, '/'), { path: '/run/s', ...address })
  }
  t.match(parseListenAddress('unix:/a\\,b\\\\c\\d', '/'), { path: '/a,b\\c\\d' })
})

t.test('an address over TCP has its files, from itself or from the options', async (t) => {
  const tls = { cert: '/w/c.pem', key: '/k', ca: '/w/ca', roles: '/w/r' }
  const text = 'tcp:[::1]:443,cert=c.pem,key=/k,ca=ca,roles=r'
  const address = { kind: 'tcp', host: '::1', port: 443, tls, reflection: false }
  t.same(parseListenAddress(text, '/w'), address)
  t.same(parseListenAddress('tcp:[::1]:443,cert=c.pem', '/w', { ...tls, cert: 'x' }), address)
  t.match(parseListenAddress(`${text},crl=l,reflection=on`, '/w'), {
    tls: { crl: '/w/l' },
    reflection: true,
  })
  for (const [written, host] of [
    ['tcp:0.0.0.0:0', '0.0.0.0'],
    ['tcp://node-1.example:1', 'node-1.example'],
  ] as const) {
    t.match(parseListenAddress(written, '/', tls), { host }, written)
  }
})

t.test(
  'TCP without TLS is refused with a reason of its own, whatever it is written like',
  async (t) => {
    for (const text of [
      'localhost:50051',
      '127.0.0.1:50051',
      '[::1]:50051',
      ':50051',
      '50051',
      'tcp:127.0.0.1:1',
      'tcp://0.0.0.0:1',
      'dns:///example.org',
      'ipv4:127.0.0.1:80',
      'ipv6:[::1]:80',
      'https://example.org',
      'tcp:127.0.0.1:1,cert=a,key=b,ca=c',
      'tcp:127.0.0.1:1,roles=a',
    ]) {
      t.throws(() => parseListenAddress(text, '/'), { code: 'LISTEN_NO_TCP', message: /TLS/ }, text)
    }
  },
)

t.test('what cannot be listened on is refused', async (t) => {
  const cases: readonly [text: string, message: RegExp][] = [
    ['', /neither with unix: nor with tcp:/],
    ['/run/learn.sock', /neither with unix: nor with tcp:/],
    ['unix:/a,role', /role is no option; a comma in a path is written \\,/],
    ['unix:/a,b.sock', /b.sock is no option/],
    ['unix:/a,', /nothing is no option/],
    ['unix:/a,role=', /role: it has no value/],
    ['unix:/a,role=viewer,role=admin', /role: it is given twice/],
    ['unix:/a,role=root', /role: root is none of viewer, /],
    ['unix:/a,cert=x', /cert: it is none of role, mode, group, reflection/],
    ['unix:/a,mode=0660', /role: it must be given/],
    ['unix:/a,group=ops', /role: it must be given/],
    ['unix:/a,mode=0777,role=viewer', /mode: 0777 is none of 0600, 0660, 0666/],
    ['unix:/a,mode=0600,group=ops', /mode: with 0600 the group could not open it/],
    ['unix:/a,reflection=1', /reflection: 1 is neither on nor off/],
    ['tcp:443,cert=a,key=b,ca=c,roles=d', /not tcp:HOST:PORT/],
    ['tcp::443,cert=a,key=b,ca=c,roles=d', /not tcp:HOST:PORT/],
    ['tcp:a:65536,cert=a,key=b,ca=c,roles=d', /port: 65536 is more/],
    ['tcp:a:1,cert=a,key=b,ca=c,roles=d,mode=0600', /mode: it is none of cert, /],
    ['unix-abstract:learn', /no permissions/],
    ['@learn', /no permissions/],
    ['unix:', /names no file/],
    ['unix:/run/', /names no file/],
    ['unix://run/learn.sock', /must be absolute/],
    ['unix:/run/a\nb', /^[^\n]*control characters$/],
    [`unix:/${'x'.repeat(107)}`, /too long/],
    [`unix:/${'\u00e9'.repeat(54)}`, /too long/],
    [`unix:/${'x'.repeat(97)}/a`, /too long/],
  ]
  for (const [text, message] of cases) {
    t.throws(() => parseListenAddress(text, '/'), { code: 'LISTEN_ADDRESS', message }, text)
  }
})

t.test('only the owner may open the socket, whatever the umask is', async (t) => {
  for (const umask of [0o000, 0o022, 0o777]) {
    const path = join(workDirectory(t), 'new', 'run', 'learn.sock')
    const before = process.umask(umask)
    const server = await served(t, path).finally(() => process.umask(before))
    t.equal(modeOf(path), '600')
    t.equal(modeOf(dirname(path)), '700')
    t.same(readdirSync(dirname(path)), ['learn.sock'], 'nothing else is left there')
    await server.stop()
  }
})

t.test('the socket is never open to others, not even while it is bound', async (t) => {
  const directory = workDirectory(t)
  chmodSync(directory, 0o755)
  const listeners: Server[] = []
  t.teardown(() => listeners.forEach((listener) => listener.close()))
  await publishSocket(join(directory, 'a.sock'), async (path) => {
    t.equal(dirname(dirname(path)), directory, 'on the same file system')
    t.equal(modeOf(dirname(path)), '700')
    const listener = createServer()
    listeners.push(listener)
    await new Promise<void>((resolve) => listener.listen(path, resolve))
    t.notOk(existsSync(join(directory, 'a.sock')), 'clients do not find it yet')
  })
  t.equal(modeOf(join(directory, 'a.sock')), '600')
  t.equal(modeOf(directory), '755', 'a directory that was there keeps its mode')
})

t.test('a directory in which anyone may replace the socket is refused', async (t) => {
  const directory = workDirectory(t)
  chmodSync(directory, 0o777)
  const path = join(directory, 'learn.sock')
  t.match(await problemOf(served(t, path)), {
    code: 'LISTEN_FAILED',
    message: /anyone may replace/,
  })
  t.same(readdirSync(directory), [])
  chmodSync(directory, 0o1777)
  await served(t, path)
  t.equal(modeOf(path), '600', 'one like /tmp, where only owners remove, will do')
})

t.test('a socket that a killed server left is replaced', async (t) => {
  const path = join(workDirectory(t), 'learn.sock')
  const killed = createServer()
  await publishSocket(path, (bound) => new Promise((resolve) => killed.listen(bound, resolve)))
  await new Promise((resolve) => killed.close(resolve))
  t.ok(existsSync(path), 'it is still there')
  await served(t, path)
  t.same(await new ServiceClient(t, path).list(), { baselines: [], nextPageToken: '' })
})

t.test('a socket on which somebody answers is left alone', async (t) => {
  const path = join(workDirectory(t), 'learn.sock')
  await served(t, path)
  const { ino } = statSync(path)
  t.match(await problemOf(served(t, path)), {
    code: 'LISTEN_FAILED',
    message: `cannot listen on ${path}: another program listens there`,
  })
  t.equal(statSync(path).ino, ino)
  t.same(readdirSync(dirname(path)), ['learn.sock'])
  await new ServiceClient(t, path).list()
})

t.test('a file that is no socket is left alone', async (t) => {
  const path = join(workDirectory(t), 'learn.sock')
  writeFileSync(path, 'mine')
  t.match(await problemOf(served(t, path)), { code: 'LISTEN_FAILED', message: /no socket/ })
  t.equal(statSync(path).size, 4)
})

t.test('a directory that cannot be made is a failure of the catalogue', async (t) => {
  const file = join(workDirectory(t), 'file')
  writeFileSync(file, '')
  t.match(await problemOf(served(t, join(file, 'learn.sock'))), { code: 'LISTEN_FAILED' })
})

t.test('stopping removes the socket, unless another server has the path by now', async (t) => {
  const path = join(workDirectory(t), 'learn.sock')
  const first = await served(t, path)
  await first.stop()
  t.notOk(existsSync(path))
  const second = await served(t, path)
  rmSync(path)
  await served(t, path)
  await second.stop()
  t.ok(existsSync(path))
  await new ServiceClient(t, path).list()
  await second.stop()
  t.ok(existsSync(path), 'stopping twice does nothing more')
})
