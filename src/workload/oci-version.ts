/** What an OCI runtime says of itself with `--version`, as far as it says nothing of the host. Pure. */

export interface RuntimeVersion {
  /** The first numbers of the release, e.g. `1.1.5`: what upstream calls it. Safe in a file name. */
  readonly version: string
  /** All of it, with what a distribution added, e.g. `1.1.5+ds1`. */
  readonly release: string
  /** The lines `name: value`, such as `commit`, `go` and, of runc, `libseccomp`; bounded. */
  readonly facts: Readonly<Record<string, string>>
}

/** Lines about the build; others, such as crun's `rundir`, are about the host. */
const FACTS: ReadonlySet<string> = new Set(['commit', 'spec', 'go', 'libseccomp'])
const VALUE = /^[\x20-\x7e]{1,100}$/

/** The version in `text`, whose first line has to be `NAME version RELEASE`; undefined where it is not. */
export function parseRuntimeVersion(name: string, text: string): RuntimeVersion | undefined {
  const [first = '', ...lines] = text.split('\n')
  const found = /^(\S+) version ((\d{1,4}(?:\.\d{1,4}){1,3})\S{0,60})$/.exec(first)
  const [, said, release, version] = found ?? []
  if (said !== name || release === undefined || version === undefined) return undefined
  if (!VALUE.test(release)) return undefined
  const facts = lines.flatMap((line) => {
    const [, key = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? []
    return FACTS.has(key) && VALUE.test(value) ? [[key, value] as const] : []
  })
  return { version, release, facts: Object.fromEntries(facts) }
}
