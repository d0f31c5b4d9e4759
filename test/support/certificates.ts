/** Certificates of all kinds, good and bad, made by openssl for one test. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Certificate, makeCertificate } from '../../src/cli/certs-openssl.js'
import type { TlsFiles } from '../../src/service/tls-files.js'

/** What a client presents; nothing where it has none. */
export interface Presented {
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** A directory with a CA, the certificate of a server for 127.0.0.1 and localhost, and a file of roles. */
export class Certificates {
  readonly directory: string

  private constructor(t: Test) {
    this.directory = mkdtempSync(join(tmpdir(), 'plim-certs-'))
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  static async make(t: Test, roles = ''): Promise<Certificates> {
    const made = new Certificates(t)
    await made.add({ name: 'ca', purpose: 'ca' })
    await made.add({ name: 'server', purpose: 'server', hosts: ['127.0.0.1', 'localhost'] })
    made.writeRoles(roles)
    return made
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  get ca(): Buffer {
    return readFileSync(this.path('ca.pem'))
  }

  get files(): TlsFiles {
    return {
      cert: this.path('server.pem'),
      key: this.path('server.key'),
      ca: this.path('ca.pem'),
      roles: this.path('roles.yaml'),
    }
  }

  /** Entries of the file, each `{ role: ..., ... }`. */
  writeRoles(...entries: readonly string[]): void {
    const lines = entries.filter(Boolean).map((entry) => `  - ${entry}\n`)
    const list = lines.length === 0 ? 'roles: []\n' : `roles:\n${lines.join('')}`
    writeFileSync(this.path('roles.yaml'), `version: 1\n${list}`)
  }

  /** Made by the CA in the directory. */
  async add(certificate: Pick<Certificate, 'name'> & Partial<Certificate>): Promise<Presented> {
    const { name } = certificate
    const full = { commonName: name, purpose: 'client', days: 2, ...certificate } as const
    await makeCertificate(this.directory, full, process.env)
    return this.presented(name)
  }

  /** The same by another CA, which has the same name as this one if `ca` says so. */
  async addForeign(name: string, caName: string): Promise<Presented> {
    const directory = this.path(`of-${name}`)
    mkdirSync(directory)
    const ca = { name: 'ca', commonName: caName, purpose: 'ca', days: 2 } as const
    await makeCertificate(directory, ca, process.env)
    const client = { name, commonName: name, purpose: 'client', days: 2 } as const
    await makeCertificate(directory, client, process.env)
    return this.presented(join(`of-${name}`, name))
  }

  /** One that nobody but itself signed. */
  addSelfSigned(name: string): Presented {
    const [key, pem] = [this.path(`${name}.key`), this.path(`${name}.pem`)]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const args = ['req', '-x509', '-new', ...curve, '-subj', `/CN=${name}`, '-days', '2']
    execFileSync('openssl', [...args, '-keyout', key, '-out', pem], { stdio: 'ignore' })
    return this.presented(name)
  }

  /** With subject alternative names, as openssl writes them; made by the CA in the directory. */
  async addNamed(name: string, names: string): Promise<Presented> {
    const { key } = await this.add({ name })
    const [request, extensions] = [this.path('csr'), this.path('extensions')]
    writeFileSync(extensions, `subjectAltName=${names}\n`)
    const subject = ['-key', this.path(`${name}.key`), '-subj', `/CN=${name}`]
    execFileSync('openssl', ['req', '-new', ...subject, '-out', request], { stdio: 'ignore' })
    const by = ['-CA', this.path('ca.pem'), '-CAkey', this.path('ca.key'), '-set_serial', '7']
    const args = ['x509', '-req', '-in', request, ...by, '-extfile', extensions, '-days', '2']
    const cert = execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    return { ...(key === undefined ? {} : { key }), cert }
  }

  /** A list of what the CA revoked: the certificates of those names. */
  revoke(...names: readonly string[]): string {
    const [index, config] = [this.path('index.txt'), this.path('crl.cnf')]
    const crl = this.path('crl.pem')
    writeFileSync(index, '')
    writeFileSync(
      config,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\ndefault_md=sha256\ndefault_crl_days=2\n`,
    )
    const by = ['-config', config, '-cert', this.path('ca.pem'), '-keyfile', this.path('ca.key')]
    for (const name of names) {
      const args = ['ca', ...by, '-revoke', this.path(`${name}.pem`)]
      execFileSync('openssl', args, { stdio: 'ignore' })
    }
    execFileSync('openssl', ['ca', ...by, '-gencrl', '-out', crl], { stdio: 'ignore' })
    return crl
  }

  presented(name: string): Presented {
    return {
      cert: readFileSync(this.path(`${name}.pem`)),
      key: readFileSync(this.path(`${name}.key`)),
    }
  }

  /** Puts the files of one in the place of those of another. */
  replace(name: string, by: string): void {
    for (const end of ['pem', 'key'])
      copyFileSync(this.path(`${by}.${end}`), this.path(`${name}.${end}`))
  }
}
