import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseRoles, roleFor } from '../../src/service/roles-file.js'
import { readTlsMaterial } from '../../src/service/tls-files.js'
import { plimsoll } from '../support/fake-terminal.js'

interface Ran {
  readonly status: number
  readonly out: string
  readonly said: string
}

async function certs(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const { status, out, said } = await plimsoll(['certs', ...args], env)
  return { status, out: out.toString('utf8'), said }
}

function workDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'ca')
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

t.test('a CA, a server and clients are made that fit together', async (t) => {
  const dir = workDirectory(t)
  const file = (name: string): string => join(dir, name)
  t.match(await certs(['init', '--dir', dir]), { status: 0, out: `${file('ca.pem')}\n` })
  const hosts = ['--server', 'node-1.example', '127.0.0.1', '::1']
  t.match(await certs(['issue', 'node-1', '--dir', dir, ...hosts]), { status: 0 })
  t.match(await certs(['issue', 'siem', '--dir', dir, '--role', 'viewer']), { status: 0 })
  t.match(await certs(['issue', 'boss', '--dir', dir, '--role', 'admin']), { status: 0 })
  const files = { cert: file('node-1.pem'), key: file('node-1.key'), ca: file('ca.pem') }
  await readTlsMaterial({ ...files, roles: file('roles.yaml') }, Date.now())
  const server = new X509Certificate(readFileSync(file('node-1.pem')))
  for (const name of ['node-1.example']) t.equal(server.checkHost(name), name)
  for (const address of ['127.0.0.1', '::1']) t.equal(server.checkIP(address), address)
  const ca = new X509Certificate(readFileSync(file('ca.pem')))
  t.ok(server.checkIssued(ca))
  t.ok(server.verify(ca.publicKey))
  for (const [certificate, days] of [
    [ca, 1825],
    [server, 397],
  ] as const) {
    const span = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)
    t.equal(Math.round(span / 86_400_000), days)
    t.match(certificate.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' })
  }
  t.equal(modeOf(dir), '700')
  for (const name of readdirSync(dir)) {
    t.equal(modeOf(file(name)), name.endsWith('.key') ? '600' : '644', name)
  }
  const rules = parseRoles(readFileSync(file('roles.yaml'), 'utf8'))
  t.same(rules, [
    { role: 'viewer', subject: { CN: 'siem' } },
    { role: 'admin', subject: { CN: 'boss' } },
  ])
  const nobody = { subject: { CN: ['node-1'], O: [], OU: [] }, alternative: [] }
  t.equal(roleFor(rules, nobody), undefined, 'the server has no role')
  t.match(readFileSync(file('roles.yaml'), 'utf8'), /^# Which role .*\n[^]*\n {2}- role: viewer\n/)
})

t.test('nothing is overwritten, and what goes wrong leaves nothing behind', async (t) => {
  const dir = workDirectory(t)
  const issue = (name: string, ...more: readonly string[]): Promise<Ran> =>
    certs(['issue', name, '--dir', dir, ...more])
  t.match(await issue('a', '--role', 'viewer'), { status: 1, said: /certs init/ })
  t.notOk(existsSync(dir))
  await certs(['init', '--dir', dir])
  await issue('a', '--role', 'viewer')
  const roles = join(dir, 'roles.yaml')
  writeFileSync(roles, `${readFileSync(roles, 'utf8')}  # mine\n`)
  const before = readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')])
  const cases: readonly [ran: () => Promise<Ran>, status: number, said: RegExp][] = [
    [() => certs(['init', '--dir', dir]), 1, /ca.key is there already/],
    [() => issue('a', '--role', 'viewer'), 1, /a.key is there already/],
    [() => issue('a', '--role', 'admin'), 1, /a has the role viewer in it already/],
    [() => issue('b'), 2, /either --role or --server/],
    [() => issue('b', '--role', 'viewer', '--server', 'x'), 2, /either --role or --server/],
    [() => issue('b', '--role', 'root'), 2, /Allowed choices are viewer/],
    [() => issue('../b', '--role', 'viewer'), 2, /a name has up to/],
    [() => issue('ca', '--server', 'x'), 2, /a name has up to/],
    [() => issue('b', '--server', 'a\nb'), 2, /neither a name of a host nor an address/],
    [() => issue('b', '--server', 'x,DNS:y'), 2, /neither a name/],
    [() => issue('b', '--server', '1.2.3.4.5'), 1, /openssl/],
    [
      () => certs(['issue', 'b', '--role', 'viewer', '--dir', dir], { PATH: '/none' }),
      1,
      /no openssl here/,
    ],
  ]
  for (const [ran, status, said] of cases) t.match(await ran(), { status, said }, said.source)
  const after = readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')])
  t.same(after, before)
  t.match(await issue('b', '--role', 'analyst'), { status: 0 })
  t.match(readFileSync(roles, 'utf8'), /# mine/, 'comments are kept')
  writeFileSync(roles, 'version: 1\nroles: [ {role: viewer, subject: {CN: "*"}} ]\n')
  t.match(await issue('c', '--role', 'admin'), { status: 1, said: /c has the role viewer/ })
  t.match(await issue('d', '--role', 'viewer'), { status: 0 }, 'an entry before gives it already')
})
