/** A terminal that keeps what is printed, and command lines run against it in this process. */
import { run } from '../../src/cli/program.js'
import type { Terminal } from '../../src/cli/terminal.js'

/** What a command line did. */
export interface Outcome {
  readonly status: number
  /** Standard output. */
  readonly out: Buffer
  /** Messages on standard error, one per line. */
  readonly said: string
}

/** Runs `plimsoll ARGS` with that environment; nobody watches, so there is no progress. */
export async function plimsoll(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const out: Buffer[] = []
  const said: string[] = []
  const terminal: Terminal = {
    out: (text) => void out.push(Buffer.from(text)),
    hand: async (text) => {
      out.push(Buffer.from(text))
      return true
    },
    say: (line) => void said.push(`${line}\n`),
    progress: () => undefined,
    isPiped: true,
    isWatched: false,
    isInteractive: false,
    env,
  }
  const status = await run(args, terminal)
  return { status, out: Buffer.concat(out), said: said.join('') }
}
