/** One container of a verification: run to its end, or for the time given, and removed whatever happens. */
import { randomUUID } from 'node:crypto'
import { type ByteString, byteStringOfText } from '../bytes.js'
import type {
  ContainerEngine,
  ContainerSpec,
  ContainerState,
} from '../workload/container-engine.js'

/** `not-started`: its entrypoint was never executed. `unknown`: the engine does not say. */
export type RunEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'not-started' }
  | { readonly kind: 'unknown' }

/** How a container went, as its engine tells; what the kernel saw of it is known by its id. */
export interface ContainerRun {
  /** Empty if the engine did not even make one. */
  readonly containerId: string
  readonly end: RunEnd
  /** It was still running when its time was over, and was asked to end. */
  readonly wasStopped: boolean
  /** The end of what it, or the runtime in its place, wrote to standard error. */
  readonly said: ByteString
}

/** Between asking and killing. */
const GRACE_SECONDS = 5

/** The engine's client ends with its container; should it not, it is killed so long after the container is gone. */
const CLIENT_MS = 10_000

/** Runs one container. When `stop` is aborted it is removed at once. Never rejects for what the engine does. */
export async function runContainer(
  engine: ContainerEngine,
  spec: Omit<ContainerSpec, 'name'>,
  forMs: number,
  stop: AbortSignal,
): Promise<ContainerRun> {
  const created = await engine.create({ ...spec, name: `plimsoll-verify-${randomUUID()}` })
  if ('problem' in created) {
    return {
      containerId: '',
      end: { kind: 'not-started' },
      wasStopped: false,
      said: created.problem,
    }
  }
  const { containerId } = created
  const client = new AbortController()
  // Its container is gone, so it ends by itself; a client that hangs must not hold the verification up.
  const endClient = (): void => void setTimeout(() => client.abort(), CLIENT_MS).unref()
  let wasStopped = false
  const timer = setTimeout(() => {
    wasStopped = true
    void engine.stop(containerId, GRACE_SECONDS).then(endClient)
  }, forMs)
  const abort = (): void => void engine.remove(containerId).then(endClient)
  try {
    stop.addEventListener('abort', abort, { once: true })
    if (stop.aborted) abort()
    const said = await engine.start(containerId, client.signal)
    const state = await engine.state(containerId)
    return {
      containerId,
      end: endOf(state),
      wasStopped,
      said: said === '' ? byteStringOfText(state?.error ?? '') : said,
    }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
    await engine.remove(containerId)
  }
}

function endOf(state: ContainerState | undefined): RunEnd {
  if (state === undefined) return { kind: 'unknown' }
  return state.hasStarted ? { kind: 'exited', status: state.exitCode } : { kind: 'not-started' }
}
