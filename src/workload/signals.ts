/**
 * What happens to the signals that plimsoll gets while a command runs in its care. The command should not notice that
 * plimsoll is there: it gets what it would have got, once.
 *
 * Ctrl-C is the hard case. The terminal sends SIGINT to the whole foreground process group, the command included;
 * forwarding would deliver it twice, and many programs take the second for "stop cleaning up".
 */

/** Signals that are caught while a command runs. Stop signals are not: job control has to stop plimsoll as well. */
export const FORWARDED: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGWINCH',
]

/** `leave`: the terminal has sent it to the command already. `kill`: the user insists; end everything in the cgroup. */
export type SignalAction = 'forward' | 'leave' | 'kill'

/** Two SIGINT closer together than this are one user who wants it to end, not two uses of Ctrl-C in a session. */
export const INSIST_MS = 2000

/** What the decision rests on. */
export interface SignalState {
  /** plimsoll's process group is the foreground group of its controlling terminal. */
  readonly foreground: boolean
  /** Time since the SIGINT before this one; Infinity for the first. */
  readonly sinceInterruptMs: number
}

/** What to do about a signal. Pure. */
export function actionFor(signal: NodeJS.Signals, state: SignalState): SignalAction {
  if (signal === 'SIGINT' && state.sinceInterruptMs < INSIST_MS) return 'kill'
  if (signal === 'SIGINT' || signal === 'SIGQUIT') return state.foreground ? 'leave' : 'forward'
  return 'forward'
}

/** Where signals come from: `process`, or a stand-in. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** Collaborators of `forwardSignals`. */
export interface SignalForwarding {
  readonly source: SignalSource
  readonly command: { signal(name: NodeJS.Signals): boolean }
  /** Ends everything in the command's cgroup. */
  readonly kill: () => void
  /** Asked at each signal, because a job can be moved to the background and back. */
  readonly isForeground: () => boolean
  readonly nowMs: () => number
  /** Told of each signal, before anything is done about it. */
  readonly onSignal?: (signal: NodeJS.Signals, action: SignalAction) => void
}

/** Catches the signals of `FORWARDED` for the command; the function returned gives them back their usual meaning. */
export function forwardSignals(forwarding: SignalForwarding): () => void {
  let interruptedMs = Number.NEGATIVE_INFINITY
  const listener = (signal: NodeJS.Signals): void => {
    const nowMs = forwarding.nowMs()
    const foreground = forwarding.isForeground()
    const action = actionFor(signal, { foreground, sinceInterruptMs: nowMs - interruptedMs })
    if (signal === 'SIGINT') interruptedMs = nowMs
    forwarding.onSignal?.(signal, action)
    if (action === 'forward') forwarding.command.signal(signal)
    else if (action === 'kill') forwarding.kill()
  }
  for (const signal of FORWARDED) forwarding.source.on(signal, listener)
  return () => {
    for (const signal of FORWARDED) forwarding.source.off(signal, listener)
  }
}
