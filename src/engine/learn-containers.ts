/** Learning the containers of this host, as they come and go. */
import type { Selection, SelectionChange } from './input.js'
import { type Learned, type LearnOptions, observe, prepareHost } from './learn.js'

export interface ContainersOptions extends LearnOptions {
  readonly selection: Selection
  /** Ends after so many runs have ended. */
  readonly runs: number | undefined
  /** Told once the probes are attached: what is learned can be changed from then on. */
  readonly selectable?:
    ((selection: Selection, give: (change: SelectionChange) => void) => void) | undefined
}

/** Learns until `stop`, or until enough runs have ended. */
export async function learnContainers(options: ContainersOptions): Promise<Learned> {
  const { stop, runs, selection } = options
  const mount = await prepareHost(options.env)
  const enough = new AbortController()
  let ended = 0
  const events = {
    ...options.events,
    runEnded: (...args: Parameters<NonNullable<LearnOptions['events']['runEnded']>>) => {
      options.events.runEnded?.(...args)
      if (++ended === runs) enough.abort()
    },
  }
  const { finish, observer } = await observe(
    { ...options, events },
    { mount, selection, cgroupId: undefined },
  )
  options.selectable?.(selection, (change) => observer.feed.give({ kind: 'selection', ...change }))
  await aborted(AbortSignal.any([stop, enough.signal]))
  return finish()
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
