/** The version of this package, from its manifest. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Directory that holds package.json, `probes/` and `profiles/`: one above `dist/` or `src/`. */
export const PACKAGE_ROOT: string = fileURLToPath(new URL('..', import.meta.url))

const manifest = JSON.parse(readFileSync(`${PACKAGE_ROOT}/package.json`, 'utf8')) as {
  version: string
}

export const VERSION: string = manifest.version
