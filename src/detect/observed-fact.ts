/** Observations as facts to be judged: what the matcher is asked of each, and what of each is judged. Pure. */
import { itemKeyOf } from '../baseline/item-key.js'
import type { DenialHint, Observation } from '../observation.js'
import { kindOf, type Subject } from './anomaly.js'
import { ABI_CODE, KIND_CODE, LINEAGE_CODE, type NamedKind } from './fact-code.js'
import type { Fact } from './judge.js'
import type { Matcher } from './matcher.js'
import type { Outcome } from './outcome.js'
import type { ProcessSighting } from './processes.js'

/** What somebody did, as it was told when it happened or by the print of a map. */
export type Deed = Exclude<Observation, { readonly kind: 'cgroup' | 'entry' | 'capped' }>
export type Denial = DenialHint & { readonly kind: 'denied' }

/** What the deed is judged as. */
export function factOf(deed: Deed | Denial): Fact {
  const { lineage, pid, atMs, atNs } = deed
  return {
    subject: subjectOf(deed),
    lineage,
    pid,
    moment: { atMs, atNs },
    source: 'source' in deed ? deed.source : 'kernel',
    truncated: 'truncated' in deed && deed.truncated,
    count: countOf(deed),
  }
}

/** Asks the matcher about it. */
export function outcomeOf(matcher: Matcher, deed: Deed | Denial): Outcome {
  const { cgroupId } = deed
  const lineage = LINEAGE_CODE[deed.lineage]
  const count = countOf(deed)
  switch (deed.kind) {
    case 'exec': {
      const { path, exe } = deed
      const kind = KIND_CODE[kindOf(subjectOf(deed)) as NamedKind]
      return matcher.key(cgroupId, lineage, kind, itemKeyOf({ kind: 'exec', path, exe }), count)
    }
    case 'connect':
    case 'listen':
      return matcher.key(cgroupId, lineage, KIND_CODE[deed.kind], itemKeyOf(deed), count)
    case 'syscall':
      return matcher.syscall(cgroupId, lineage, ABI_CODE[deed.abi], deed.nr, count)
    case 'argument':
      return matcher.argument(cgroupId, lineage, ABI_CODE[deed.abi], deed.nr, deed.value, count)
    case 'denied':
      return matcher.denial(cgroupId, lineage, ABI_CODE[deed.abi], deed.nr, deed.answer, count)
    case 'capability':
      return matcher.capability(cgroupId, lineage, deed.capability, count)
    case 'io_uring':
      return matcher.uring(cgroupId, lineage, deed.opcode, count)
  }
}

/** What it tells of its process; `cgroupId` is the container's own. */
export function sightingOf(cgroupId: number, deed: Deed | Denial): ProcessSighting {
  const { pid, ppid, uid, lineage } = deed
  const known = { cgroupId, pid, ppid, lineage, ...(uid === undefined ? {} : { uid }) }
  if (deed.kind === 'exec') {
    const { comm, exe, path } = deed
    return { ...known, comm, exe, path }
  }
  return 'program' in deed ? { ...known, exe: deed.program } : known
}

function subjectOf(deed: Deed | Denial): Subject {
  switch (deed.kind) {
    case 'exec': {
      const { kind, path, exe, upper, links } = deed
      return { kind, path, exe, upper, fileless: links === 0 }
    }
    case 'connect':
    case 'listen': {
      const { kind, protocol, address, port, source } = deed
      return { kind, protocol, address, port, source }
    }
    case 'syscall':
      return { kind: 'syscall', abi: deed.abi, nr: deed.nr }
    case 'argument':
      return { kind: 'argument', abi: deed.abi, nr: deed.nr, value: deed.value }
    case 'denied':
      return { kind: 'denied', abi: deed.abi, nr: deed.nr, answer: deed.answer }
    case 'capability':
      return { kind: 'capability', capability: deed.capability }
    case 'io_uring':
      return { kind: 'io_uring', opcode: deed.opcode }
  }
}

/** 0 of a hint, whose count the print of a map brings. */
function countOf(deed: Deed | Denial): number {
  if (deed.kind === 'exec') return 1
  return 'count' in deed ? deed.count : 0
}
