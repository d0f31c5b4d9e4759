/** Learning from a recorded trace: the same session, fed from the file. */
import type { Baseline } from '../baseline/baseline.js'
import type { Input } from './input.js'
import { LearningSession } from './session.js'
import { readTrace } from './trace-file.js'

/** The baselines that the recorded session had learned. Fails with `TRACE_UNREADABLE` or `TRACE_DAMAGED`. */
export async function replay(path: string): Promise<readonly Baseline[]> {
  return replayed(await readTrace(path))
}

/** The same for inputs at hand. Pure. */
export function replayed(inputs: readonly Input[]): readonly Baseline[] {
  const session = new LearningSession()
  for (const input of inputs) {
    session.apply(input)
    // The answers to what it asks are in the trace.
    session.takeRequests()
  }
  return session.baselines()
}
