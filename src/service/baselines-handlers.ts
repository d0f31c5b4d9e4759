/** The whole of `plimsoll.v1.Baselines`, put together for a server. */
import type { BaselineActions, LearningModes } from './baseline-actions.js'
import { BaselinesRead } from './baselines-read.js'
import { BaselinesService, type BaselinesServiceOptions } from './baselines-service.js'
import { BaselinesWrite } from './baselines-write.js'

export interface BaselinesOptions extends BaselinesServiceOptions {
  /** Undefined: only what is there can be listed, got and watched. */
  readonly changes?:
    { readonly actions: BaselineActions; readonly modes: LearningModes } | undefined
}

/** What `Server.addService` takes with `BASELINES_SERVICE`, by the names of the methods. */
export type BaselinesHandlers = Pick<
  BaselinesService,
  'listBaselines' | 'getBaseline' | 'watchLearning'
> &
  Partial<Pick<BaselinesRead, 'diffBaselines' | 'listCandidates' | 'exportProfile'>> &
  Partial<
    Pick<
      BaselinesWrite,
      | 'sealBaseline'
      | 'approveItems'
      | 'rejectItems'
      | 'mergeBaselines'
      | 'startLearning'
      | 'stopLearning'
    >
  >

/** The handlers, and what a server does with clients that watch. Methods without a handler are UNIMPLEMENTED. */
export function baselinesHandlers({ changes, ...options }: BaselinesOptions): {
  readonly handlers: BaselinesHandlers
  readonly service: Pick<BaselinesService, 'finish' | 'watchers'>
} {
  const service = new BaselinesService(options)
  const { listBaselines, getBaseline, watchLearning } = service
  if (changes === undefined) {
    return { service, handlers: { listBaselines, getBaseline, watchLearning } }
  }
  const { source } = options
  const { diffBaselines, listCandidates, exportProfile } = new BaselinesRead({ source, ...changes })
  const write = new BaselinesWrite({ source, ...changes })
  const { sealBaseline, approveItems, rejectItems, mergeBaselines } = write
  const { startLearning, stopLearning } = write
  return {
    service,
    handlers: {
      listBaselines,
      getBaseline,
      watchLearning,
      diffBaselines,
      listCandidates,
      exportProfile,
      sealBaseline,
      approveItems,
      rejectItems,
      mergeBaselines,
      startLearning,
      stopLearning,
    },
  }
}
