/** How operator actions get on record: before they are done, and again with what came of them. `operator-log` keeps them. */

/** What somebody is about to do. Texts are bounded by the log and escaped. */
export interface OperatorIntent {
  /** `cert:SUBJECT`, `socket:ROLE`, `cli:USER`, `rule:NAME`, `severity:NAME`, `plimsoll`. */
  readonly actor: string
  /** Name of the method, or what comes nearest: `Respond`, `SealBaseline`. */
  readonly action: string
  /** A container, an image, an incident, a file. */
  readonly target: string
  readonly reason: string
  readonly details?: Readonly<Record<string, unknown>>
}

export type OperatorOutcome = 'done' | 'refused' | 'failed'

/** An action on record that has not ended yet. */
export interface RecordedAction {
  /** Says what came of it; durable when it resolves. Rejects with `AUDIT_UNWRITABLE`. */
  end(outcome: OperatorOutcome, details?: Readonly<Record<string, unknown>>): Promise<void>
}

export interface OperatorRecorder {
  /** Puts the intent on record; durable when it resolves. Rejects with `AUDIT_UNWRITABLE`: then nothing may be done. */
  begin(intent: OperatorIntent): Promise<RecordedAction>
}
