/** Who gets in, and how far: every method for every role, certificates that are not good enough, and clients that misbehave. */
import { statSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { type Role, ROLES } from '../../src/service/caller.js'
import { callerName, type CertificateNames, namesOf } from '../../src/service/certificate-names.js'
import { parseListenAddress } from '../../src/service/listen-address.js'
import { PendingConnections } from '../../src/service/pending-connections.js'
import { PERMISSIONS } from '../../src/service/permissions.js'
import { startServer } from '../../src/service/server.js'
import { Certificates, type Presented } from '../support/certificates.js'
import { frame, headers, poured, PREFACE } from '../support/http2-frames.js'
import { until } from '../support/live/until.js'
import { unixAddress } from '../support/served-learning.js'
import {
  MovedClock,
  serveStubs,
  socketClient,
  socketDirectory,
  tlsAddress,
  tlsClient,
} from '../support/served-stubs.js'
import { type Ended, METHODS, type RawClient, type StubMethod } from '../support/stub-services.js'

/** What the design says, written down once more: by service, and by method where the roles differ. */
const EVERYBODY: readonly Role[] = ROLES
const ALLOWED: Readonly<Record<string, readonly Role[]>> = {
  'plimsoll.v1.Monitor': EVERYBODY,
  'plimsoll.v1.Baselines': EVERYBODY,
  'plimsoll.v1.Baselines/SealBaseline': ['analyst', 'admin'],
  'plimsoll.v1.Baselines/ApproveItems': ['analyst', 'admin'],
  'plimsoll.v1.Baselines/RejectItems': ['analyst', 'admin'],
  'plimsoll.v1.Baselines/MergeBaselines': ['analyst', 'admin'],
  'plimsoll.v1.Baselines/StartLearning': ['analyst', 'admin'],
  'plimsoll.v1.Baselines/StopLearning': ['analyst', 'admin'],
  'plimsoll.v1.Control/GetPolicy': EVERYBODY,
  'plimsoll.v1.Control/ListModes': EVERYBODY,
  'plimsoll.v1.Control/Respond': ['responder', 'admin'],
  'plimsoll.v1.Control/Release': ['responder', 'admin'],
  'plimsoll.v1.Control/SetPolicy': ['admin'],
  'plimsoll.v1.Control/SetMode': ['admin'],
  'plimsoll.v1.Audit': ['auditor', 'admin'],
  'grpc.health.v1.Health': EVERYBODY,
  'grpc.reflection.v1.ServerReflection': EVERYBODY,
  'grpc.reflection.v1alpha.ServerReflection': EVERYBODY,
}

const OK = { status: 0, code: '' }
const UNIMPLEMENTED = { status: 12, code: '' }

/** A call over a connection that may just have been cut: its client has to notice first. */
function callAgain(client: RawClient, method: StubMethod): Promise<Ended> {
  return until('a connection', async () => {
    const ended = await client.call(method)
    return ended.status !== 14 && ended
  })
}

function allows(role: Role, { name }: StubMethod): boolean {
  const roles = ALLOWED[name] ?? ALLOWED[name.split('/')[0] ?? '']
  if (roles === undefined) throw new Error(`${name}: who may call it is not written down`)
  return roles.includes(role)
}

function methodOf(name: string): StubMethod {
  const found = METHODS.find((method) => method.name === name)
  if (found === undefined) throw new Error(`${name}: no such method`)
  return found
}

const GET_STATS = methodOf('plimsoll.v1.Monitor/GetStats')
const SET_POLICY = methodOf('plimsoll.v1.Control/SetPolicy')

/** What is written to the connection comes back as it is, until it ends. */
async function exchanged(t: Test, socket: Socket, sent: string | Buffer): Promise<Buffer> {
  t.teardown(() => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(sent)
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks)
}

t.test('the table of permissions is about the methods that there are', async (t) => {
  const declared = METHODS.map(({ name }) => name)
  const permitted = [...PERMISSIONS.keys()]
  t.same(
    declared.filter((name) => !PERMISSIONS.has(name)),
    [],
    'methods that nobody may call',
  )
  const unknown = permitted.filter((name) => !declared.includes(name))
  t.same(unknown, [], 'entries without a method')
  for (const roles of PERMISSIONS.values()) t.ok(roles.has('admin'))
})

t.test(
  'every role may call what the table says and nothing else, over TLS and sockets',
  async (t) => {
    const certificates = await Certificates.make(t)
    certificates.writeRoles(...ROLES.map((role) => `{ role: ${role}, subject: { CN: ${role}-1 } }`))
    const directory = socketDirectory(t)
    const sockets = ROLES.map((role) => ({ ...unixAddress(join(directory, role)), role }))
    const { reached, ports } = await serveStubs(t, [tlsAddress(certificates), ...sockets])
    let calls = 0
    for (const role of ROLES) {
      const presented = await certificates.add({ name: `${role}-1` })
      const clients = [
        [`cert:CN=${role}-1`, tlsClient(t, ports[0] ?? 0, certificates.ca, presented)],
        [`socket:${role}`, socketClient(t, join(directory, role))],
      ] as const
      for (const [name, client] of clients) {
        for (const method of METHODS) {
          reached.length = 0
          const ended = await client.call(method)
          calls += 1
          const isOwn = method.name.startsWith('grpc.')
          if (allows(role, method)) {
            t.match(ended, OK, `${name} may call ${method.name}`)
            if (!isOwn) t.match(reached, [{ method: method.name, caller: { role, name } }])
          } else {
            t.match(
              ended,
              { status: 7, code: 'NOT_PERMITTED', details: method.name },
              `${name} may not`,
            )
            t.equal(reached.length, 0, 'and no handler hears of it')
          }
        }
      }
    }
    t.comment(`${calls} calls: ${METHODS.length} methods, ${ROLES.length} roles, 2 ways`)
  },
)

t.test('a certificate that is not good enough reaches no method', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: "*" } }')
  const { reached, ports } = await serveStubs(t, [tlsAddress(certificates)])
  const [port = 0] = ports
  const kinds: readonly [name: string, presented: Presented][] = [
    ['none at all', {}],
    ['one that has expired', await certificates.add({ name: 'expired', days: -1 })],
    ['one of another CA', await certificates.addForeign('foreign', 'other CA')],
    ['one of another CA of the same name', await certificates.addForeign('twin', 'ca')],
    ['one that signed itself', certificates.addSelfSigned('self')],
    ['one for servers', await certificates.add({ name: 'srv', purpose: 'server', hosts: ['x'] })],
  ]
  for (const [name, presented] of kinds) {
    const client = tlsClient(t, port, certificates.ca, presented)
    const ended = await Promise.all(METHODS.map((method) => client.call(method)))
    t.ok(
      ended.every(({ status }) => status === 14),
      `${name}: ${METHODS.length} methods are out of reach`,
    )
  }
  t.equal(reached.length, 0)
  const good = tlsClient(t, port, certificates.ca, await certificates.add({ name: 'good' }))
  t.match(await good.call(GET_STATS), OK, 'others are served')
})

t.test('a certificate that no entry of the roles matches is nobody', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: boss } }')
  const refused: string[] = []
  const events = { refused: (_method: string, code: string) => void refused.push(code) }
  const { reached, ports } = await serveStubs(t, [tlsAddress(certificates)], { events })
  const presented = await certificates.add({ name: 'stranger' })
  const client = tlsClient(t, ports[0] ?? 0, certificates.ca, presented)
  for (const method of METHODS) {
    const details = /no role is given to cert:CN=stranger/
    t.match(
      await client.call(method),
      { status: 16, code: 'UNAUTHENTICATED', details },
      method.name,
    )
  }
  t.equal(reached.length, 0)
  t.equal(refused.length, METHODS.length)
})

t.test('what is no method is UNIMPLEMENTED, whoever asks', async (t) => {
  const certificates = await Certificates.make(t, '{ role: viewer, subject: { CN: viewer } }')
  const { ports } = await serveStubs(t, [tlsAddress(certificates, false)])
  const names = ['viewer', 'stranger']
  for (const name of names) {
    const presented = await certificates.add({ name })
    const client = tlsClient(t, ports[0] ?? 0, certificates.ca, presented)
    for (const path of [
      '/plimsoll.v1.Monitor/Delete',
      '/plimsoll.v1.Admin/Do',
      '/x',
      '/constructor',
    ]) {
      const { definition } = GET_STATS
      const ended = await client.call({ name: path, definition: { ...definition, path } })
      t.match(ended, {
        ...UNIMPLEMENTED,
        details: `The server does not implement the method ${path}`,
      })
    }
    const reflection = methodOf('grpc.reflection.v1.ServerReflection/ServerReflectionInfo')
    const { path } = reflection.definition
    t.match(
      await client.call(reflection),
      { ...UNIMPLEMENTED, details: `The server does not implement the method ${path}` },
      'reflection that is switched off looks like that, too',
    )
  }
})

t.test('nobody says of himself who he is', async (t) => {
  const path = join(socketDirectory(t), 's')
  const { reached } = await serveStubs(t, [{ ...unixAddress(path), role: 'viewer' }])
  const client = socketClient(t, path)
  const headers = { 'plimsoll-caller-role': 'admin', 'plimsoll-caller-more': 'x', other: 'kept' }
  t.match(await client.call(GET_STATS, undefined, headers), OK)
  t.match(await client.call(SET_POLICY, undefined, headers), { status: 7 })
  t.equal(reached.length, 1)
  t.match(reached, [{ caller: { role: 'viewer', name: 'socket:viewer' } }])
  const keys = Object.keys(reached[0]?.metadata.getMap() ?? {})
  t.notOk(keys.includes('plimsoll-caller-more'))
  t.ok(keys.includes('other'))
})

t.test('roles go by subject, or by alternative name, and the first entry counts', async (t) => {
  const certificates = await Certificates.make(t)
  certificates.writeRoles(
    '{ role: auditor, san: "DNS:*.audit.example" }',
    '{ role: responder, subject: { CN: ops, O: "*" } }',
    '{ role: viewer, subject: { CN: ops } }',
  )
  const { reached, ports } = await serveStubs(t, [tlsAddress(certificates)])
  const cases: readonly [commonName: string, caller: object | undefined][] = [
    ['ops', { role: 'viewer', name: 'cert:CN=ops' }],
    ['ops/O=a\\,b', { role: 'responder', name: 'cert:CN=ops,O=a\\,b' }],
    ['ops/CN=boss', undefined],
    ['x/O=ops', undefined],
  ]
  const named = await certificates.addNamed('named', 'DNS:x.audit.example, URI:spiffe://a/b')
  const deeper = await certificates.addNamed('deeper', 'DNS:y.x.audit.example')
  const other = await certificates.addNamed('other', 'URI:DNS:x.audit.example')
  t.match(await tlsClient(t, ports[0] ?? 0, certificates.ca, named).call(GET_STATS), OK)
  t.match(reached, [{ caller: { role: 'auditor', name: 'cert:CN=named' } }])
  for (const presented of [deeper, other]) {
    const client = tlsClient(t, ports[0] ?? 0, certificates.ca, presented)
    t.match(await client.call(GET_STATS), { status: 16 })
  }
  for (const [index, [commonName, caller]] of cases.entries()) {
    reached.length = 0
    const presented = await certificates.add({ name: `c${index}`, commonName })
    const client = tlsClient(t, ports[0] ?? 0, certificates.ca, presented)
    const ended = await client.call(GET_STATS)
    t.match(ended, caller === undefined ? { status: 16 } : OK, commonName)
    t.match(reached, caller === undefined ? [] : [{ caller }], commonName)
  }
})

t.test(
  'files of TLS that changed are read again; what cannot be used leaves all as it was',
  async (t) => {
    const certificates = await Certificates.make(t, '{ role: viewer, subject: { CN: ann } }')
    const told: (string | undefined)[] = []
    const events = {
      tlsReloaded: (_address: string, error: Error | undefined) => void told.push(error?.message),
    }
    const { server, clock, ports } = await serveStubs(t, [tlsAddress(certificates)], { events })
    const [port = 0] = ports
    const ann = await certificates.add({ name: 'ann' })
    const client = tlsClient(t, port, certificates.ca, ann)
    const reload = async (): Promise<string | undefined> => {
      const before = told.length
      clock.tick()
      await until('the files to be read', () => told.length > before)
      return told.at(-1)
    }
    t.match(await client.call(SET_POLICY), { status: 7 })
    certificates.writeRoles('{ role: admin, subject: { CN: ann } }')
    t.equal(await reload(), undefined)
    t.match(await callAgain(client, SET_POLICY), OK, 'another role')
    certificates.writeRoles('{ role: root, subject: { CN: ann } }')
    t.match(await reload(), /roles.yaml for TLS: roles.0.role: /)
    t.match(await client.call(SET_POLICY), OK, 'the roles before are kept')
    certificates.writeRoles('{ role: admin, subject: { CN: ann } }')
    t.equal(await reload(), undefined)

    await certificates.add({ name: 'next', purpose: 'server', hosts: ['localhost'] })
    const serverName = async (): Promise<unknown> => {
      const socket = connectTls({ port, ...ann, ca: certificates.ca, ALPNProtocols: ['h2'] })
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      const { subject } = socket.getPeerCertificate()
      socket.destroy()
      return subject.CN
    }
    t.equal(await serverName(), 'server')
    writeFileSync(certificates.path('server.key'), certificates.presented('next').key ?? '')
    t.match(await reload(), /server.key for TLS: it is not the key of the certificate/)
    t.equal(await serverName(), 'server', 'a key without its certificate is no reason to stop')
    certificates.replace('server', 'next')
    t.equal(await reload(), undefined)
    t.equal(await serverName(), 'next')
    t.match(await callAgain(client, SET_POLICY), OK)
    await server.reloadTls()
    t.equal(told.at(-1), undefined, 'on demand also what did not change')
  },
)

t.test(
  'names of certificates are read as Node writes them, and shown so that none is mistaken',
  async (t) => {
    const names = (subject: object, subjectaltname?: string): CertificateNames =>
      namesOf({ subject, subjectaltname } as unknown as PeerCertificate)
    const cases: readonly [text: string, alternative: readonly string[]][] = [
      [
        'DNS:a.example, URI:spiffe://x/y, IP Address:1.2.3.4',
        ['DNS:a.example', 'URI:spiffe://x/y'],
      ],
      ['URI:"a, DNS:admin.example"', ['URI:a, DNS:admin.example']],
      ['DNS:"a\\"b", DNS:c', ['DNS:a"b', 'DNS:c']],
      ['othername:<unsupported>, DNS:c', ['DNS:c']],
      ['DNS:"unfinished, DNS:c', []],
      ['', []],
    ]
    for (const [text, alternative] of cases) t.same(names({}, text).alternative, alternative, text)
    const shown: readonly [subject: object, name: string][] = [
      [{ CN: 'a', O: 'b', OU: ['c', 'd'] }, 'cert:CN=a,O=b,OU=c,OU=d'],
      [{ CN: 'a,O=b' }, 'cert:CN=a\\,O\\=b'],
      [{ CN: 'a\n\u202e\u001b[2J' }, 'cert:CN=a\\u000a\\u202e\\u001b[2J'],
      [{ C: 'DE' }, 'cert:#00112233'],
      [{ CN: 'x'.repeat(500) }, `cert:CN=${'x'.repeat(197)}#00112233`],
    ]
    for (const [subject, name] of shown) t.equal(callerName(names(subject), '00:11:22:33'), name)
    t.equal(callerName(names({}, 'URI:spiffe://x'), '00'), 'cert:URI:spiffe://x')
  },
)

t.test('what is revoked, expired, or of a CA that is no more is cut off', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: "*" } }')
  const [ann, ben] = [
    await certificates.add({ name: 'ann' }),
    await certificates.add({ name: 'ben' }),
  ]
  certificates.revoke()
  const address = tlsAddress(certificates)
  if (address.kind !== 'tcp') throw new Error('not TCP')
  const crl = certificates.path('crl.pem')
  const served = await serveStubs(t, [{ ...address, tls: { ...address.tls, crl } }])
  const { server, clock, ports } = served
  const [port = 0] = ports
  const forAnn = tlsClient(t, port, certificates.ca, ann)
  const forBen = tlsClient(t, port, certificates.ca, ben)
  t.match(await forAnn.call(GET_STATS), OK)
  t.match(await forBen.call(GET_STATS), OK)
  t.equal(server.counts()[0]?.open, 2)

  certificates.revoke('ben')
  await server.reloadTls()
  await until('both to be cut', () => server.counts()[0]?.open === 0)
  t.match(await callAgain(forAnn, GET_STATS), OK, 'who is trusted connects again')
  t.match(await forBen.call(GET_STATS), { status: 14 })

  const connected = server.counts()[0]?.open
  t.equal(connected, 1)
  clock.movedMs = 3 * 24 * 3600 * 1000
  t.match(await forAnn.call(GET_STATS), { status: 16, details: /has expired/ }, 'at the next call')
  clock.tick()
  await until('it to be cut', () => server.counts()[0]?.open === 0)
})

t.test('TCP is TLS 1.3 with HTTP/2, and sessions are not resumed', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: "*" } }')
  const { ports, server } = await serveStubs(t, [tlsAddress(certificates)])
  const [port = 0] = ports
  const presented = await certificates.add({ name: 'ann' })
  const options = { port, ...presented, ca: certificates.ca, ALPNProtocols: ['h2'] }
  const outcome = (socket: TLSSocket): Promise<string> => {
    t.teardown(() => socket.destroy())
    return new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(String(socket.getProtocol())))
      socket.once('error', () => resolve('refused'))
    })
  }
  t.equal(await outcome(connectTls({ ...options, maxVersion: 'TLSv1.2' })), 'refused')
  t.equal(await outcome(connectTls({ ...options, ALPNProtocols: ['http/1.1'] })), 'refused')
  const first = connectTls(options)
  const sessions: Buffer[] = []
  first.on('session', (session: Buffer) => sessions.push(session))
  t.equal(await outcome(first), 'TLSv1.3')
  first.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0')
  await new Promise((resolve) => first.once('data', resolve))
  for (const session of sessions) {
    const again = connectTls({ ...options, session })
    await outcome(again)
    t.notOk(again.isSessionReused(), 'a certificate is verified each time')
  }
  const noAlpn = connectTls({ port, ...presented, ca: certificates.ca })
  t.equal((await exchanged(t, noAlpn, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).length, 0)
  t.ok((server.counts()[0]?.untrusted ?? 0) > 0)
})

t.test('TCP without TLS does not start, nor does TLS with files that cannot be used', async (t) => {
  const certificates = await Certificates.make(t)
  await certificates.add({ name: 'other', purpose: 'server', hosts: ['x'] })
  await certificates.add({ name: 'old', purpose: 'server', hosts: ['x'], days: -1 })
  const { files } = certificates
  t.throws(() => parseListenAddress('tcp:127.0.0.1:0', '/'), { code: 'LISTEN_NO_TCP' })
  writeFileSync(certificates.path('empty'), '')
  writeFileSync(certificates.path('bad.yaml'), 'version: 1\nroles:\n  - { role: admin }\n')
  const cases: readonly [changed: object, message: RegExp][] = [
    [{ cert: certificates.path('none') }, /none for TLS: no such file/],
    [{ cert: certificates.path('empty') }, /empty for TLS/],
    [
      { cert: certificates.path('old.pem'), key: certificates.path('old.key') },
      /old.pem for TLS: it expired/,
    ],
    [{ key: certificates.path('other.key') }, /other.key for TLS: it is not the key of/],
    [{ ca: certificates.path('empty') }, /empty for TLS: it has no certificate/],
    [{ ca: certificates.path('server.pem') }, /server.pem for TLS: .* is no CA/],
    [{ crl: certificates.path('server.pem') }, /server.pem for TLS/],
    [{ roles: certificates.path('bad.yaml') }, /bad.yaml for TLS: roles.0: either subject or san/],
    [{ roles: certificates.path('server.pem') }, /server.pem for TLS/],
  ]
  for (const [changed, message] of cases) {
    const address = tlsAddress(certificates)
    if (address.kind !== 'tcp') throw new Error('not TCP')
    const addresses = [{ ...address, tls: { ...files, ...changed } }]
    const started = startServer({ addresses, services: [], clock: new MovedClock() })
    await t.rejects(started, { code: 'TLS_UNUSABLE', message })
  }
})

t.test('a socket has the mode and the group that it was given', async (t) => {
  const directory = socketDirectory(t)
  const groups: readonly [mode: number, directoryMode: number][] = [
    [0o600, 0o700],
    [0o660, 0o750],
    [0o666, 0o755],
  ]
  for (const [mode, directoryMode] of groups) {
    const path = join(directory, `in-${mode}`, 's')
    // Any group, where that may be; else the own one.
    const isRoot = process.getuid?.() === 0
    const [name, gid] = isRoot ? ['daemon', 1] : [String(process.getgid?.()), process.getgid?.()]
    const group = mode === 0o660 ? { group: name } : {}
    await serveStubs(t, [{ ...unixAddress(path), mode, ...group }])
    if (mode === 0o660) t.equal(statSync(path).gid, gid)
    t.equal(statSync(path).mode & 0o777, mode)
    t.equal(statSync(join(directory, `in-${mode}`)).mode & 0o777, directoryMode)
  }
  const address = { ...unixAddress(join(directory, 's')), mode: 0o660, group: 'no-such-group' }
  const started = startServer({ addresses: [address], services: [], clock: new MovedClock() })
  await t.rejects(started, { code: 'LISTEN_FAILED', message: /has no group no-such-group/ })
})

t.test('whoever does not speak HTTP/2 is hung up on, and others are served', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: "*" } }')
  const path = join(socketDirectory(t), 's')
  const addresses = [tlsAddress(certificates), unixAddress(path)]
  const { server, ports } = await serveStubs(t, addresses, { limits: { setUpMs: 400 } })
  const [port = 0] = ports
  const presented = await certificates.add({ name: 'ann' })
  const options = { port, ...presented, ca: certificates.ca, ALPNProtocols: ['h2'] }
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const cases: readonly [name: string, socket: Socket, sent: string | Buffer][] = [
    ['HTTP/1, plain', connectTcp(port, '127.0.0.1'), 'GET / HTTP/1.1\r\n\r\n'],
    ['HTTP/2 without TLS', connectTcp(port, '127.0.0.1'), preface],
    ['the beginning of TLS, then garbage', connectTcp(port, '127.0.0.1'), Buffer.alloc(4000, 0x16)],
    ['the beginning of TLS, then nothing', connectTcp(port, '127.0.0.1'), '\u0016'],
    ['nothing', connectTcp(port, '127.0.0.1'), ''],
    ['HTTP/1 in TLS', connectTls(options), 'GET / HTTP/1.1\r\n\r\n'],
    ['nothing in TLS', connectTls(options), ''],
    ['half a preface in TLS', connectTls(options), preface.slice(0, 20)],
    ['HTTP/1 on the socket', connectTcp(path), 'GET / HTTP/1.1\r\n\r\n'],
    ['garbage on the socket', connectTcp(path), Buffer.alloc(100_000, 0xff)],
    ['TLS on the socket', connectTcp(path), '\u0016\u0003\u0001'],
    ['nothing on the socket', connectTcp(path), ''],
  ]
  const answers = await Promise.all(
    cases.map(async ([name, socket, sent]) => [name, await exchanged(t, socket, sent)] as const),
  )
  for (const [name, answer] of answers) t.ok(answer.length < 100, `${name}: cut, and told nothing`)
  t.match(await tlsClient(t, port, certificates.ca, presented).call(GET_STATS), OK)
  t.match(await socketClient(t, path).call(GET_STATS), OK)
  t.match(server.counts(), [
    { open: 1, pending: 0, unfit: 8 },
    { open: 1, pending: 0, unfit: 4 },
  ])
})

t.test('a request is as large as its method takes, and not larger', async (t) => {
  const path = join(socketDirectory(t), 's')
  const { reached } = await serveStubs(t, [unixAddress(path)])
  const client = socketClient(t, path)
  const KIB = 1024
  const cases: readonly [method: StubMethod, bytes: number, ended: object][] = [
    [GET_STATS, 64 * KIB, OK],
    [GET_STATS, 64 * KIB + 1, { status: 8, code: 'REQUEST_TOO_LARGE' }],
    [SET_POLICY, 1024 * KIB, OK],
    [SET_POLICY, 1024 * KIB + 1, { status: 8 }],
    [GET_STATS, 4096 * KIB, { status: 8 }],
  ]
  for (const [method, bytes, ended] of cases) {
    t.match(await client.call(method, Buffer.alloc(bytes)), ended, `${method.name}: ${bytes} bytes`)
  }
  t.equal(reached.length, 2)
})

t.test('a connection is had by so many at a time, and calls that do not go on end', async (t) => {
  const path = join(socketDirectory(t), 's')
  const limits = { connections: 2, requestMs: 200, pending: 2, setUpMs: 60_000 }
  const refused: string[] = []
  const events = { refused: (_method: string, code: string) => void refused.push(code) }
  const { server } = await serveStubs(t, [unixAddress(path)], { limits, events })
  const silent = [connectTcp(path), connectTcp(path), connectTcp(path)]
  for (const socket of silent) t.teardown(() => socket.destroy())
  await new Promise((resolve) => silent[0]?.once('close', resolve))
  t.match(server.counts(), [{ pending: 2, refused: 1 }], 'the oldest that says nothing makes room')
  const clients = [socketClient(t, path), socketClient(t, path), socketClient(t, path)]
  t.match(await clients[0]?.call(GET_STATS), OK)
  t.match(await clients[1]?.call(GET_STATS), OK)
  t.match(await clients[2]?.call(GET_STATS), { status: 14 })
  clients[2]?.close()
  clients[0]?.close()
  await until('there to be room', () => (server.counts()[0]?.open ?? 0) < 2)
  const raw = connectTcp(path)
  t.teardown(() => raw.destroy())
  raw.write(PREFACE)
  raw.write(frame(1, 4, 1, headers(GET_STATS.definition.path)))
  await until('the call that sends nothing to end', () => refused.includes('REQUEST_TOO_SLOW'))
})

t.test('one certificate does not take all the connections', async (t) => {
  const certificates = await Certificates.make(t, '{ role: admin, subject: { CN: "*" } }')
  const limits = { connections: 3, connectionsPerCaller: 2 }
  const { server, ports } = await serveStubs(t, [tlsAddress(certificates)], { limits })
  const greedy = await certificates.add({ name: 'greedy' })
  const other = await certificates.add({ name: 'other' })
  const clientOf = (presented: Presented): ReturnType<typeof tlsClient> =>
    tlsClient(t, ports[0] ?? 0, certificates.ca, presented)
  const [first, second, third] = [clientOf(greedy), clientOf(greedy), clientOf(greedy)]
  t.match(await first.call(GET_STATS), OK)
  t.match(await second.call(GET_STATS), OK)
  t.match(await third.call(GET_STATS), { status: 14 }, 'a third one is hung up on')
  t.match(await clientOf(other).call(GET_STATS), OK, 'somebody else gets in')
  third.close()
  first.close()
  await until('there to be room', () => (server.counts()[0]?.open ?? 0) < 3)
  t.match(await clientOf(greedy).call(GET_STATS), OK, 'who hangs up may come again')
})

t.test('calls that are reset as they are made end no more than their connection', async (t) => {
  const path = join(socketDirectory(t), 's')
  await serveStubs(t, [unixAddress(path)])
  const CANCEL = Buffer.of(0, 0, 0, 8)
  for (const method of ['/no/method', GET_STATS.definition.path]) {
    const calls = Array.from({ length: 20_000 }, (_, index) => {
      const stream = 1 + 2 * index
      return Buffer.concat([frame(1, 5, stream, headers(method)), frame(3, 0, stream, CANCEL)])
    })
    await Promise.all([poured(path, calls, 1000), poured(path, calls, 1000)])
    t.match(await socketClient(t, path).call(GET_STATS), OK, method)
  }
})

t.test('a peer that does not answer any more is cut', async (t) => {
  const path = join(socketDirectory(t), 's')
  const limits = { askMs: 100, aliveMs: 100 }
  const { server } = await serveStubs(t, [unixAddress(path)], { limits })
  const client = socketClient(t, path)
  t.match(await client.call(GET_STATS), OK)
  await exchanged(t, connectTcp(path), PREFACE)
  t.equal(server.counts()[0]?.open, 1, 'one that answers is kept')
})

t.test('one connection too many pushes out the oldest of whoever has most', async (t) => {
  const cut: string[] = []
  const connection = (name: string): { destroy(): void } => ({ destroy: () => cut.push(name) })
  const pending = new PendingConnections<{ destroy(): void }>(4)
  const [b1, a1] = [connection('b1'), connection('a1')]
  t.notOk(pending.add('b', b1))
  t.notOk(pending.add('a', a1))
  t.notOk(pending.add('a', connection('a2')))
  t.notOk(pending.add('a', connection('a3')))
  t.ok(pending.add('a', connection('a4')))
  t.ok(pending.add('c', connection('c1')))
  t.same(cut, ['a1', 'a2'])
  t.notOk(pending.delete('a', a1), 'it is gone')
  t.ok(pending.delete('b', b1))
  t.equal(pending.count, 3)
  pending.cut()
  t.same(cut.slice(2).sort(), ['a3', 'a4', 'c1'])
  t.equal(pending.count, 0)
})
