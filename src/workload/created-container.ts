/**
 * Which container an OCI configuration is for, and whose: read off what the engine itself wrote into it, before anything
 * of the container runs. Pure.
 */
import { isContainerId } from './container-facts.js'
import { containerOf } from './container-path.js'
import { elementsAt, memberAt, stringAt } from './json-fields.js'

/** Who made it, where its files lie, and what was asked for. `other`: neither podman nor CRI-O nor Docker made it. */
export interface CreatedContainer {
  readonly manager: 'podman' | 'crio' | 'docker' | 'other'
  /** Empty if it cannot be told. */
  readonly containerId: string
  readonly rootPath: string
  /** Sources of its bind mounts. */
  readonly sources: readonly string[]
  readonly annotations: Readonly<Record<string, unknown>>
  readonly noNewPrivileges: boolean
}

/** The annotation by which whoever starts a container lets it run without the profile that is applied to its image. */
export const OFF_ANNOTATION = 'plimsoll.profile'
export const OFF = 'off'

const MANAGER = 'io.container.manager'
const OWN_FILES = /-containers\/([0-9a-f]{64})\/userdata\//

/** `givenId` is what the OCI runtime is called with; a hook is not told. */
export function createdContainer(config: unknown, givenId?: string): CreatedContainer {
  const annotations = annotationsOf(config)
  const cgroup = containerOf(cgroupPathOf(stringAt(config, 'linux', 'cgroupsPath') ?? ''))
  const sources = elementsAt(config, 'mounts').flatMap((mount) => stringAt(mount, 'source') ?? [])
  const ownFiles = sources.flatMap((source) => OWN_FILES.exec(source)?.[1] ?? [])
  // An engine that was told to make no cgroup names none.
  const containerId = givenId ?? cgroup?.containerId ?? ownFiles[0] ?? ''
  return {
    manager: managerOf(annotations, cgroup?.runtime),
    containerId: isContainerId(containerId) ? containerId : '',
    rootPath: stringAt(config, 'root', 'path') ?? '',
    sources,
    annotations,
    noNewPrivileges: memberAt(config, 'process', 'noNewPrivileges') === true,
  }
}

function managerOf(
  annotations: Readonly<Record<string, unknown>>,
  runtime: string | undefined,
): CreatedContainer['manager'] {
  if (annotations[MANAGER] === 'libpod') return 'podman'
  if (annotations[MANAGER] === 'cri-o' || runtime === 'crio') return 'crio'
  return runtime === 'podman' || runtime === 'docker' ? runtime : 'other'
}

function annotationsOf(config: unknown): Readonly<Record<string, unknown>> {
  const found = memberAt(config, 'annotations')
  return typeof found === 'object' && found !== null
    ? Object.fromEntries(Object.entries(found))
    : {}
}

/** The systemd driver's `SLICE:PREFIX:ID` is one segment of a path and stays one. */
function cgroupPathOf(text: string): string {
  return text.startsWith('/') ? text : `/${text}`
}
