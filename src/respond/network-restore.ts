/** Undoing what `network-detach` did, from the files that it saved, and checking that all is there again. */
import { open, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { asProblem } from '../errors.js'
import type { Clock } from '../workload/clock.js'
import { elementsAt, parseJson, stringAt } from '../workload/json-fields.js'
import { type IpTools, runIp } from './ip-command.js'
import { type SavedNamespace, setLink } from './network-detach.js'
import type { HeldNamespace } from './network-namespace.js'
import { missingFrom, type NetworkState, readLinks, readNetwork } from './network-state.js'

/** IPv6 needs the link's carrier, which may take a moment. */
const SETTLE_MS = 5000
const STEP_MS = 50
/** One process each. */
const MAX_NEIGHBOURS = 256

/**
 * Brings the saved links up and their addresses, routes and permanent neighbours back; what is there already is left as it
 * is, so that it may be done again. Gives what is wrong in words; empty: everything that was saved was seen to be there.
 */
export async function restoreNamespace(
  tools: IpTools,
  namespace: HeldNamespace,
  saved: SavedNamespace,
  directory: string,
  clock: Clock,
): Promise<readonly string[]> {
  let before: NetworkState
  try {
    before = stateOf(parseJson(await readFile(join(directory, saved.state), 'utf8')))
  } catch (thrown) {
    return [asProblem(thrown)]
  }
  const upProblems = await bringUp(tools, namespace, saved)
  const feed = async (args: readonly string[], dump: string): Promise<void> => {
    // From its beginning each time.
    const file = await open(join(directory, dump), 'r')
    try {
      // iproute2 says `File exists` for what is there; whether all is there is asked for below.
      await runIp(tools, namespace.handle.fd, args, file.fd)
    } finally {
      await file.close()
    }
  }
  const deadlineMs = performance.now() + SETTLE_MS
  for (;;) {
    try {
      await feed(['address', 'restore'], saved.addresses)
      await restoreNeighbours(tools, namespace, before)
      await feed(['-4', 'route', 'restore'], saved.routes4)
      for (const dump of saved.routes6) await feed(['-6', 'route', 'restore'], dump)
    } catch (thrown) {
      return [...upProblems, asProblem(thrown)]
    }
    const now = await readNetwork(tools, namespace)
    if (typeof now === 'string') return [...upProblems, now]
    const wrong = missingFrom(before, now)
    if (wrong.length === 0) return []
    if (performance.now() > deadlineMs) return [...upProblems, ...wrong]
    await clock.sleep(STEP_MS)
  }
}

async function bringUp(
  tools: IpTools,
  namespace: HeldNamespace,
  saved: SavedNamespace,
): Promise<readonly string[]> {
  const links = await readLinks(tools, namespace)
  if (typeof links === 'string') return [links]
  // By index: the container may have renamed them.
  const wanted = saved.links.map((link) => links.find(({ index }) => index === link.index) ?? link)
  // Twice, because a VLAN cannot come up before the link below it.
  for (const link of wanted) await setLink(tools, namespace, link, 'up')
  const problems: string[] = []
  for (const link of wanted) problems.push(await setLink(tools, namespace, link, 'up'))
  return problems.filter((problem) => problem !== '')
}

/** iproute2 has no dump of neighbours. */
async function restoreNeighbours(
  tools: IpTools,
  namespace: HeldNamespace,
  { neighbours }: NetworkState,
): Promise<void> {
  for (const neighbour of neighbours.slice(0, MAX_NEIGHBOURS)) {
    const address = stringAt(neighbour, 'dst') ?? ''
    const device = stringAt(neighbour, 'dev') ?? ''
    const hardware = stringAt(neighbour, 'lladdr') ?? ''
    if (isIP(address) === 0 || !/^[0-9a-f:.]{1,64}$/.test(hardware) || device === '') continue
    const entry = [address, 'lladdr', hardware, 'nud', 'permanent', 'dev', device]
    await runIp(tools, namespace.handle.fd, ['neighbour', 'replace', ...entry])
  }
}

function stateOf(json: unknown): NetworkState {
  return {
    links: elementsAt(json, 'links'),
    routes4: elementsAt(json, 'routes4'),
    routes6: elementsAt(json, 'routes6'),
    neighbours: elementsAt(json, 'neighbours'),
  }
}
