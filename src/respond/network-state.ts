/**
 * What the network of one namespace looks like, in the words of `ip -json`: links, addresses, routes, permanent neighbours.
 * Reading it, and saying what of an earlier state is missing from a later one. Names of links are the container's choice.
 */
import { elementsAt, memberAt, parseJson, stringAt, stringsAt } from '../workload/json-fields.js'
import { type IpTools, runIp } from './ip-command.js'
import type { HeldNamespace } from './network-namespace.js'

/** As `ip` printed it. */
export interface NetworkState {
  /** `ip address show`: links with their addresses. */
  readonly links: readonly unknown[]
  readonly routes4: readonly unknown[]
  readonly routes6: readonly unknown[]
  readonly neighbours: readonly unknown[]
}

export interface Link {
  readonly index: number
  readonly name: string
  readonly isUp: boolean
}

const QUESTIONS = {
  links: ['address', 'show'],
  routes4: ['-4', 'route', 'show', 'table', 'all'],
  routes6: ['-6', 'route', 'show', 'table', 'all'],
  neighbours: ['neighbour', 'show', 'nud', 'permanent'],
} as const

/** What changes without anybody's doing: timers, the carrier, the state of duplicate address detection. */
const VOLATILE = new Set(['expires', 'flags', 'valid_life_time', 'preferred_life_time', 'used'])

/** The state of the namespace, or why it cannot be told. */
export async function readNetwork(
  tools: IpTools,
  namespace: HeldNamespace,
): Promise<NetworkState | string> {
  const answers = await Promise.all([
    ask(tools, namespace, QUESTIONS.links),
    ask(tools, namespace, QUESTIONS.routes4),
    ask(tools, namespace, QUESTIONS.routes6),
    ask(tools, namespace, QUESTIONS.neighbours),
  ])
  const problem = answers.find((answer) => typeof answer === 'string')
  if (typeof problem === 'string') return problem
  const [links, routes4, routes6, neighbours] = answers as (readonly unknown[])[]
  return {
    links: links ?? [],
    routes4: routes4 ?? [],
    routes6: routes6 ?? [],
    neighbours: neighbours ?? [],
  }
}

/** The links of the namespace but loopback, or why they cannot be told. */
export async function readLinks(
  tools: IpTools,
  namespace: HeldNamespace,
): Promise<readonly Link[] | string> {
  const answer = await ask(tools, namespace, ['link', 'show'])
  return typeof answer === 'string' ? answer : linksIn(answer)
}

/** The links but loopback of what `ip link` or `ip address` printed. */
export function linksIn(printed: readonly unknown[]): readonly Link[] {
  return printed.flatMap((link) => {
    const index = memberAt(link, 'ifindex')
    const flags = stringsAt(link, 'flags')
    if (typeof index !== 'number' || flags.includes('LOOPBACK')) return []
    return [{ index, name: stringAt(link, 'ifname') ?? '', isUp: flags.includes('UP') }]
  })
}

/** Names of the routing tables of these routes, without the kernel's own. */
export function tablesOf(routes: readonly unknown[]): readonly string[] {
  const tables = new Set(routes.map((route) => stringAt(route, 'table') ?? 'main'))
  tables.delete('local')
  return [...tables].filter((table) => /^[\w.-]{1,64}$/.test(table))
}

/** What of `before` is not in `now`, in words, at most a few; empty where all is there again. */
export function missingFrom(before: NetworkState, now: NetworkState): readonly string[] {
  const up = new Set(linksIn(now.links).flatMap((link) => (link.isUp ? [link.index] : [])))
  const links = linksIn(before.links)
    .filter((link) => link.isUp && !up.has(link.index))
    .map((link) => `link ${link.name} is down`)
  const addresses = missing(
    'address',
    before.links.flatMap(addressesOf),
    now.links.flatMap(addressesOf),
  )
  const routes = [before.routes4, before.routes6].flatMap((list, at) =>
    missing('route', routesIn(list), routesIn(at === 0 ? now.routes4 : now.routes6)),
  )
  const neighbours = missing('neighbour', before.neighbours, now.neighbours)
  return [...links, ...addresses, ...routes, ...neighbours]
}

/** Without those that the kernel makes of the addresses, some of them only seconds later. */
function routesIn(routes: readonly unknown[]): readonly unknown[] {
  return routes.filter((route) => stringAt(route, 'table') !== 'local')
}

function addressesOf(link: unknown): readonly unknown[] {
  const ifindex = memberAt(link, 'ifindex')
  return elementsAt(link, 'addr_info').map((address) => ({
    ifindex,
    local: memberAt(address, 'local'),
    address: memberAt(address, 'address'),
    prefixlen: memberAt(address, 'prefixlen'),
  }))
}

function missing(
  what: string,
  before: readonly unknown[],
  now: readonly unknown[],
): readonly string[] {
  const there = new Set(now.map(stable))
  return before
    .map(stable)
    .filter((text) => !there.has(text))
    .map((text) => `${what} ${text} is missing`)
}

/** One text for one thing, whatever the order of its members. */
function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${(value as readonly unknown[]).map(stable).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  const members = Object.entries(value)
    .filter(([name, member]) => member !== undefined && !VOLATILE.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${stable(member)}`).join()}}`
}

async function ask(
  tools: IpTools,
  namespace: HeldNamespace,
  question: readonly string[],
): Promise<readonly unknown[] | string> {
  const { ok, stdout, problem } = await runIp(tools, namespace.handle.fd, ['-json', ...question])
  if (!ok) return `ip ${question.join(' ')}: ${problem}`
  // Older versions print nothing where there is nothing.
  const answer = parseJson(stdout.length === 0 ? '[]' : stdout.toString('utf8'))
  return Array.isArray(answer)
    ? (answer as readonly unknown[])
    : `ip ${question.join(' ')}: its answer is not JSON (iproute2 4.16 or newer is needed)`
}
