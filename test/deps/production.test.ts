/** The README names every package that a production install brings, and why; nothing else is installed. */
import { readFileSync } from 'node:fs'
import t from 'tap'

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock

/** Names of what `npm install --omit=dev` installs. */
const installed = Object.entries(lock.packages).flatMap(([path, found]) =>
  path === '' || found.dev === true ? [] : [{ name: path.replace(/^.*node_modules\//, ''), found }],
)

/** The section of the README: direct dependencies by their table, others by the list below it. */
function documented(): { readonly direct: readonly string[]; readonly others: readonly string[] } {
  const readme = readFileSync('README.md', 'utf8')
  const [, section = ''] = /\n## Production dependencies\n([\s\S]*?)\n## /.exec(readme) ?? []
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:---|package)/.test(line))
  return {
    direct: rows.map((row) => /^\| ([^|]+?) \|/.exec(row)?.[1] ?? ''),
    others: section
      .split('\n')
      .filter((line) => line.startsWith('- '))
      .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')),
  }
}

t.test(
  'every direct dependency has a row with its reason, and its version is pinned',
  async (t) => {
    const { dependencies = {} } = lock.packages[''] ?? {}
    t.same(documented().direct.toSorted(), Object.keys(dependencies).toSorted())
    for (const [name, version] of Object.entries(dependencies))
      t.match(version, /^\d+\.\d+\.\d+$/, name)
  },
)

t.test('every package that comes with them is named, and no other', async (t) => {
  const { direct, others } = documented()
  const names = [...new Set(installed.map(({ name }) => name))].toSorted()
  t.same([...direct, ...others].toSorted(), names)
  t.comment(`${direct.length} direct, ${others.length} others`)
})

t.test(
  'every package is held to its content, and none but those named runs a script at install',
  async (t) => {
    for (const { name, found } of installed) t.match(found.integrity, /^sha512-/, name)
    const scripts = installed.flatMap(({ name, found }) =>
      found.hasInstallScript === true ? [name] : [],
    )
    t.same([...new Set(scripts)].toSorted(), ['classic-level', 'protobufjs'])
  },
)
