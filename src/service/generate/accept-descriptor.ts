/**
 * Puts a new descriptor of the `.proto` files in the place of the one that is committed, unless it would break clients. Run by
 * `make descriptor`, never by plimsoll itself:
 *
 *     node dist/service/generate/accept-descriptor.js NEW COMMITTED
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { breakingChanges } from './breaking-changes.js'

const [made, committed] = process.argv.slice(2)
if (made === undefined || committed === undefined) {
  process.stderr.write('usage: accept-descriptor.js NEW COMMITTED\n')
  process.exitCode = 2
} else {
  const descriptor = readFileSync(made)
  const changes = existsSync(committed) ? breakingChanges(readFileSync(committed), descriptor) : []
  for (const change of changes) process.stderr.write(`breaks clients: ${change}\n`)
  if (changes.length > 0) process.exitCode = 3
  else writeFileSync(committed, descriptor)
}
