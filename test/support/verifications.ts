/** Runs and denials of verifications, as tests need them. */
import { byteStringOfText } from '../../src/bytes.js'
import type { DeniedCall, Denials } from '../../src/engine/denial-tally.js'
import { type SeenRun, verdictOf } from '../../src/engine/verdict.js'
import type { RunEnd } from '../../src/engine/verify-run.js'
import type { Verification } from '../../src/engine/verify.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type { Abi, Lineage } from '../../src/observation.js'

/** Refused calls of one kind: by default one mkdir of the entrypoint by /bin/mkdir, answered with ENOSYS. */
export function deniedCall(
  call: {
    readonly name?: string
    readonly abi?: Abi
    readonly lineage?: Lineage
    readonly answer?: number
    readonly count?: number
    readonly programs?: readonly string[]
  } = {},
): DeniedCall {
  const { abi = 'x86_64', name = 'mkdir', programs = ['/bin/mkdir'] } = call
  return {
    abi,
    nr: syscallNr(abi, name) ?? -1,
    lineage: call.lineage ?? 'main',
    answer: call.answer ?? 38,
    count: call.count ?? 1,
    programs: programs.map(byteStringOfText),
  }
}

/** What the kernel saw of a container that started under a filter. */
export function denials(denied: readonly DeniedCall[], more: Partial<Denials> = {}): Denials {
  return { hasStarted: true, filteredThreads: 1, unpaired: 0, denied, ...more }
}

/** A container that ended with status 0, unless `more` says otherwise. */
export function seenRun(
  denied: readonly DeniedCall[] = [],
  more: Partial<Omit<SeenRun, 'said' | 'end'>> & {
    readonly said?: string
    readonly end?: RunEnd
  } = {},
): SeenRun {
  const { said = '', ...rest } = more
  return {
    containerId: 'c',
    end: { kind: 'exited', status: 0 },
    wasStopped: false,
    denials: denials(denied),
    ...rest,
    said: byteStringOfText(said),
  }
}

/** A verification that holds after one run, unless `more` says otherwise; the verdict is that of its runs. */
export function verification(more: Partial<Verification> = {}): Verification {
  const { reference = seenRun(), runs = [seenRun()] } = more
  return {
    image: 'localhost/web:1',
    imageDigest: `sha256:${'0'.repeat(64)}`,
    path: 'web.json',
    command: [],
    sha256: '00',
    atMs: Date.UTC(2026, 10, 21),
    engine: 'podman 4.3.1',
    runtime: 'runc 1.1.5',
    kernel: '6.1',
    bpftrace: 'bpftrace v0.17.0',
    libseccomp: { path: '/lib/libseccomp.so.2', version: '2.5.4' },
    defaultAction: 'SCMP_ACT_ERRNO',
    unknownNames: [],
    reference,
    runs,
    verdict: verdictOf({ reference, runs, missed: [], isInterrupted: false }),
    otherwiseAnswered: [],
    ...more,
  }
}
