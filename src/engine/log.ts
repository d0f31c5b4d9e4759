/**
 * What the service says while it works, for people and for programs that collect logs: one line per event on standard error. As
 * text it is a line for a person; as JSON an object per line with `level`, `time`, `component`, `event`, `msg`, where it is a
 * failure `code` and `hint` of the catalogue of errors, and all else in `fields`. No text in it can end the line or drive a
 * terminal, wherever it comes from.
 */
import { pino } from 'pino'
import { type PlimsollError, quoted } from '../errors.js'
import type { LogFormat } from './log-format.js'
import { lineWriter } from './log-writer.js'

export const LOG_LEVELS = ['info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The part that speaks and what happened: stable names, which programs may look for. */
export type LogEvent = `${string}.${string}`

export interface LogFields {
  /** One sentence for a person, without a full stop. */
  readonly msg: string
  /** Fills `code` and `hint`. */
  readonly error?: PlimsollError
  /** Numbers and texts that go with it. */
  readonly fields?: Readonly<Record<string, LogValue>>
}

export type LogValue = string | number | boolean | null | readonly string[]

export interface Log {
  info(event: LogEvent, fields: LogFields): void
  warn(event: LogEvent, fields: LogFields): void
  error(event: LogEvent, fields: LogFields): void
}

export interface LogOptions {
  readonly format: LogFormat
  readonly nowMs: () => number
  /** Takes whole lines; default: `lineWriter` for standard error. */
  readonly write?: (line: string) => void
}

/** Longer texts are cut, with a mark. */
const TEXT_LIMIT = 2048

/** What JSON leaves as it is and a terminal or a reader of lines may take for more than text. */
const UNPRINTABLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g

/** A log in that format. */
export function openLog({ format, nowMs, write }: LogOptions): Log {
  const entriesTo = (to: (line: string) => void): Entry =>
    format === 'json' ? jsonEntries(nowMs, to) : textEntries(to)
  const entry = entriesTo(
    write ?? lineWriter({ fd: 2, lostLine: (count) => lostLine(entriesTo, count) }),
  )
  return {
    info: (event, fields) => entry('info', event, fields),
    warn: (event, fields) => entry('warn', event, fields),
    error: (event, fields) => entry('error', event, fields),
  }
}

type Entry = (level: LogLevel, event: LogEvent, fields: LogFields) => void

function textEntries(write: (line: string) => void): Entry {
  return (_level, _event, { msg, error }) => {
    write(`plimsoll: ${quoted(cut(msg))}\n`)
    if (error !== undefined) write(`hint: ${quoted(error.hint)}\n`)
  }
}

function jsonEntries(nowMs: () => number, write: (line: string) => void): Entry {
  const logger = pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date(nowMs()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => write(line.replaceAll(UNPRINTABLE, escaped)) },
  )
  return (level, event, { msg, error, fields }) => {
    const line = {
      component: event.slice(0, event.indexOf('.')),
      event,
      ...(error === undefined ? {} : { code: error.code, hint: cut(error.hint) }),
      ...(fields === undefined ? {} : { fields: cutAll(fields) }),
    }
    // pino fills in `%s` and the like only from further arguments.
    logger[level](line, cut(msg))
  }
}

function cutAll(fields: Readonly<Record<string, LogValue>>): Record<string, LogValue> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (typeof value === 'string') return [name, cut(value)]
      return [name, Array.isArray(value) ? value.slice(0, 64).map(cut) : value]
    }),
  ) as Record<string, LogValue>
}

function cut(text: string): string {
  return text.length <= TEXT_LIMIT ? text : `${text.slice(0, TEXT_LIMIT)}...`
}

/** Inside of a JSON string, where alone such a character can be. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The line that says that lines are missing. */
function lostLine(entriesTo: (to: (line: string) => void) => Entry, count: number): string {
  let text = ''
  const entry = entriesTo((line) => (text += line))
  entry('warn', 'log.lost', {
    msg: `${count} lines were left out here, because nobody read them`,
    fields: { count },
  })
  return text
}
