/** Two listeners to what enforcement tells, as one. */
import type { EnforceEvents } from './enforce.js'

type Listener = (...facts: readonly unknown[]) => void

/** Tells both of every event, the first one first. */
export function toldBoth(first: EnforceEvents, second: EnforceEvents): EnforceEvents {
  const both = [first, second] as unknown as Readonly<Record<string, Listener | undefined>>[]
  const names = new Set(both.flatMap((events) => Object.keys(events)))
  const told = [...names].map((name): readonly [string, Listener] => [
    name,
    (...facts) => {
      for (const events of both) events[name]?.(...facts)
    },
  ])
  return Object.fromEntries(told) as unknown as EnforceEvents
}
