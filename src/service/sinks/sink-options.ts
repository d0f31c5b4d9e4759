/**
 * The options of a sink as a user writes them, `;key=value;key=value`, and the values that they take. Every problem is told
 * with the option's name. Pure.
 */
import { resolve } from 'node:path'

/** The error about the problem, for the sink that is parsed. */
export type Refuse = (problem: string) => Error

const UNITS: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  B: 1,
  '': 1,
}
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

export class SinkOptions {
  readonly #refuse: Refuse
  readonly #cwd: string | undefined
  readonly #values = new Map<string, string>()
  readonly #known: string[] = []

  /** Of the parts between the semicolons. */
  constructor(parts: readonly string[], refuse: Refuse, cwd: string | undefined) {
    this.#refuse = refuse
    this.#cwd = cwd
    for (const part of parts) {
      const equals = part.indexOf('=')
      const [key, value] = [part.slice(0, equals).trim(), part.slice(equals + 1).trim()]
      if (equals < 1) throw refuse(`"${part}" is no option; options are KEY=VALUE`)
      if (value === '') throw refuse(`${key} has no value`)
      if (this.#values.has(key)) throw refuse(`${key} is given twice`)
      this.#values.set(key, value)
    }
  }

  text(key: string): string | undefined {
    this.#known.push(key)
    return this.#values.get(key)
  }

  /** One of the words. */
  choice<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.text(key)
    return value === undefined ? undefined : this.word(key, value, words)
  }

  /** The one of the words that the value is. */
  word<Word extends string>(key: string, value: string, words: readonly Word[]): Word {
    const word = words.find((each) => each === value)
    if (word === undefined) throw this.#refuse(`${key} is none of ${words.join(', ')}`)
    return word
  }

  /** What stands between commas, none of it empty. */
  list(key: string): readonly string[] {
    const values = this.text(key)?.split(',') ?? []
    if (values.some((value) => value === '')) throw this.#refuse(`${key} has an empty value`)
    return values
  }

  integer(key: string, min: number, max: number): number | undefined {
    const value = this.text(key)
    return value === undefined ? undefined : this.#within(key, value, value, 1, min, max, '')
  }

  /** Bytes, such as 64MiB. */
  bytes(key: string, min: number, max: number): number | undefined {
    return this.#measured(key, UNITS, min, max, ' bytes')
  }

  /** Milliseconds, such as 10s. */
  durationMs(key: string, min: number, max: number): number | undefined {
    return this.#measured(key, TIME_UNITS, min, max, ' ms')
  }

  /** Permissions of a file, octal, that let nobody but its owner and group write. */
  mode(key: string): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    if (!/^0?[0-7]{3}$/.test(value)) throw this.#refuse(`${key} is no mode such as 0640`)
    const mode = Number.parseInt(value, 8)
    if ((mode & 0o600) !== 0o600) throw this.#refuse(`${key} must let the owner read and write`)
    if ((mode & 0o002) !== 0) throw this.#refuse(`${key} must not let everybody write`)
    return mode
  }

  /** A file, absolute. */
  path(key: string): string | undefined {
    const value = this.text(key)
    return value === undefined ? undefined : pathOf(key, value, this.#cwd, this.#refuse)
  }

  /** Throws if an option was given that nothing has asked for. */
  end(type: string): void {
    for (const key of this.#values.keys()) {
      if (this.#known.includes(key)) continue
      throw this.#refuse(`${type} has no option ${key}; it takes ${this.#known.join(', ')}`)
    }
  }

  #measured(
    key: string,
    units: Readonly<Record<string, number>>,
    min: number,
    max: number,
    unit: string,
  ): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const [, digits = '', written = ''] = /^(\d{1,12})([A-Za-z]*)$/.exec(value) ?? []
    const factor = units[written]
    if (digits === '' || factor === undefined) {
      const names = Object.keys(units).filter((name) => name !== '')
      throw this.#refuse(`${key} is no number with one of the units ${names.join(', ')}`)
    }
    return this.#within(key, value, digits, factor, min, max, unit)
  }

  #within(
    key: string,
    written: string,
    digits: string,
    factor: number,
    min: number,
    max: number,
    unit: string,
  ): number {
    const value = /^\d{1,15}$/.test(digits) ? Number(digits) * factor : Number.NaN
    if (value >= min && value <= max) return value
    throw this.#refuse(`${key}=${written} is no number from ${min} to ${max}${unit}`)
  }
}

/** An absolute path; one that is relative is below `cwd`, or refused if there is none. */
export function pathOf(
  what: string,
  written: string,
  cwd: string | undefined,
  refuse: Refuse,
): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(written)) throw refuse(`${what} has control characters`)
  if (written === '' || written.endsWith('/')) throw refuse(`${what} names no file`)
  if (!written.startsWith('/') && cwd === undefined) throw refuse(`${what} is not absolute`)
  return resolve(cwd ?? '/', written)
}
