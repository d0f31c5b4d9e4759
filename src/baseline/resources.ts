/** What a workload took of the machine, as far as it was sampled: the most of each, and what that rests on. Pure. */

/** What a run took at one moment. */
export interface ResourceSample {
  readonly memoryBytes: number
  /** Thousandths of a processor, averaged since the sample before. */
  readonly cpuMilli: number
  /** Processes and threads, as the kernel's controller counts them. */
  readonly pids: number
}

/** The most of each that was sampled in a run. */
export interface ResourcePeaks extends ResourceSample {
  /** 0 if nothing was sampled; then the peaks are 0 too. */
  readonly samples: number
}

/** The peaks of all runs together. */
export interface Resources extends ResourcePeaks {
  /** Runs that were sampled. Those that are folded are one. */
  readonly runs: number
}

export const NO_RESOURCES: ResourcePeaks = { memoryBytes: 0, cpuMilli: 0, pids: 0, samples: 0 }

/** The peaks with one sample more. One that is not made of numbers from 0 up is ignored; fractions are cut off. */
export function withSample(peaks: ResourcePeaks, sample: ResourceSample): ResourcePeaks {
  const { memoryBytes, cpuMilli, pids } = sample
  if (!(memoryBytes >= 0 && cpuMilli >= 0 && pids >= 0)) return peaks
  return {
    memoryBytes: Math.max(peaks.memoryBytes, wholeOf(memoryBytes)),
    cpuMilli: Math.max(peaks.cpuMilli, wholeOf(cpuMilli)),
    pids: Math.max(peaks.pids, wholeOf(pids)),
    samples: Math.min(peaks.samples + 1, Number.MAX_SAFE_INTEGER),
  }
}

/** Of states of one run, or of folded runs: the most of each, so that no sample counts twice. */
export function joinedPeaks(a: ResourcePeaks, b: ResourcePeaks): ResourcePeaks {
  return {
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    cpuMilli: Math.max(a.cpuMilli, b.cpuMilli),
    pids: Math.max(a.pids, b.pids),
    samples: Math.max(a.samples, b.samples),
  }
}

/** Of different runs; undefined if none was sampled. */
export function resourcesOf(runs: readonly ResourcePeaks[]): Resources | undefined {
  const sampled = runs.filter(({ samples }) => samples > 0)
  if (sampled.length === 0) return undefined
  const samples = sampled.reduce((sum, one) => sum + one.samples, 0)
  return {
    ...sampled.reduce(joinedPeaks),
    samples: Math.min(samples, Number.MAX_SAFE_INTEGER),
    runs: sampled.length,
  }
}

/** -0 becomes 0. */
function wholeOf(value: number): number {
  return Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) + 0
}
