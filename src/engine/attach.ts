/** Starting the sensor of a mode and waiting until all its probes are attached. */
import { failure } from '../errors.js'
import { versionOf } from '../sensor/dialect.js'
import type { ProbeName } from '../sensor/program.js'
import { Sensor } from '../sensor/supervisor.js'
import { bpftracePath, CLOCK, sensorProgram } from './host.js'
import type { Fact } from './feed.js'

/** What a sensor process says. */
export type SensorFact = Extract<
  Fact,
  { readonly kind: 'sensor-started' | 'sensor-bytes' | 'sensor-ended' }
>

export interface AttachOptions {
  readonly env: NodeJS.ProcessEnv
  /** What `bpftrace --version` said. */
  readonly bpftrace: string
  readonly probes: readonly ProbeName[]
  /** The one cgroup to watch; undefined for the whole host. */
  readonly cgroupId: number | undefined
  /** Takes what the sensor says, in order, also after the probes are attached. */
  readonly give: (fact: SensorFact) => void
  /** Resolves when what was given says that the probes are attached. */
  readonly ready: Promise<void>
  readonly stop: AbortSignal
}

/** bpftrace compiles for some seconds on a busy machine; longer means that it hangs. */
const ATTACH_MS = 90_000

/**
 * Starts the sensor and waits until every probe is attached, or until `stop`. Throws `SENSOR_FAILED` if bpftrace ends
 * before that; later ends are gaps, not failures. The caller stops the sensor that it gets.
 */
export async function attachSensor(options: AttachOptions): Promise<Sensor> {
  const { env, give, ready, stop } = options
  const version = versionOf(options.bpftrace)
  if (version === undefined) throw failure('SENSOR_FAILED', { problem: options.bpftrace })
  const program = await sensorProgram(version, options.probes)
  let onFailed = (_problem: string): void => undefined
  const attached = new Promise<void>((resolve, reject) => {
    void ready.then(resolve)
    stop.addEventListener('abort', () => resolve(), { once: true })
    if (stop.aborted) resolve()
    // Says nothing once it was attached: a promise settles once.
    onFailed = (problem) => reject(failure('SENSOR_FAILED', { problem }))
  })
  const sensor = new Sensor({
    bpftrace: bpftracePath(env),
    version,
    program,
    parameters: [String(options.cgroupId ?? 0), '0'],
    nowMs: () => CLOCK.nowMs(),
    listener: {
      started: () => give({ kind: 'sensor-started' }),
      bytes: (bytes) => give({ kind: 'sensor-bytes', bytes }),
      ended: (_atMs, { expected, reason, code, signal }) => {
        const why = reason || `ended with ${signal ?? `status ${code ?? 'unknown'}`}`
        give({ kind: 'sensor-ended', expected, reason: why })
        onFailed(why)
      },
    },
  })
  sensor.start()
  const timer = setTimeout(
    () => onFailed(`no probe attached within ${ATTACH_MS / 1000} s`),
    ATTACH_MS,
  )
  try {
    await attached
    return sensor
  } catch (thrown) {
    await sensor.stop()
    throw thrown
  } finally {
    clearTimeout(timer)
  }
}
