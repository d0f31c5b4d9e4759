/** Detaching a container's networks: which namespaces, what of them is saved, what was done, in one sentence. */
import { quoted } from '../errors.js'
import { textOf } from './bounded-read.js'
import { findIpTools, type IpTools } from './ip-command.js'
import { type SavedNamespace, saveNamespace, takeDown } from './network-detach.js'
import { type HeldNamespace, namespacesOf, othersIn } from './network-namespace.js'
import { readLinks } from './network-state.js'
import type { StepOutcome } from './request.js'

export interface NetworkStepInput {
  readonly pids: readonly number[]
  /** Of the incident. */
  readonly directory: string
  /** Puts on disk what will be taken down; nothing is when it throws. */
  readonly save: (namespaces: readonly SavedNamespace[]) => Promise<unknown>
  readonly tools?: IpTools | string
}

export interface NetworkStepResult {
  readonly outcome: StepOutcome
  readonly detail: string
  /** Nothing but loopback is left to the container: it may be thawed. */
  readonly isDetached: boolean
}

/** CAP_NET_ADMIN, include/uapi/linux/capability.h. */
const NET_ADMIN = 1n << 12n
const PIDS_LOOKED_AT = 256

/** Takes every link but loopback down, in each network namespace of the container. Never rejects. */
export async function detachNetworks(input: NetworkStepInput): Promise<NetworkStepResult> {
  const tools = input.tools ?? (await findIpTools())
  if (typeof tools === 'string') return failed(tools)
  const { held, isHost, knowsHost, truncated } = await namespacesOf(input.pids)
  try {
    if (!knowsHost) return failed("it cannot be told which network is the host's")
    const problems: string[] = []
    const found = new Map<HeldNamespace, SavedNamespace>()
    for (const namespace of held) {
      const saved = await saveNamespace(tools, namespace, input.directory)
      if (typeof saved === 'string') problems.push(saved)
      else if (saved !== undefined) found.set(namespace, saved)
    }
    if (found.size > 0) await input.save([...found.values()])
    const down: string[] = []
    for (const [namespace, { links }] of found) {
      const left = await takeDown(tools, namespace)
      if (typeof left === 'string') problems.push(left)
      else if (left.length > 0)
        problems.push(`still up: ${left.map(({ name }) => name).join(', ')}`)
      else down.push(...links.map(({ name }) => name))
    }
    if (truncated) problems.push('it has more threads or network namespaces than are looked at')
    if (problems.length > 0) return failed(problems.join('; '))
    const remarks = await remarksOn([...found.keys()], input.pids)
    return result(down, isHost, held.length, remarks)
  } catch (thrown) {
    return failed(thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    for (const { handle } of held) await handle.close()
  }
}

/** What `detachNetworks` would do; changes nothing. */
export async function planDetachment(
  pids: readonly number[],
  given?: IpTools | string,
): Promise<string> {
  const tools = given ?? (await findIpTools())
  if (typeof tools === 'string') return tools
  const { held, isHost } = await namespacesOf(pids)
  try {
    const names: string[] = []
    for (const namespace of held) {
      const links = await readLinks(tools, namespace)
      if (typeof links === 'string') return quoted(links)
      names.push(...links.filter(({ isUp }) => isUp).map(({ name }) => name))
    }
    if (names.length > 0) return quoted(`would take down ${names.join(', ')}`)
    return isHost ? HOST_NETWORK : ONLY_LOOPBACK
  } finally {
    for (const { handle } of held) await handle.close()
  }
}

const HOST_NETWORK = "the container shares the host's network, which is left alone"
const ONLY_LOOPBACK = 'no link is up but loopback'

function result(
  down: readonly string[],
  isHost: boolean,
  namespaces: number,
  remarks: readonly string[],
): NetworkStepResult {
  if (down.length === 0 && !isHost) {
    const detail = namespaces === 0 ? 'no process is left' : ONLY_LOOPBACK
    return { outcome: 'nothing', detail, isDetached: namespaces > 0 }
  }
  if (down.length === 0) return { outcome: 'nothing', detail: HOST_NETWORK, isDetached: false }
  const parts = [`down: ${down.join(', ')}`, ...remarks, ...(isHost ? [HOST_NETWORK] : [])]
  return { outcome: 'done', detail: quoted(parts.join('; ')), isDetached: !isHost }
}

function failed(problem: string): NetworkStepResult {
  return { outcome: 'failed', detail: quoted(problem), isDetached: false }
}

/** What whoever reads the result should know of the namespaces that were cut off. */
async function remarksOn(
  namespaces: readonly HeldNamespace[],
  pids: readonly number[],
): Promise<readonly string[]> {
  const remarks: string[] = []
  for (const { inode } of namespaces) {
    const others = await othersIn(inode, pids)
    if (others > 0) remarks.push(`shared with ${others} processes outside of the container`)
  }
  if (namespaces.length > 0 && (await mayAdminister(pids))) {
    remarks.push('its processes have CAP_NET_ADMIN and could bring links up again once thawed')
  }
  return remarks
}

async function mayAdminister(pids: readonly number[]): Promise<boolean> {
  for (const pid of pids.slice(0, PIDS_LOOKED_AT)) {
    const status = await textOf(`/proc/${pid}/status`, 16_384)
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
    if (effective !== undefined && (BigInt(`0x${effective}`) & NET_ADMIN) !== 0n) return true
  }
  return false
}
