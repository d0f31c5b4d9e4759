/** `plimsoll certs ...`: a small CA for trying the service over TCP, and for hosts that have no other. */
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { asProblem, failure, quoted } from '../errors.js'
import { type Role, ROLES } from '../service/caller.js'
import { CA_DAYS, type Certificate, LEAF_DAYS, makeCertificate } from './certs-openssl.js'
import { command, type Context, stateDirectory, stateOption } from './context.js'

interface Flags {
  readonly dir?: string
  readonly state?: string
  readonly role?: Role
  readonly server?: readonly string[]
}

/** What may be a file name and a common name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$|^[0-9A-Fa-f:.]{2,45}$/

const RESERVED = ['ca', 'roles']

export function certsCommand(context: Context): Command {
  return command('certs', 'make certificates for the service over TCP')
    .addCommand(init(context))
    .addCommand(issue(context))
}

function init(context: Context): Command {
  return withDirectory(command('init', 'make a CA, and a file of roles beside it')).action(
    async (flags: Flags) => {
      const directory = directoryOf(flags, context)
      await inDirectory(async () => void (await mkdir(directory, { recursive: true, mode: 0o700 })))
      const commonName = 'plimsoll development CA'
      const ca: Certificate = { name: 'ca', commonName, purpose: 'ca', days: CA_DAYS }
      await makeCertificate(directory, ca, context.terminal.env)
      const { beginRoles } = await import('./certs-roles.js')
      await inDirectory(() => beginRoles(join(directory, 'roles.yaml')))
      context.terminal.out(lines(directory, ['ca.pem', 'ca.key', 'roles.yaml']))
    },
  )
}

function issue(context: Context): Command {
  return withDirectory(command('issue', 'make a certificate that the CA signs'))
    .argument('<name>', 'its common name, and the name of its files')
    .addOption(new Option('--role <role>', 'for a client with this role').choices(ROLES))
    .option('--server <host...>', 'for the service, by these names and addresses')
    .action(async (name: string, flags: Flags) => {
      checkUsage(name, flags)
      const directory = directoryOf(flags, context)
      const { role, server } = flags
      const roles = join(directory, 'roles.yaml')
      await inDirectory(() => access(join(directory, 'ca.key')))
      // Loading what reads roles takes longer than most commands do.
      const { rolesWith, writeRoles } = await import('./certs-roles.js')
      const text = role === undefined ? undefined : await rolesWith(roles, name, role)
      const common = { name, commonName: name, days: LEAF_DAYS }
      await makeCertificate(
        directory,
        server === undefined
          ? { ...common, purpose: 'client' }
          : { ...common, purpose: 'server', hosts: server },
        context.terminal.env,
      )
      if (text !== undefined) await inDirectory(() => writeRoles(roles, text))
      context.terminal.out(lines(directory, [`${name}.pem`, `${name}.key`]))
    })
}

function withDirectory(sub: Command): Command {
  return sub
    .option('--dir <dir>', 'where they are kept (default: certs in the state directory)')
    .addOption(stateOption())
}

function directoryOf({ dir, state }: Flags, context: Context): string {
  return dir ?? join(stateDirectory(state, context.terminal.env), 'certs')
}

function checkUsage(name: string, { role, server }: Flags): void {
  const refused = (problem: string): Error => failure('USAGE', { problem })
  if (!NAME.test(name) || RESERVED.includes(name)) {
    throw refused(`${name}: a name has up to 63 letters, digits, dots, dashes and underscores`)
  }
  if ((role === undefined) === (server === undefined))
    throw refused('give either --role or --server')
  const odd = server?.find((host) => !HOST.test(host))
  if (odd !== undefined) throw refused(`${odd}: it is neither a name of a host nor an address`)
}

async function inDirectory(step: () => Promise<void>): Promise<void> {
  await step().catch((thrown: unknown) => {
    const remedy = 'Make the CA with `plimsoll certs init` first, once for each directory.'
    throw failure('CERTS_FAILED', { problem: asProblem(thrown), remedy }, thrown)
  })
}

function lines(directory: string, files: readonly string[]): string {
  return files.map((file) => `${quoted(join(directory, file))}\n`).join('')
}
