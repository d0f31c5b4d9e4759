/**
 * What the sensor needs of the host, checked one by one before it is started, so that a missing thing is named with its
 * remedy instead of surfacing as an error of bpftrace.
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { arch, platform } from 'node:process'
import { isAtLeast, OLDEST, versionOf } from './dialect.js'
import { OPTIONAL_PROBES, type OptionalProbe } from './probe-files.js'
import { bpftraceVersion } from './supervisor.js'

/** One thing that must hold, or that the sensor sees more with. */
export interface Check {
  /** Short stable name, e.g. `btf`. */
  readonly name: string
  readonly ok: boolean
  /** What was found. */
  readonly found: string
  /** What to do where `ok` is false, or something is unseen. */
  readonly remedy: string
  /** What the sensor does not see because of it, where it can do without; `ok` is true then. */
  readonly unseen?: string
  /** A command that `doctor --fix` may run as root. */
  readonly fix?: readonly string[]
}

const TRACEFS = '/sys/kernel/tracing'
const BTF = '/sys/kernel/btf/vmlinux'

/** Tracepoints that the probes need, as their paths below `events`; those of optional probes are in `probe-files`. */
export const TRACEPOINTS = [
  'raw_syscalls/sys_enter',
  'raw_syscalls/sys_exit',
  'sched/sched_process_fork',
  'sched/sched_process_exec',
  'sched/sched_process_exit',
  'signal/signal_generate',
  'sock/inet_sock_set_state',
  'cgroup/cgroup_mkdir',
  'cgroup/cgroup_rmdir',
  'syscalls/sys_enter_connect',
  'syscalls/sys_enter_bind',
  'syscalls/sys_enter_sendto',
  'syscalls/sys_enter_sendmsg',
] as const

/** CAP_SYS_ADMIN: bpf(2), perf_event_open(2) and tracefs together; capabilities(7). */
const CAP_SYS_ADMIN = 21

/** All checks of the sensor, in the order in which they should be mended. Reads only; takes some milliseconds. */
export async function sensorChecks(bpftrace: string): Promise<readonly Check[]> {
  return [
    platformCheck(),
    await privilegeCheck(),
    await pidNamespaceCheck(),
    await btfCheck(),
    await tracefsCheck(),
    await tracepointCheck(),
    ...(await Promise.all(OPTIONAL_PROBES.map(optionalCheck))),
    await bpftraceCheck(bpftrace),
  ]
}

function platformCheck(): Check {
  const ok = platform === 'linux' && arch === 'x64'
  return {
    name: 'platform',
    ok,
    found: `${platform} ${arch}`,
    remedy:
      'The probes read x86 task flags to tell the ABI of a call; run the sensor on Linux x86_64.',
  }
}

async function privilegeCheck(): Promise<Check> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const isRoot = process.geteuid?.() === 0
  const ok = isRoot && hasSysAdmin(status)
  return {
    name: 'privilege',
    ok,
    found: isRoot ? (ok ? 'root' : 'root without CAP_SYS_ADMIN') : 'not root',
    remedy: 'Run as root: the sensor loads BPF programs and reads every container.',
  }
}

async function pidNamespaceCheck(): Promise<Check> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const depth = pidNamespaceDepth(status)
  return {
    name: 'pid-namespace',
    ok: depth === 1,
    found: depth === 1 ? 'initial' : `${depth - 1} below the initial one`,
    remedy: "Start plimsoll in the host's pid namespace (podman or docker: --pid=host).",
  }
}

async function btfCheck(): Promise<Check> {
  const ok = await isReadable(BTF)
  return {
    name: 'btf',
    ok,
    found: ok ? BTF : 'no BTF',
    remedy: 'Boot a kernel built with CONFIG_DEBUG_INFO_BTF; those of Debian and Ubuntu are.',
  }
}

async function tracefsCheck(): Promise<Check> {
  const ok = await isReadable(`${TRACEFS}/events`)
  return {
    name: 'tracefs',
    ok,
    found: ok ? TRACEFS : 'not mounted, or not readable by this user',
    remedy: `Mount it: mount -t tracefs nodev ${TRACEFS} (or run plimsoll doctor --fix).`,
    fix: ['mount', '-t', 'tracefs', 'nodev', TRACEFS],
  }
}

async function tracepointCheck(): Promise<Check> {
  const remedy = 'Use a kernel of version 5.8 or newer with CONFIG_FTRACE_SYSCALLS.'
  if (!(await isReadable(`${TRACEFS}/events`))) {
    return { name: 'tracepoints', ok: false, found: 'unknown without tracefs', remedy }
  }
  const missing: string[] = []
  for (const tracepoint of TRACEPOINTS) {
    if (!(await isTracepoint(tracepoint))) missing.push(labelOf(tracepoint))
  }
  return {
    name: 'tracepoints',
    ok: missing.length === 0,
    found:
      missing.length === 0
        ? `${TRACEPOINTS.length} of ${TRACEPOINTS.length}`
        : `missing ${missing.join(', ')}`,
    remedy,
  }
}

async function optionalCheck({ probe, files, unseen }: OptionalProbe): Promise<Check> {
  const names = files.map(({ tracepoint }) => labelOf(tracepoint))
  const remedy = `Use a newer kernel, with ${names.join(' or ')}, to see ${unseen}.`
  for (const { tracepoint } of files) {
    if (await isTracepoint(tracepoint)) {
      return { name: probe, ok: true, found: labelOf(tracepoint), remedy }
    }
  }
  const isKnown = await isReadable(`${TRACEFS}/events`)
  const found = isKnown ? `no ${names.join(', no ')}` : 'unknown without tracefs'
  return { name: probe, ok: true, found, remedy, ...(isKnown ? { unseen } : {}) }
}

/** Whether this host has the tracepoint of that path below `events`, as far as this user can see. */
export async function isTracepoint(path: string): Promise<boolean> {
  return stat(`${TRACEFS}/events/${path}`).then(
    () => true,
    () => false,
  )
}

/** `subsystem:name` of a path below `events`. */
function labelOf(tracepoint: string): string {
  return tracepoint.replace('/', ':')
}

async function bpftraceCheck(bpftrace: string): Promise<Check> {
  const said = await bpftraceVersion(bpftrace).catch(() => '')
  const version = versionOf(said)
  const ok = version !== undefined && isAtLeast(version, OLDEST)
  return {
    name: 'bpftrace',
    ok,
    found: said === '' ? 'not installed' : said,
    remedy: `Install bpftrace ${OLDEST.major}.${OLDEST.minor} or newer: apt-get install bpftrace (or run plimsoll doctor --fix).`,
    fix: ['apt-get', 'install', '-y', '--no-install-recommends', 'bpftrace'],
  }
}

/** Whether `status`, the text of `/proc/PID/status`, has CAP_SYS_ADMIN among the effective capabilities; proc(5). */
export function hasSysAdmin(status: string): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return ((effective >> BigInt(CAP_SYS_ADMIN)) & 1n) === 1n
}

/** In how many nested pid namespaces the process of `status` is, counted from that of its /proc mount; proc(5). */
export function pidNamespaceDepth(status: string): number {
  const ids = /^NSpid:[ \t]*(.+)$/m.exec(status)?.[1] ?? ''
  return ids.trim().split(/\s+/).length
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
