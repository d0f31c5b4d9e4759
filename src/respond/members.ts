/** The processes of a cgroup and of those below it. Synchronous: the answer is needed before a freeze, and takes microseconds. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Members {
  /** Ascending; each once. */
  readonly pids: readonly number[]
  /** There are more, or cgroups below that were not looked into. */
  readonly truncated: boolean
}

const MAX_PIDS = 4096
/** A container that has cgroups delegated to it can make them without end; each takes some 40 us. */
const MAX_CGROUPS = 1024

/** Those in the cgroup at `directory` (absolute) and below. Nobody, where it is gone. */
export function membersOf(
  directory: string,
  maxCgroups = MAX_CGROUPS,
  maxPids = MAX_PIDS,
): Members {
  const pids = new Set<number>()
  const left = [directory]
  let seen = 0
  let truncated = false
  for (let path = left.shift(); path !== undefined; path = left.shift()) {
    if (++seen > maxCgroups) {
      truncated = true
      break
    }
    for (const line of textOf(join(path, 'cgroup.procs')).split('\n')) {
      const pid = Number(line)
      // 0 stands for a process of another pid namespace.
      if (!(pid > 0)) continue
      if (pids.size >= maxPids && !pids.has(pid)) truncated = true
      else pids.add(pid)
    }
    left.push(...childrenOf(path))
  }
  return { pids: [...pids].sort((a, b) => a - b), truncated }
}

/** Empty for a cgroup that is gone, and for a threaded one, whose processes are listed above it. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function childrenOf(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name))
  } catch {
    return []
  }
}
