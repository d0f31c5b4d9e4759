/**
 * What the answers of container runtimes mean. One set of readers serves the Docker API, podman's Docker-compatible API
 * and the JSON of podman's command line, because they agree in all that is needed here but for capitals and places.
 * Pure. Field names: Docker Engine API 1.41, podman 4.3 and 5.
 */
import type { ContainerFacts } from './container-facts.js'
import { imageDigestOf } from './container-facts.js'
import type { ContainerRuntime } from './container-path.js'
import { healthChecksOf } from './health-check.js'
import { elementsAt, memberAt, parseJson, stringAt, stringsAt, timeAt } from './json-fields.js'
import { labelsOf } from './labels.js'

/** What the event log still knows of a container that is gone. */
export interface EventTrace {
  readonly imageName: string
  readonly name: string
  /** The oldest event that was kept: not after the container was made, if that event was kept. */
  readonly firstMs: number
  readonly startedMs?: number
}

/** An image as its inspect answer tells it. */
export interface ImageFacts {
  readonly imageDigest: string
  readonly entrypoint: readonly string[]
  /** When it was built, or last given a name where the runtime tells that (Docker). */
  readonly changedMs?: number
}

/** The facts in an inspect answer; undefined when it does not identify container and image. */
export function factsOfInspect(
  answer: unknown,
  runtime: ContainerRuntime,
  runtimeVersion: string,
): ContainerFacts | undefined {
  const containerId = stringAt(answer, 'Id')
  const imageDigest = imageDigestOf(stringAt(answer, 'Image') ?? '')
  if (containerId === undefined || imageDigest === undefined) return undefined
  const startedMs = timeAt(answer, 'State', 'StartedAt')
  const program = stringAt(answer, 'Path')
  const options = elementsAt(answer, 'HostConfig', 'SecurityOpt')
  return {
    runtime,
    runtimeVersion,
    containerId,
    name: (stringAt(answer, 'Name') ?? '').replace(/^\//, ''),
    imageDigest,
    imageName: stringAt(answer, 'ImageName') ?? stringAt(answer, 'Config', 'Image') ?? '',
    entrypoint: program === undefined ? [] : [program, ...stringsAt(answer, 'Args')],
    healthChecks: healthChecksOf(answer, runtime),
    labels: labelsOf(answer),
    ...(startedMs === undefined ? {} : { startedMs }),
    noNewPrivileges: options.some(
      (option) => typeof option === 'string' && /^no-new-privileges(?:[:=]true)?$/.test(option),
    ),
    source: 'container',
  }
}

/** The image in an image inspect answer; undefined without a proper image id. */
export function imageOfInspect(answer: unknown): ImageFacts | undefined {
  const imageDigest = imageDigestOf(stringAt(answer, 'Id') ?? '')
  if (imageDigest === undefined) return undefined
  const changedMs = Math.max(
    timeAt(answer, 'Created') ?? 0,
    timeAt(answer, 'Metadata', 'LastTagTime') ?? 0,
  )
  const entrypoint = [
    ...stringsAt(answer, 'Config', 'Entrypoint'),
    ...stringsAt(answer, 'Config', 'Cmd'),
  ]
  return { imageDigest, entrypoint, ...(changedMs > 0 ? { changedMs } : {}) }
}

/** What the event log, one JSON object per line, tells of that container; undefined when it tells of no image. */
export function traceOfEvents(lines: string, containerId: string): EventTrace | undefined {
  let trace: EventTrace | undefined
  for (const line of lines.split('\n')) {
    const event = parseJson(line)
    // Docker and the compatible API first, podman's own form second.
    const id = stringAt(event, 'Actor', 'ID') ?? stringAt(event, 'ID')
    if (id !== containerId) continue
    const imageName = stringAt(event, 'Actor', 'Attributes', 'image') ?? stringAt(event, 'Image')
    const name = stringAt(event, 'Actor', 'Attributes', 'name') ?? stringAt(event, 'Name')
    const atMs = secondsAt(event) ?? timeAt(event, 'Time')
    if (imageName === undefined || imageName === '' || atMs === undefined) continue
    trace ??= { imageName, name: name ?? '', firstMs: atMs }
    const status = stringAt(event, 'Action') ?? stringAt(event, 'Status')
    if (status === 'start') trace = { ...trace, startedMs: atMs }
  }
  return trace
}

/** `20.10.24 (runc 1.1.5)` from an answer to `/version`: the daemon and the OCI runtime it starts containers with. */
export function versionOf(answer: unknown): string {
  const daemon = stringAt(answer, 'Version') ?? ''
  for (const component of elementsAt(answer, 'Components')) {
    const name = stringAt(component, 'Name') ?? ''
    const version = /\d[\w.+~-]*/.exec(stringAt(component, 'Version') ?? '')?.[0]
    // Docker names the component `runc`, podman `OCI Runtime (crun)`.
    const runtime = /^(?:OCI Runtime \()?(runc|crun|youki|kata)\)?$/.exec(name)?.[1]
    if (runtime !== undefined && version !== undefined) return `${daemon} (${runtime} ${version})`
  }
  return daemon
}

function secondsAt(event: unknown): number | undefined {
  const seconds = memberAt(event, 'time')
  return typeof seconds === 'number' ? seconds * 1000 : undefined
}
