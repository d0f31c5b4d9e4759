/** Anomalies and their timeline as JSON that is safe to look at: what a container controls is escaped. */
import { itemText } from '../baseline/item-text.js'
import { displayOf } from '../bytes.js'
import { type Anomaly, kindOf, type Subject, type TimelineEntry } from '../detect/anomaly.js'

/** The anomaly, its timeline left out. */
export function anomalyView(anomaly: Anomaly): unknown {
  const { subject, process, timeline, ...facts } = anomaly
  return {
    ...facts,
    kind: kindOf(subject),
    subject: subjectView(subject),
    process: {
      ...process,
      comm: displayOf(process.comm),
      exe: displayOf(process.exe),
      path: displayOf(process.path),
    },
    timelineEntries: timeline.length,
  }
}

/** The entry. */
export function timelineView({ subject, ...entry }: TimelineEntry): unknown {
  return { ...entry, subject: subjectView(subject) }
}

/** One line of an anomaly, printable but for what `quoted` does. */
export function anomalyLine({ severity, subject }: Anomaly): string {
  return `${severity} ${kindOf(subject)}: ${subjectText(subject)}`
}

function subjectView(subject: Subject): unknown {
  const text = subjectText(subject)
  if (subject.kind === 'exec') {
    return { ...subject, path: displayOf(subject.path), exe: displayOf(subject.exe), text }
  }
  return 'address' in subject
    ? { ...subject, address: displayOf(subject.address), text }
    : { ...subject, text }
}

function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'syscall':
    case 'argument':
    case 'exec':
    case 'connect':
    case 'listen':
      return itemText(subject)
    case 'abi':
    case 'denied':
      return itemText({ kind: 'syscall', abi: subject.abi, nr: subject.nr })
    case 'capability':
      return `capability ${subject.capability}`
    case 'io_uring':
      return `opcode ${subject.opcode}`
    case 'sensor':
      return `${subject.what}: ${subject.detail}`
    case 'resource':
      return `${subject.resource} ${subject.value}, learned ${subject.learned}`
  }
}
