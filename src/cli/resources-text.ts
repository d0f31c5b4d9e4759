/** What a workload took of the machine, in words. */
import type { Resources } from '../baseline/resources.js'
import { plural } from './plural.js'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** E.g. `memory up to 12 MiB, cpu up to 0.31, 5 processes (from 3 runs, 40 samples)`. */
export function resourcesText({ memoryBytes, cpuMilli, pids, runs, samples }: Resources): string {
  const processes = `${pids} ${pids === 1 ? 'process' : 'processes'}`
  const basis = `from ${plural(runs, 'run')}, ${plural(samples, 'sample')}`
  return `memory up to ${sizeText(memoryBytes)}, cpu up to ${(cpuMilli / 1000).toFixed(2)}, ${processes} (${basis})`
}

/** Two digits at least: `1.5 MiB`, `12 MiB`, `512 B`. */
export function sizeText(bytes: number): string {
  let unit = 0
  let size = bytes
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`
}
