/**
 * What another observer says a container's entrypoint does: the same command under strace, in a container made from the
 * same programs. strace needs ptrace and an open filter; the system calls of the command are no different for that.
 */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerRuntime } from './container-runtime.js'

/** Which calls the command made, each name once, sorted; what `image` is run with must be found in it, with strace. */
export async function straceNames(
  runtime: ContainerRuntime,
  image: string,
  command: readonly string[],
  scratch: string,
): Promise<readonly string[]> {
  const out = join(scratch, 'strace')
  mkdirSync(out, { recursive: true })
  chmodSync(out, 0o777)
  await runtime.mustRun({
    image,
    command: ['/usr/bin/strace', '-f', '-o', '/out/trace', ...command],
    capAdd: ['SYS_PTRACE'],
    seccomp: 'unconfined',
    volumes: [`${out}:/out`],
  })
  return callNames(readFileSync(join(out, 'trace'), 'latin1'))
}

/**
 * The names in an `strace -f -o` file without its first call, which is the execve of the command by strace's own child:
 * in a container that call belongs to the runtime. A call whose end is printed on a later line counts once.
 */
export function callNames(trace: string): readonly string[] {
  const calls = trace
    .split('\n')
    .map((line) => /^\d+ +([a-z_][a-z0-9_]*)\(/.exec(line)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(calls.slice(1))].sort()
}
