/** The parts of a listening address: what comes first, and `name=value` after commas; `\,` is a comma and `\\` a backslash. */

export interface ListenParts {
  readonly first: string
  /** In their order. */
  readonly options: readonly (readonly [name: string, value: string])[]
}

/** The parts, or what is wrong with them, as the end of a sentence. */
export function splitListen(text: string): ListenParts | string {
  const [first = '', ...rest] = splitAtCommas(text)
  const options: [string, string][] = []
  for (const part of rest) {
    const at = part.indexOf('=')
    if (at < 1)
      return `${part === '' ? 'nothing' : part} is no option; a comma in a path is written \\,`
    const [name, value] = [part.slice(0, at), part.slice(at + 1)]
    if (value === '') return `${name}: it has no value`
    if (options.some(([known]) => known === name)) return `${name}: it is given twice`
    options.push([name, value])
  }
  return { first, options }
}

function splitAtCommas(text: string): readonly string[] {
  const parts = ['']
  for (const [token] of text.matchAll(/\\[\\,]|,|[^\\,]+|\\/g)) {
    if (token === ',') parts.push('')
    else parts[parts.length - 1] += /^\\[\\,]$/.test(token) ? token.slice(1) : token
  }
  return parts
}
