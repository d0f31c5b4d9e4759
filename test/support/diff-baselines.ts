/** Baselines made for comparing them: random ones, and small ones that do a single thing. */
import fc from 'fast-check'
import { Baseline } from '../../src/baseline/baseline.js'
import type { RunHandle } from '../../src/baseline/run.js'
import { byteStringOfText } from '../../src/bytes.js'
import { syscallNr } from '../../src/kernel/syscalls.js'
import type {
  EndpointObservation,
  ExecObservation,
  Incompleteness,
  Lineage,
} from '../../src/observation.js'
import { IMAGE, runFacts, RUNS, steps, take } from './baseline-steps.js'

/** A baseline of `IMAGE` with runs of its own, named after `word`. */
export function anyBaselineOf(word: string): fc.Arbitrary<Baseline> {
  return steps(12).map((all) => {
    const baseline = Baseline.empty(IMAGE)
    const runs = Array.from({ length: RUNS }, (_, i) => baseline.startRun(runFacts(`${word}/${i}`)))
    for (const step of all) take(baseline, runs, step)
    return baseline
  })
}

/** One baseline with one run in which `learn` happens. */
export function learned(
  learn: (baseline: Baseline, run: RunHandle) => void = () => undefined,
  incompleteness: readonly Incompleteness[] = [],
): Baseline {
  const baseline = Baseline.empty(IMAGE)
  learn(baseline, baseline.startRun(runFacts('run', { incompleteness })))
  return baseline
}

/** Each call three times; one that no table has takes the slot of unknown numbers. */
export function calls(names: string, lineage: Lineage = 'main'): Baseline {
  return learned((baseline, run) => {
    for (const name of names.split(' ')) {
      baseline.learnSyscall(run, lineage, 'x86_64', syscallNr('x86_64', name) ?? -1, 3, 1_500)
    }
  })
}

/** One call, once with each of the packed arguments. */
export function callsWith(name: string, ...values: readonly number[]): Baseline {
  return learned((baseline, run) => {
    const nr = syscallNr('x86_64', name) ?? -1
    baseline.learnSyscall(run, 'main', 'x86_64', nr, values.length, 1_500)
    for (const value of values) {
      baseline.learnArgument(run, 'main', 'x86_64', nr, value, 1, 1_500)
    }
  })
}

/** One execution of /bin/sh, from the image unless changed. */
export function execution(changes: Partial<ExecObservation> = {}): Baseline {
  return learned((baseline, run) => {
    const path = byteStringOfText('/bin/sh')
    baseline.learnExec(
      run,
      {
        kind: 'exec',
        cgroupId: 7,
        lineage: 'main',
        atMs: 1_500,
        pid: 1,
        ppid: 0,
        uid: 0,
        atNs: 0,
        comm: byteStringOfText('x'),
        path,
        exe: byteStringOfText('busybox'),
        inode: 1,
        links: 1,
        fsMagic: 0x794c7630,
        upper: false,
        truncated: false,
        ...changes,
      },
      path,
    )
  })
}

const TCP: EndpointObservation = {
  kind: 'connect',
  cgroupId: 7,
  lineage: 'main',
  atMs: 1_500,
  pid: 1,
  ppid: 0,
  uid: 0,
  atNs: 0,
  protocol: 'tcp',
  address: byteStringOfText('10.0.0.1'),
  port: 443,
  source: 'kernel',
  count: 1,
  truncated: false,
}

/** TCP connections to 10.0.0.1:443 unless changed. */
export function endpoints(...changes: readonly Partial<EndpointObservation>[]): Baseline {
  return learned((baseline, run) => {
    for (const change of changes) baseline.learnEndpoint(run, { ...TCP, ...change })
  })
}
