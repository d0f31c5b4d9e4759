/** Where a command prints: results on stdout, messages on stderr, progress only where a person watches. */

export interface Terminal {
  /** A result, as is; the caller ends its lines. */
  out(text: string | Uint8Array): void
  /** As `out`; resolves when it was handed to the reader: false if the reader went away. */
  hand(text: string): Promise<boolean>
  /** One line for a person, on stderr. */
  say(line: string): void
  /** A line on stderr that the next one replaces; nothing where stderr is no terminal. */
  progress(line: string): void
  /** True if stdout is no terminal: a program reads the results. */
  readonly isPiped: boolean
  /** True if a person watches: then `progress` shows something. */
  readonly isWatched: boolean
  /** True if stdin, stdout or stderr is a terminal: then it is the terminal that sends Ctrl-C to the group. */
  readonly isInteractive: boolean
  readonly env: NodeJS.ProcessEnv
}

const CLEAR_LINE = '\r\u001b[2K'

/** A terminal that does not know its width says 0. */
function widthOf({ columns }: NodeJS.WriteStream): number {
  return Math.max(20, columns || 80)
}

export function processTerminal(io: NodeJS.Process): Terminal {
  const isWatched = Boolean(io.stderr.isTTY)
  let hasProgress = false
  // A reader that went away, as `| head` does, is no failure of ours.
  const ignoreClosedPipe = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error
  }
  io.stdout.on('error', ignoreClosedPipe)
  io.stderr.on('error', ignoreClosedPipe)
  return {
    out: (text) => void io.stdout.write(text),
    hand: (text) =>
      new Promise((resolve) => {
        io.stdout.write(text, (error) => resolve(error == null))
      }),
    say: (line) => {
      io.stderr.write(`${hasProgress ? CLEAR_LINE : ''}${line}\n`)
      hasProgress = false
    },
    progress: (line) => {
      if (!isWatched) return
      io.stderr.write(`${CLEAR_LINE}${line.slice(0, widthOf(io.stderr) - 1)}`)
      hasProgress = true
    },
    isPiped: !io.stdout.isTTY,
    isWatched,
    isInteractive: io.stdin.isTTY || io.stdout.isTTY || isWatched,
    env: io.env,
  }
}
