/**
 * Runs iproute2's `ip` in a network namespace that is held open: util-linux's `nsenter` enters it through the inherited
 * descriptor, so that a pid that is reused meanwhile leads nowhere else. The programs are the host's. No shell; bounded in
 * time and output.
 */
import { spawn } from 'node:child_process'
import { findExecutable } from '../workload/executable.js'

/** Absolute paths. */
export interface IpTools {
  readonly ip: string
  readonly nsenter: string
}

export interface IpOutput {
  readonly ok: boolean
  readonly stdout: Buffer
  /** The last line of standard error, or why it could not run. */
  readonly problem: string
}

/** Fixed: what is run as root must not hang on the environment. */
const DIRECTORIES = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'
const TIMEOUT_MS = 5000
/** A container that may administer its network can make routes without end. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** Where the child finds the namespace: behind its three standard streams. */
const NAMESPACE_FD = 3

/** The two programs, or a sentence that names what is missing. */
export async function findIpTools(directories = DIRECTORIES): Promise<IpTools | string> {
  const ip = await findExecutable('ip', directories, '/')
  if (ip.kind !== 'found') return 'ip is missing (apt-get install iproute2)'
  const nsenter = await findExecutable('nsenter', directories, '/')
  if (nsenter.kind !== 'found') return 'nsenter is missing (apt-get install util-linux)'
  return { ip: ip.path, nsenter: nsenter.path }
}

/**
 * Runs `ip ARGS` in the namespace of the descriptor; never rejects. `inputFd` is its standard input: a file at its beginning,
 * because `ip route restore` reads it several times over.
 */
export function runIp(
  tools: IpTools,
  namespaceFd: number,
  args: readonly string[],
  inputFd?: number,
): Promise<IpOutput> {
  return new Promise((resolve) => {
    const argv = [`--net=/proc/self/fd/${NAMESPACE_FD}`, '--', tools.ip, ...args]
    const child = spawn(tools.nsenter, argv, {
      env: { LC_ALL: 'C' },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      stdio: [inputFd ?? 'ignore', 'pipe', 'pipe', namespaceFd],
    })
    const { stdout, stderr } = child
    const chunks: Buffer[] = []
    let size = 0
    let said = ''
    let failed = ''
    stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_OUTPUT_BYTES) chunks.push(chunk)
      else {
        failed = `it printed more than ${MAX_OUTPUT_BYTES} bytes`
        child.kill('SIGKILL')
      }
    })
    stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('latin1')).slice(-1000)
    })
    child.once('error', (error) => {
      failed = error.message
    })
    child.once('close', (code, signal) => {
      const lastLine = said.trimEnd().split('\n').at(-1) ?? ''
      const ended = signal === null ? `exit ${code}` : `it was ended after ${TIMEOUT_MS} ms`
      const problem = failed || lastLine || ended
      resolve({ ok: code === 0 && failed === '', stdout: Buffer.concat(chunks), problem })
    })
  })
}
