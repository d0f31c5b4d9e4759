/**
 * A policy: the lists of people that overrule what was learned, as plain data with all its texts as they were written.
 * `policy-read` makes it from a file, `policy-compile` makes it answer. Here are its shape and its bounds.
 */
import type { AnomalyKind, Severity } from './anomaly.js'

/** Conditions of a rule. Those that are there must all hold; of the values in one list one must. */
export interface PolicyMatch {
  readonly kind?: readonly AnomalyKind[] | undefined
  /** Names with `*`, or digests. */
  readonly images?: readonly string[] | undefined
  /** Names with `*`. */
  readonly containers?: readonly string[] | undefined
  /** `key=value`, with `*` in the value. */
  readonly labels?: readonly string[] | undefined
  readonly lineages?: readonly string[] | undefined
  /** Who did it: names of program files, or paths, with `*` and `**`. */
  readonly programs?: readonly string[] | undefined
  readonly syscalls?: readonly string[] | undefined
  readonly arguments?: readonly string[] | undefined
  readonly abis?: readonly string[] | undefined
  /** Of executed programs, with `*` and `**`. */
  readonly paths?: readonly string[] | undefined
  /** IP addresses and networks. */
  readonly addresses?: readonly string[] | undefined
  readonly ports?: readonly string[] | undefined
  readonly protocols?: readonly string[] | undefined
  /** Of unix sockets: paths, or `@` and an abstract name, with `*` and `**`. */
  readonly sockets?: readonly string[] | undefined
  readonly capabilities?: readonly string[] | undefined
  readonly opcodes?: readonly string[] | undefined
  readonly troubles?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
}

export interface PolicyRule extends PolicyMatch {
  /** Unique in the policy. */
  readonly name: string
  readonly reason?: string | undefined
}

/** What matches has this severity, whatever the table says. */
export interface SeverityOverride extends PolicyMatch {
  readonly is: Severity
}

/** From the mildest up. */
export const ACTIONS = ['alert', 'freeze', 'isolate', 'kill'] as const
export type Action = (typeof ACTIONS)[number]

/** What is done about anomalies of these kinds from this severity up; without either, about all. */
export interface PolicyResponse {
  readonly kind?: readonly AnomalyKind[] | undefined
  readonly severity?: Severity | undefined
  readonly action: Action
}

/** What becomes of containers whose image has no sealed baseline. */
export const UNKNOWN_IMAGES = ['learn', 'alert', 'ignore'] as const

export interface Policy {
  readonly version: 1
  readonly hardDeny: readonly PolicyRule[]
  readonly deny: readonly PolicyRule[]
  readonly allow: readonly PolicyRule[]
  /** Calls and arguments that no image is allowed because it was seen using them, beside those that always are so. */
  readonly neverLearn: readonly string[]
  /** The first that matches counts. */
  readonly severity: readonly SeverityOverride[]
  /** The first that matches counts; where none does it is `alert`. */
  readonly responses: readonly PolicyResponse[]
  /** Never acted upon. */
  readonly protected: {
    readonly images: readonly string[]
    readonly containers: readonly string[]
  }
  readonly unknownImages: (typeof UNKNOWN_IMAGES)[number]
}

/** Bytes of a file. */
export const POLICY_BYTES = 1024 * 1024
/** Rules of all lists together, and of each of the other sections. */
export const RULE_LIMIT = 4096
/** Values of one list. */
export const VALUE_LIMIT = 1024
/** Characters of a value; an escaped byte takes four. */
export const VALUE_CHARACTERS = 512
export const REASON_CHARACTERS = 256
