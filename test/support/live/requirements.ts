/**
 * What live tests need of the machine, and the gate in front of them. Where something is missing the test is skipped with
 * a reason that names it; on CI it fails instead, so that a suite which silently checks nothing cannot pass there.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'

/** What each need asks for: programs, and the Debian packages that bring them. */
const PROGRAMS = {
  busybox: [['busybox', 'busybox-static']],
  docker: [
    ['dockerd', 'docker.io'],
    ['docker', 'docker.io'],
    ['runc', 'runc'],
  ],
  ext4: [
    ['mkfs.ext4', 'e2fsprogs'],
    ['losetup', 'mount'],
  ],
  gcc: [['gcc', 'gcc and libc6-dev']],
  iproute2: [
    ['ip', 'iproute2'],
    ['nsenter', 'util-linux'],
  ],
  nginx: [['nginx', 'nginx-light']],
  podman: [
    ['podman', 'podman'],
    ['runc', 'runc'],
  ],
  python3: [['python3', 'python3']],
  'redis-cli': [['redis-cli', 'redis-tools']],
  redis: [['redis-server', 'redis-server']],
  script: [['script', 'bsdutils']],
  seccomp: [
    ['scmp_sys_resolver', 'seccomp'],
    ['runc', 'runc'],
  ],
  strace: [['strace', 'strace']],
  'systemd-analyze': [['systemd-analyze', 'systemd']],
} as const

/** Things a live test can ask for. */
export type Need = 'root' | 'bpf' | 'libseccomp' | keyof typeof PROGRAMS

/** Why the need is not met here, or undefined if it is. Asks the machine each time. */
export function missing(need: Need): string | undefined {
  if (need === 'root') return process.getuid?.() === 0 ? undefined : 'not root'
  if (need === 'bpf') return missingBpf()
  if (need === 'libseccomp') {
    return existsSync('/usr/include/seccomp.h')
      ? undefined
      : 'no seccomp.h (apt-get install libseccomp-dev)'
  }
  return PROGRAMS[need]
    .map(([program, debianPackage]) => missingProgram(program, debianPackage))
    .find((reason) => reason !== undefined)
}

/**
 * A test that needs the real thing. `body` runs only if all needs are met; otherwise the test is skipped, or fails if
 * the environment says `CI=true`. Tests of one file run one after the other.
 */
export function liveTest(
  title: string,
  needs: readonly Need[],
  body: (t: Test) => Promise<void>,
): void {
  const reasons = needs.map(missing).filter((reason) => reason !== undefined)
  const skip = reasons.join('; ')
  if (skip === '') void t.test(title, (test) => body(test))
  else if (process.env['CI'] !== 'true') void t.test(title, { skip }, (test) => body(test))
  else {
    void t.test(title, async (test) => {
      test.fail(`live tests may not be skipped on CI: ${skip}`)
    })
  }
}

function missingBpf(): string | undefined {
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'no BTF at /sys/kernel/btf/vmlinux'
  const tracefs = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']
  if (!tracefs.some((dir) => existsSync(join(dir, 'events/raw_syscalls/sys_enter')))) {
    return 'no tracefs with raw_syscalls (mount -t tracefs nodev /sys/kernel/tracing)'
  }
  const bpftrace = process.env['PLIMSOLL_BPFTRACE'] ?? 'bpftrace'
  const answer = spawnSync(bpftrace, ['--version'], { timeout: 10_000 })
  return answer.status === 0 ? undefined : 'no bpftrace (apt-get install bpftrace)'
}

function missingProgram(program: string, debianPackage: string): string | undefined {
  return pathOf(program) === undefined
    ? `no ${program} (apt-get install ${debianPackage})`
    : undefined
}

/** Where a program is found by $PATH, with the system directories that a user's path may leave out. */
export function pathOf(program: string): string | undefined {
  const path = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return path
    .map((dir) => join(dir, program))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
