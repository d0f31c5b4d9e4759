/**
 * The severity table: how bad it is that an image begins to do something, and which techniques of MITRE ATT&CK it may be part
 * of. A document (`profiles/severity.yaml`); here are its shape, and its rows made ready to be asked. Pure.
 */
import { type Danger, dangerOf } from '../kernel/syscall-danger.js'
import { argumentCallOf } from '../kernel/arguments.js'
import { argumentDanger } from '../kernel/argument-danger.js'
import { capabilityDanger } from '../kernel/capability-danger.js'
import { syscallName } from '../kernel/syscalls.js'
import type { AnomalyKind, Layer, Severity, Subject } from './anomaly.js'
import { isShell } from './likeness.js'
import { CompiledMatch } from './policy-match.js'
import type { PolicyScope } from './policy-scope.js'
import type { PolicyMatch } from './policy.js'

/** Conditions that only the table has. */
export interface SeverityMatch extends PolicyMatch {
  /** Of the call, the argument or the capability. */
  readonly danger?: readonly Danger[] | undefined
  /** Layers that decided. */
  readonly layers?: readonly Layer[] | undefined
  /** Whether the image did nothing of the like before; see `likeness`. */
  readonly first?: boolean | undefined
  /** Whether the program is a shell. */
  readonly shell?: boolean | undefined
}

/** Of the base the first row that matches gives the severity; all of its techniques count. */
export interface BaseRow extends SeverityMatch {
  readonly is: Severity
  readonly attack: readonly string[]
}

/** Every one that matches raises the severity to at least this and adds its techniques. */
export interface RaisingRow extends SeverityMatch {
  readonly atLeast?: Severity | undefined
  readonly attack: readonly string[]
}

export interface SeverityTable {
  readonly version: 1
  readonly base: readonly BaseRow[]
  readonly raise: readonly RaisingRow[]
}

/** What the severity depends on beside the act itself. */
export interface SeverityContext {
  readonly scope: PolicyScope
  readonly layer: Layer
  readonly isFirst: boolean
}

/** Techniques as ATT&CK numbers them, such as `T1611` or `T1552.005`. */
export const TECHNIQUE = /^T\d{4}(?:\.\d{3})?$/

export class CompiledRow {
  readonly #match: CompiledMatch
  readonly #row: SeverityMatch

  /** Throws a `TypeError` for a row that `severity-read` refuses. */
  constructor(row: SeverityMatch) {
    this.#row = row
    this.#match = new CompiledMatch(row, true)
  }

  /** Of acts that it can be about. */
  get kinds(): ReadonlySet<AnomalyKind> {
    return this.#match.kinds
  }

  matches(subject: Subject, { scope, layer, isFirst }: SeverityContext): boolean {
    const { danger, layers, first, shell } = this.#row
    return (
      (layers === undefined || layers.includes(layer)) &&
      (first === undefined || first === isFirst) &&
      (shell === undefined || shell === (subject.kind === 'exec' && isShell(subject))) &&
      (danger === undefined || isAmongDangers(danger, subject)) &&
      this.#match.matches(subject, scope)
    )
  }
}

/** How much harm the act can do by the judgement of `kernel`; undefined for what it does not judge. */
export function dangerOfSubject(subject: Subject): Danger | undefined {
  switch (subject.kind) {
    case 'syscall':
    case 'abi':
    case 'denied':
      return dangerOf(syscallName(subject.abi, subject.nr))
    case 'argument': {
      const call = argumentCallOf(subject.abi, subject.nr)
      return call === undefined ? 'high' : argumentDanger(call, subject.value)
    }
    case 'capability':
      return capabilityDanger(subject.capability)
    case 'exec':
    case 'connect':
    case 'listen':
    case 'io_uring':
    case 'sensor':
    case 'resource':
      return undefined
  }
}

function isAmongDangers(dangers: readonly Danger[], subject: Subject): boolean {
  const danger = dangerOfSubject(subject)
  return danger !== undefined && dangers.includes(danger)
}
