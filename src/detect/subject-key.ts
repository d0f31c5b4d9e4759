/**
 * What tells one subject from another, as a string of bytes that nobody is shown: two subjects have the same key exactly if
 * they are the same thing to be told of. Pure.
 */
import type { Subject } from './anomaly.js'

/** The key. An ABI is one thing whatever the call, a resource whatever the amount. */
export function subjectKey(subject: Subject): string {
  const { kind } = subject
  switch (kind) {
    case 'abi':
      return [kind, subject.abi].join('\0')
    case 'syscall':
      return [kind, subject.abi, subject.nr].join('\0')
    case 'argument':
      return [kind, subject.abi, subject.nr, subject.value].join('\0')
    case 'denied':
      return [kind, subject.abi, subject.nr, subject.answer].join('\0')
    case 'exec':
      return [kind, subject.upper, subject.fileless, subject.path, subject.exe].join('\0')
    case 'connect':
    case 'listen':
      // The address is last: that of an abstract socket begins with a zero byte.
      return [kind, subject.protocol, subject.port, subject.source, subject.address].join('\0')
    case 'capability':
      return [kind, subject.capability].join('\0')
    case 'io_uring':
      return [kind, subject.opcode].join('\0')
    case 'sensor':
      return [kind, subject.what, subject.detail].join('\0')
    case 'resource':
      return [kind, subject.resource].join('\0')
  }
}
