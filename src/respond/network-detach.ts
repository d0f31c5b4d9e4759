/**
 * Cutting a network namespace off, and what is needed to undo it. Every link but loopback is taken down; the kernel then drops
 * the routes over it and its IPv6 addresses, so those are saved first: as iproute2's own dumps, which it restores exactly, and
 * as text, which people read and the restoration is checked against.
 *
 * A process of the container that may administer its network (CAP_NET_ADMIN) can bring a link up again once it runs.
 */
import { join } from 'node:path'
import { writeDurably, recordText } from './durable.js'
import { type IpTools, runIp } from './ip-command.js'
import type { HeldNamespace } from './network-namespace.js'
import { type Link, linksIn, readLinks, readNetwork, tablesOf } from './network-state.js'

/** What was saved of one namespace; the names are of files in the incident's directory. */
export interface SavedNamespace {
  readonly inode: number
  /** Those that were up. */
  readonly links: readonly { readonly index: number; readonly name: string }[]
  /** A `NetworkState`. */
  readonly state: string
  readonly addresses: string
  readonly routes4: string
  /** One for each routing table. */
  readonly routes6: readonly string[]
}

/** Rounds of taking down, in case that a link appears meanwhile. */
const ROUNDS = 3

/**
 * Saves the state of the namespace in `directory`; it is on disk when this resolves. A text says why it could not be. Undefined:
 * no link is up but loopback, so there is nothing to take down.
 */
export async function saveNamespace(
  tools: IpTools,
  namespace: HeldNamespace,
  directory: string,
): Promise<SavedNamespace | string | undefined> {
  const state = await readNetwork(tools, namespace)
  if (typeof state === 'string') return state
  const links = linksIn(state.links).filter(({ isUp }) => isUp)
  if (links.length === 0) return undefined
  const prefix = `network-${namespace.inode}`
  const problems: string[] = []
  const dump = async (name: string, args: readonly string[]): Promise<string> => {
    const { ok, stdout, problem } = await runIp(tools, namespace.handle.fd, args)
    if (!ok) problems.push(`ip ${args.join(' ')}: ${problem}`)
    else await writeDurably(join(directory, name), stdout)
    return name
  }
  const routes6: string[] = []
  const addresses = await dump(`${prefix}-addresses.bin`, ['address', 'save'])
  const routes4 = await dump(`${prefix}-routes4.bin`, ['-4', 'route', 'save', 'table', 'all'])
  for (const table of tablesOf(state.routes6)) {
    const name = `${prefix}-routes6-${table}.bin`
    routes6.push(await dump(name, ['-6', 'route', 'save', 'table', table]))
  }
  if (problems[0] !== undefined) return problems[0]
  await writeDurably(join(directory, `${prefix}.json`), recordText(state))
  return {
    inode: namespace.inode,
    links: links.map(({ index, name }) => ({ index, name })),
    state: `${prefix}.json`,
    addresses,
    routes4,
    routes6,
  }
}

/** Takes every link but loopback down and looks whether they are. Gives what is still up, or why it cannot be told. */
export async function takeDown(
  tools: IpTools,
  namespace: HeldNamespace,
): Promise<readonly Link[] | string> {
  let up: readonly Link[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const links = await readLinks(tools, namespace)
    if (typeof links === 'string') return links
    up = links.filter(({ isUp }) => isUp)
    if (up.length === 0 || round === ROUNDS) return up
    for (const link of up) await setLink(tools, namespace, link, 'down')
  }
  return up
}

/** Sets one link up or down; gives the problem, or an empty text. */
export async function setLink(
  tools: IpTools,
  namespace: HeldNamespace,
  { index, name }: { readonly index: number; readonly name: string },
  direction: 'up' | 'down',
): Promise<string> {
  // `if7` is understood as an index where no link has that name. Names that are not plain may not have survived JSON.
  const device = /^[\x21-\x7e]{1,15}$/.test(name) ? name : `if${index}`
  const args = ['link', 'set', 'dev', device, direction]
  const { ok, problem } = await runIp(tools, namespace.handle.fd, args)
  return ok ? '' : `ip ${args.join(' ')}: ${problem}`
}
