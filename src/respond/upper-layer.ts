/** Where the files lie that a container has changed since it was made: the upper directory of its overlay. */
import type { ByteString } from '../bytes.js'
import { unescapeOctal } from '../workload/cgroup-mount.js'
import { textOf } from './bounded-read.js'

/** `unknown`: the root is no overlay (the vfs driver copies images; nobody can tell then what changed). */
export type UpperLayer =
  | { readonly kind: 'overlay'; readonly path: ByteString }
  | { readonly kind: 'unknown'; readonly why: string }

const MOUNTINFO_BYTES = 1024 * 1024

/** The upper layer of the process's root. */
export async function upperLayerOf(pid: number): Promise<UpperLayer> {
  return parseUpperLayer(await textOf(`/proc/${pid}/mountinfo`, MOUNTINFO_BYTES))
}

/** The same from the text of `/proc/PID/mountinfo`; the last mount on `/` is the one that is seen. */
export function parseUpperLayer(mountinfo: string): UpperLayer {
  let found: UpperLayer = { kind: 'unknown', why: 'the root is not in the list of mounts' }
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ')
    const separator = fields.indexOf('-', 6)
    if (separator < 0 || fields[4] !== '/') continue
    const type = fields[separator + 1] ?? ''
    const upper = optionOf(fields[separator + 3] ?? '', 'upperdir')
    if (type !== 'overlay') {
      found = {
        kind: 'unknown',
        why: `the root is ${type}, not an overlay: what changed cannot be told`,
      }
    } else if (upper?.startsWith('/') === true)
      found = { kind: 'overlay', path: upper as ByteString }
    else
      found = {
        kind: 'unknown',
        why: 'the overlay is read-only or its upper directory is not named',
      }
  }
  return found
}

/** Commas and spaces within a value are octal digits; older kernels leave a comma with an (octal) backslash before it. */
function optionOf(options: string, name: string): string | undefined {
  for (const option of options.split(/(?<!\\134),/)) {
    if (option.startsWith(`${name}=`)) {
      return unescapeOctal(option.slice(name.length + 1)).replaceAll(/\\([\\,:])/g, '$1')
    }
  }
  return undefined
}
