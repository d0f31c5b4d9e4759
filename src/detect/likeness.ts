/**
 * What is alike, for the question whether an image did anything of the kind before: the first shell of an image says more than
 * its tenth, the first TCP connection more than one more. Pure.
 */
import type { NamedItem } from '../baseline/item-key.js'
import type { ByteString } from '../bytes.js'
import type { Subject } from './anomaly.js'

/** File names of command interpreters that people type into. */
const SHELLS: ReadonlySet<string> = new Set(
  'sh bash dash ash zsh ksh mksh pdksh fish csh tcsh rbash yash'.split(' '),
)

/** Whether a program is a shell, or a script that a shell runs. */
export function isShell(exec: { readonly path: ByteString; readonly exe: ByteString }): boolean {
  const name = exec.path.slice(exec.path.lastIndexOf('/') + 1)
  return SHELLS.has(name) || SHELLS.has(exec.exe)
}

/**
 * A word that is the same for all that is alike: `shell`, `program`, `connect tcp`, `listen unix`, `abi i386`, `io_uring`,
 * `capability`, `denied`, ...
 */
export function likenessOf(done: Subject | NamedItem): string {
  switch (done.kind) {
    case 'syscall':
    case 'argument':
    case 'abi':
      return `abi ${done.abi}`
    case 'exec':
      return isShell(done) ? 'shell' : 'program'
    case 'connect':
    case 'listen':
      return `${done.kind} ${done.protocol}`
    case 'capability':
    case 'io_uring':
    case 'denied':
    case 'resource':
      return done.kind
    case 'sensor':
      return `sensor ${done.what}`
  }
}

/** The words of all that a baseline has: an act is the first of its like if its word is not among them. */
export function likenessesOf(items: Iterable<Subject | NamedItem>): ReadonlySet<string> {
  const words = new Set<string>()
  for (const item of items) words.add(likenessOf(item))
  return words
}
