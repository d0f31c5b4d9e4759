/** What names a cgroup for good: its inode, and the boot of the host, because inodes begin anew with each. */
import { readFileSync, statSync } from 'node:fs'

/** Empty where it cannot be told. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Inode of the cgroup's directory; undefined for one that is gone. */
export function cgroupIdOf(directory: string): number | undefined {
  try {
    return statSync(directory).ino
  } catch {
    return undefined
  }
}
