/**
 * OCI bundles for containers that do nothing: a root file system with the two programs of `tiny-elf`, and configurations
 * that engines would write, in all that a runtime still acts on after it has loaded the filter: user, groups, umask,
 * capabilities, working directory, a program to be searched on the PATH. Source: runtime-spec, config.md and
 * config-linux.md.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitProgram, pauseProgram } from './tiny-elf.js'

/** What may differ between two processes of such containers. */
export interface ProcessOptions {
  /** `exit` ends at once, `pause` sleeps until it is killed. */
  readonly program: 'exit' | 'pause'
  readonly uid: number
  readonly noNewPrivileges: boolean
  /** It gets a terminal; otherwise the runtime's own standard streams. */
  readonly terminal: boolean
}

export interface BundleOptions {
  readonly process: ProcessOptions
  /** A root file system that `makeRoot` made. */
  readonly root: string
  /** Path below the root of the cgroup hierarchy, `/` first. */
  readonly cgroupsPath: string
  /** `linux.seccomp`, as a profile has it. */
  readonly seccomp: unknown
}

/** Docker's and podman's default set, but for what a container without a network of its own does not need. */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
].map((name) => `CAP_${name}`)

const MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
]

/** Makes `root` a file system with the programs in /bin, readable by every user. Containers can share it. */
export async function makeRoot(root: string): Promise<void> {
  for (const directory of ['', 'bin', 'dev', 'proc']) {
    await mkdir(join(root, directory), { recursive: true })
    // Whatever the umask is: the container's user has to find its way.
    await chmod(join(root, directory), 0o755)
  }
  for (const [name, program] of [
    ['exit', exitProgram()],
    ['pause', pauseProgram()],
  ] as const) {
    const path = join(root, 'bin', name)
    await writeFile(path, program)
    await chmod(path, 0o755)
  }
}

/** Writes a bundle to the new directory `path`. */
export async function writeBundle(path: string, options: BundleOptions): Promise<void> {
  await mkdir(path)
  await writeFile(join(path, 'config.json'), JSON.stringify(configOf(options)))
}

/** The `process` of a configuration, and what `exec --process` takes. Pure. */
export function processOf({
  program,
  uid,
  noNewPrivileges,
  terminal,
}: ProcessOptions): Readonly<Record<string, unknown>> {
  // As engines do: another user keeps the bounding set alone.
  const held = uid === 0 ? CAPABILITIES : []
  return {
    terminal,
    user: { uid, gid: uid, umask: 0o22, additionalGids: [uid] },
    args: [program],
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    cwd: '/',
    capabilities: { bounding: CAPABILITIES, effective: held, permitted: held },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges,
  }
}

function configOf(options: BundleOptions): unknown {
  const namespaces = ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type }))
  return {
    ociVersion: '1.0.2',
    process: processOf(options.process),
    root: { path: options.root, readonly: true },
    hostname: 'calibration',
    mounts: MOUNTS,
    linux: { cgroupsPath: options.cgroupsPath, namespaces, seccomp: options.seccomp },
  }
}
