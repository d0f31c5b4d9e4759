/**
 * A strict reader of Prometheus' text format 0.0.4, for tests: it takes what the specification allows and nothing else. See
 * https://prometheus.io/docs/instrumenting/exposition_formats/.
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`)
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

/** The families in their order. Throws with the line for whatever is not allowed. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, Family & { samples: Sample[] }>()
  const seen = new Set<string>()
  let help: readonly [name: string, text: string] | undefined
  let family: (Family & { samples: Sample[] }) | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const refuse = (why: string): never => {
      throw new Error(`${why}: ${line}`)
    }
    const [, helpName, helpText] = new RegExp(`^# HELP (${NAME}) (.*)$`).exec(line) ?? []
    const [, typeName, type = ''] = new RegExp(`^# TYPE (${NAME}) (\\w+)$`).exec(line) ?? []
    if (line === '') continue
    if (helpName !== undefined) help = [helpName, helpText ?? '']
    else if (typeName !== undefined) {
      if (help?.[0] !== typeName) refuse('a type without its help')
      if (!TYPES.includes(type)) refuse('no type')
      if (families.has(typeName)) refuse('a family twice')
      family = { name: typeName, type, help: help?.[1] ?? '', samples: [] }
      families.set(typeName, family)
    } else {
      const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? refuse('no sample')
      if (family === undefined || !isOf(family, name)) refuse('a sample outside of its family')
      if (!NUMBER.test(number)) refuse('no number')
      const key = `${name}{${labels}}`
      if (seen.has(key)) refuse('a sample twice')
      seen.add(key)
      family?.samples.push({ name, labels: labelsOf(labels), value: Number(number) })
    }
  }
  for (const each of families.values()) if (each.type === 'histogram') checkHistogram(each)
  return families
}

function isOf({ name, type }: Family, sample: string): boolean {
  if (type !== 'histogram') return sample === name
  return ['_bucket', '_sum', '_count'].some((end) => sample === name + end)
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(
    /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g,
  )) {
    if (name in labels) throw new Error(`a label twice: ${text}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  return labels
}

/** Buckets rise, the last one is `+Inf`, and it is the count. */
function checkHistogram({ name, samples }: Family): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) =>
    labels['le'] === '+Inf' ? Infinity : Number(labels['le']),
  )
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value
  const rises = (values: readonly number[]): boolean =>
    values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0))
  if (!rises(bounds) || bounds.at(-1) !== Infinity) throw new Error(`${name}: bounds`)
  if (!rises(buckets.map(({ value }) => value)) || buckets.at(-1)?.value !== count) {
    throw new Error(`${name}: counts`)
  }
}
