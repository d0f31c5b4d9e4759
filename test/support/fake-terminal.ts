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

export interface FakeTerminal {
  readonly terminal: Terminal
  /** What was printed until the command line ended with that status. */
  readonly outcome: (status: number) => Outcome
}

export interface FakeReader {
  readonly isPiped?: boolean
  /** Asked before each text that is handed over: false if the reader went away. */
  readonly hand?: () => boolean
}

/** Nobody watches, so there is no progress. */
export function fakeTerminal(
  env: NodeJS.ProcessEnv = {},
  { isPiped = true, hand = () => true }: FakeReader = {},
): FakeTerminal {
  const out: Buffer[] = []
  const said: string[] = []
  const terminal: Terminal = {
    out: (text) => void out.push(Buffer.from(text)),
    hand: async (text) => {
      const isThere = hand()
      if (isThere) out.push(Buffer.from(text))
      return isThere
    },
    say: (line) => void said.push(`${line}\n`),
    progress: () => undefined,
    isPiped,
    isWatched: false,
    isInteractive: false,
    env,
  }
  return {
    terminal,
    outcome: (status) => ({ status, out: Buffer.concat(out), said: said.join('') }),
  }
}

/** Runs `plimsoll ARGS` with that environment. */
export async function plimsoll(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const { terminal, outcome } = fakeTerminal(env)
  return outcome(await run(args, terminal))
}
