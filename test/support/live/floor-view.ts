/** What the live tests read of `plimsoll calibrate --json`; written from the documented output, not from plimsoll's types. */

export interface FloorView {
  readonly operation: 'start' | 'exec'
  readonly noNewPrivileges: boolean
  readonly rounds: number
  readonly names: Readonly<Record<string, number>>
}

export interface DifferenceView {
  readonly added: readonly string[]
  readonly gone: readonly string[]
}

export interface CalibrationView {
  readonly kind: 'measured' | 'unavailable'
  /** Of one that is `unavailable`. */
  readonly runtime?: string
  readonly problem?: string
  /** Of one that was measured. */
  readonly path: string
  readonly spoiled: readonly string[]
  readonly document: {
    readonly runtime: string
    readonly version: string
    readonly quietRounds: number
    readonly tried: readonly string[]
    readonly floors: readonly FloorView[]
  }
  readonly toPrevious: readonly DifferenceView[] | null
}

/** The output of `calibrate --json`. */
export function calibrationsOf(json: string): readonly CalibrationView[] {
  return JSON.parse(json) as readonly CalibrationView[]
}

/** Names of one measure. */
export function floorNames(
  { document }: CalibrationView,
  operation: 'start' | 'exec',
  noNewPrivileges: boolean,
): readonly string[] {
  const floor = document.floors.find(
    (one) => one.operation === operation && one.noNewPrivileges === noNewPrivileges,
  )
  return Object.keys(floor?.names ?? {})
}
