/**
 * Items in words, as a person reads and types them:
 *
 *   chmod                                 i386:chmod
 *   socket:AF_ALG,SOCK_SEQPACKET          i386:clone:CLONE_NEWUSER
 *   exec:/bin/sh                          connect:tcp:10.0.0.1:443       listen:unix:/run/app.sock
 *   capability:CAP_NET_RAW                io_uring:CONNECT
 *
 * Text that a container chose is escaped, so that it can be printed. Two items may share a text (a script that was run by two
 * interpreters); whoever decides on the text decides on both.
 */
import { displayOf } from '../bytes.js'
import { argumentCallOf, argumentLabel } from '../kernel/arguments.js'
import { capabilityLabel } from '../kernel/capabilities.js'
import { uringOpLabel } from '../kernel/io-uring.js'
import { syscallLabel } from '../kernel/syscalls.js'
import type { Abi } from '../observation.js'
import type { NamedItem } from './item-key.js'

/** The ABI that goes without saying. */
const NATIVE: Abi = 'x86_64'

/** The text of the item; printable. */
export function itemText(item: NamedItem): string {
  switch (item.kind) {
    case 'syscall':
      return `${prefixOf(item.abi)}${syscallLabel(item.abi, item.nr)}`
    case 'argument': {
      const call = argumentCallOf(item.abi, item.nr)
      const label = call === undefined ? String(item.value) : argumentLabel(call, item.value)
      return `${prefixOf(item.abi)}${syscallLabel(item.abi, item.nr)}:${label.replaceAll(' ', ',')}`
    }
    case 'exec':
      return `exec:${displayOf(item.path === '' ? item.exe : item.path)}`
    case 'connect':
    case 'listen': {
      const port = item.protocol === 'unix' ? '' : `:${item.port}`
      return `${item.kind}:${item.protocol}:${displayOf(item.address)}${port}`
    }
    case 'capability':
      return `capability:${capabilityLabel(item.capability)}`
    case 'io_uring':
      return `io_uring:${uringOpLabel(item.opcode)}`
  }
}

function prefixOf(abi: Abi): string {
  return abi === NATIVE ? '' : `${abi}:`
}
