/**
 * What was judged, in words: as items of a baseline are written, and the kinds that are no items after their fashion. Text
 * that a container chose is escaped, so that it can be printed.
 */
import { itemText } from '../baseline/item-text.js'
import { answerLabel } from '../kernel/denial-answer.js'
import { capabilityLabel } from '../kernel/capabilities.js'
import { uringOpLabel } from '../kernel/io-uring.js'
import { syscallLabel } from '../kernel/syscalls.js'
import { quoted } from '../errors.js'
import type { Subject } from './anomaly.js'

/** One line, printable: `exec:/bin/sh`, `connect:tcp:10.0.0.1:443`, `denied:mkdir ENOSYS`. Different subjects may share it. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'syscall':
    case 'argument':
    case 'exec':
    case 'connect':
    case 'listen':
      return itemText(subject)
    case 'abi':
      return `abi:${subject.abi} (${syscallLabel(subject.abi, subject.nr)})`
    case 'capability':
      return `capability:${capabilityLabel(subject.capability)}`
    case 'io_uring':
      return `io_uring:${uringOpLabel(subject.opcode)}`
    case 'denied': {
      const call = itemText({ kind: 'syscall', abi: subject.abi, nr: subject.nr })
      return `denied:${call} ${answerLabel(subject.answer)}`
    }
    case 'sensor':
      return `sensor:${subject.what}${subject.detail === '' ? '' : ` ${quoted(subject.detail)}`}`
    case 'resource':
      return `resource:${subject.resource} ${amount(subject, subject.value)}, learned ${amount(subject, subject.learned)}`
  }
}

function amount({ resource }: Extract<Subject, { kind: 'resource' }>, value: number): string {
  switch (resource) {
    case 'memory':
      return `${(value / 2 ** 20).toFixed(1)} MiB`
    case 'cpu':
      return (value / 1000).toFixed(2)
    case 'pids':
      return String(value)
  }
}
