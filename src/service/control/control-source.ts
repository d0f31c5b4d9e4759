/**
 * What the service has to be told to change anything: the narrow side by which it reaches enforcement. The service knows neither
 * engine nor detector. Whoever implements it records nothing: that is the service's part.
 */
import type { plimsoll } from '../../gen/plimsoll.js'
import type { ResponseResult } from '../../respond/request.js'

/** How an image is treated, in the order of the numbers in `control.proto`, from 1. */
export const MODES = ['enforce', 'observe', 'learn'] as const
export type Mode = (typeof MODES)[number]

/** What may be done about a container, likewise. */
export const REQUESTED_ACTIONS = ['freeze', 'isolate', 'kill'] as const
export type RequestedAction = (typeof REQUESTED_ACTIONS)[number]

/** Who wants it, and why. */
export interface Wanting {
  /** As the operator log has it. */
  readonly actor: string
  readonly reason: string
}

export interface PolicyInForce {
  /** The text of the file. */
  readonly yaml: string
  readonly sha256: string
  readonly path: string
}

export interface PolicyChange {
  readonly yaml: string
  /** Of the policy that is to be replaced; empty: whichever it is. */
  readonly expectedSha256: string
  /** Check only. */
  readonly dryRun: boolean
  /** The first occurrences that are kept. */
  readonly anomalies: AsyncIterable<plimsoll.v1.Anomaly.$Properties>
}

export interface PolicyChanged {
  readonly sha256: string
  /** One line each, printable. */
  readonly warnings: readonly string[]
  /** Ids of anomalies that it allows, the first few, and how many there are. */
  readonly allowedAnomalies: readonly string[]
  readonly allowedCount: number
  readonly applied: boolean
}

/** Times are milliseconds since the epoch. */
export interface ImageMode extends Wanting {
  /** As `imageKeyOf` makes it. */
  readonly key: string
  readonly imageName: string
  readonly mode: Mode
  readonly atMs: number
}

export interface ModeChange extends Wanting {
  /** A key, a digest or the beginning of one, a name. */
  readonly image: string
  readonly mode: Mode
}

export interface ResponseOrder extends Wanting {
  /** An id, the beginning of one, a name. */
  readonly container: string
  readonly action: RequestedAction
  /** Names the incident, an existing one or a new one: the same action is taken once for it. */
  readonly incident: string
  readonly dryRun: boolean
  readonly afterwards: 'keep-frozen' | 'thaw'
  /** It may have been done before, by a service that ended meanwhile: then it is answered from the record of the incident. */
  readonly isRepeat: boolean
}

export interface ReleaseOrder extends Wanting {
  /** Id or beginning of one. */
  readonly incident: string
}

export interface Released {
  readonly incident: string
  readonly outcome: 'released' | 'already' | 'partly'
  /** One line each, printable. */
  readonly details: readonly string[]
}

export interface ControlSource {
  policy(): PolicyInForce
  /** Throws `POLICY_INVALID`, `POLICY_CHANGED`, `FILE_UNWRITABLE`. */
  setPolicy(change: PolicyChange): Promise<PolicyChanged>
  /** Those that are not `enforce`, by key. */
  modes(): readonly ImageMode[]
  /** Throws `BASELINE_NOT_FOUND`, `BASELINE_AMBIGUOUS`, `FILE_UNWRITABLE`. */
  setMode(change: ModeChange): Promise<ImageMode>
  /** Throws `CONTAINER_NOT_FOUND`; what else keeps it from being done is in the result. */
  respond(order: ResponseOrder): Promise<ResponseResult>
  /** Throws `INCIDENT_NOT_FOUND`, `INCIDENT_AMBIGUOUS`, `INCIDENT_DAMAGED`. */
  release(order: ReleaseOrder): Promise<Released>
}
