/** A service as the metrics see it, in the state that a test puts it in. */
import type { JournalState } from '../../src/service/journal/journal.js'
import type {
  MetricsSource,
  SensorState,
  SinkState,
} from '../../src/service/metrics/metrics-source.js'
import { Tallies } from '../../src/service/metrics/tallies.js'

export class FakeMetricsSource implements MetricsSource {
  readonly tallies = new Tallies()
  sensorState: SensorState = { isAttached: true, sinceMs: 0, problem: '' }
  journalState: JournalState | undefined = {
    problem: undefined,
    first: 1,
    last: 5,
    pending: 2,
    lost: 0,
    bytes: 4096,
  }
  sinkStates: readonly SinkState[] = []
  stopping = false

  sensor(): SensorState {
    return this.sensorState
  }

  journal(): JournalState | undefined {
    return this.journalState
  }

  sinks(): readonly SinkState[] {
    return this.sinkStates
  }

  subscribers(): number {
    return 3
  }

  containersWatched(): number {
    return 7
  }

  imagesHeld(): number {
    return 4
  }

  isStopping(): boolean {
    return this.stopping
  }
}
