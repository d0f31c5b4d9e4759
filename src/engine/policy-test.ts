/**
 * What a policy would have said of a recorded session: the trace is replayed to a detector as `enforce` has one, without a
 * sensor and without responses. Reads the trace, the policy and the sealed baselines, and nothing else; the same files give
 * the same answer, ids and times included.
 */
import type { BaselineStore } from '../baseline/store.js'
import { type Anomaly, kindOf, SEVERITIES } from '../detect/anomaly.js'
import { Detector } from '../detect/detector.js'
import { workloadScopeOf } from '../detect/policy-scope.js'
import type { Action } from '../detect/policy.js'
import type { CompiledSeverity } from '../detect/severity.js'
import { failure } from '../errors.js'
import { Detection } from './detection.js'
import type { ContainerAnswer, Input } from './input.js'
import { type LoadedPolicy, loadPolicy, loadSeverityTable } from './policy-file.js'
import { SealedImages } from './sealed-images.js'
import { LearningSession } from './session.js'
import { readTrace } from './trace-file.js'

export interface PolicyTestOptions {
  readonly policyPath: string
  readonly tracePath: string
  readonly store: BaselineStore
}

/** An image of the trace. `policy`: without a sealed baseline, so that only rules that deny speak; `nothing`: ignored. */
export interface TestedImage {
  /** Both are empty where no runtime could say which image it was. */
  readonly name: string
  readonly digest: string
  readonly judgedBy: 'baseline' | 'policy' | 'nothing'
  readonly containers: number
}

export interface TestedAnomaly {
  readonly anomaly: Anomaly
  /** What the policy has done about it. */
  readonly response: Action
  /** The policy protects the container, so that nothing but an alert comes of it. */
  readonly isProtected: boolean
}

export interface PolicyTest {
  readonly policy: LoadedPolicy
  /** In the order in which they turned up. */
  readonly images: readonly TestedImage[]
  /** The worst first, those of a severity in the order in which they were raised. */
  readonly anomalies: readonly TestedAnomaly[]
}

/**
 * Throws what reading the three throws: `POLICY_INVALID`, `FILE_UNREADABLE`, `TRACE_UNREADABLE`, `TRACE_DAMAGED`,
 * `STORE_DAMAGED`, `STORE_UNREADABLE`; and `NOTHING_JUDGED` where the trace has no container that the policy would be asked
 * about, because no anomaly would then be no answer.
 */
export async function testPolicy(options: PolicyTestOptions): Promise<PolicyTest> {
  const policy = await loadPolicy(options.policyPath)
  const replayed = new Replayed(policy, await loadSeverityTable())
  const [problem] = await new SealedImages(options.store, replayed.detector).refresh()
  if (problem !== undefined) throw problem
  const inputs = await readTrace(options.tracePath)
  const { images, anomalies } = replayed.over(inputs)
  if (!images.some(({ judgedBy }) => judgedBy !== 'nothing')) {
    const problem =
      images.length === 0
        ? 'no container of those that were recorded is in it'
        : 'its images have no sealed baseline, and the policy ignores such images'
    throw failure('NOTHING_JUDGED', { path: options.tracePath, problem })
  }
  return { policy, images, anomalies }
}

class Replayed {
  readonly detector: Detector
  readonly #policy: LoadedPolicy
  readonly #anomalies = new Map<string, Anomaly>()
  readonly #images = new Map<string, TestedImage>()

  constructor(policy: LoadedPolicy, severity: CompiledSeverity) {
    this.#policy = policy
    this.detector = new Detector({
      policy: policy.compiled,
      severity,
      prefix: 'test',
      raised: (anomaly) => void this.#anomalies.set(anomaly.id, anomaly),
      // That an image has none is said of the image.
      alertsUnlearned: false,
    })
  }

  over(inputs: readonly Input[]): Pick<PolicyTest, 'images' | 'anomalies'> {
    const { detector } = this
    const { unknownImages } = this.#policy.policy
    let detection: Detection | undefined
    const session = new LearningSession(
      {
        resolved: (run, answer, isWanted, atMs) => {
          const isWatched = isWanted && this.#judgedBy(answer) !== 'nothing'
          if (isWanted) this.#count(answer)
          detection?.resolved(run, answer, isWatched, atMs)
        },
        gone: (run, atMs) => detection?.gone(run, atMs),
        missed: (missed, _sinceMs, atMs) => detector.missed(missed, atMs),
        sampled: (cgroupId, sample, atMs) => detection?.sampled(cgroupId, sample, atMs),
      },
      {
        also: (runs) => (detection = new Detection(runs, detector)),
        learns: ({ found, imageDigest }) =>
          found && (detector.isHeld(imageDigest) || unknownImages === 'learn'),
      },
    )
    for (const input of inputs) {
      detection?.settle(input.atMs)
      session.apply(input)
      session.takeRequests()
    }
    for (const anomaly of detector.takeRepeats()) this.#anomalies.set(anomaly.id, anomaly)
    const worst = (anomaly: Anomaly): number => -SEVERITIES.indexOf(anomaly.severity)
    const anomalies = [...this.#anomalies.values()].toSorted((a, b) => worst(a) - worst(b))
    return {
      images: [...this.#images.values()],
      anomalies: anomalies.map((one) => this.#tested(one)),
    }
  }

  #judgedBy({ imageDigest }: ContainerAnswer): TestedImage['judgedBy'] {
    if (this.detector.isHeld(imageDigest)) return 'baseline'
    return this.#policy.policy.unknownImages === 'ignore' ? 'nothing' : 'policy'
  }

  #count(answer: ContainerAnswer): void {
    const { imageDigest: digest, imageName: name } = answer
    const containers = (this.#images.get(digest)?.containers ?? 0) + 1
    this.#images.set(digest, { name, digest, judgedBy: this.#judgedBy(answer), containers })
  }

  #tested(anomaly: Anomaly): TestedAnomaly {
    const { compiled } = this.#policy
    const { subject, severity, workload } = anomaly
    const isContainer = workload.containerId !== ''
    return {
      anomaly,
      response: isContainer ? compiled.responseTo(severity, kindOf(subject)) : 'alert',
      isProtected: isContainer && compiled.isProtected(workloadScopeOf(workload, undefined)),
    }
  }
}
