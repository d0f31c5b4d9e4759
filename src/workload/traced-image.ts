/**
 * Identifying a container that is gone by what is left of it: the runtime's events name its image, and the image that bears
 * that name now is taken for it, unless the name has moved meanwhile. Pure.
 */
import type { Resolution } from './container-facts.js'
import type { ContainerRuntime } from './container-path.js'
import type { EventTrace, ImageFacts } from './runtime-answers.js'

/** Docker's events have whole seconds, so a container made in the second of a tagging looks older than it is. */
const EVENT_GRAIN_MS = 1000

/**
 * What a gone container was, its `runtimeVersion` left empty; or `gone` when the image is not to be had, or was built or
 * named after the container ran: that would put a run into another image's baseline.
 */
export function resolutionOfTrace(
  containerId: string,
  trace: EventTrace,
  image: ImageFacts | undefined,
  runtime: ContainerRuntime,
): Resolution {
  if (image === undefined) return { kind: 'gone', problem: `image ${trace.imageName} is gone too` }
  if ((image.changedMs ?? 0) >= trace.firstMs + EVENT_GRAIN_MS) {
    return {
      kind: 'gone',
      problem: `the name ${trace.imageName} was given to another image after the container ran`,
    }
  }
  const facts = {
    runtime,
    runtimeVersion: '',
    containerId,
    name: trace.name,
    imageDigest: image.imageDigest,
    imageName: trace.imageName,
    entrypoint: image.entrypoint,
    // The container may have had others than its image.
    healthChecks: [],
    labels: undefined,
    ...(trace.startedMs === undefined ? {} : { startedMs: trace.startedMs }),
    source: 'image',
  } as const
  return { kind: 'found', facts }
}
