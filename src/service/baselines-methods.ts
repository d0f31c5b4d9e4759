/** The service `plimsoll.v1.Baselines`, for servers and for clients. */
import { plimsoll } from '../gen/plimsoll.js'
import { method } from './method.js'

const {
  GetBaselineRequest,
  GetBaselineResponse,
  ListBaselinesRequest,
  ListBaselinesResponse,
  WatchLearningRequest,
  WatchLearningResponse,
} = plimsoll.v1

const NAME = 'plimsoll.v1.Baselines'

export const BASELINES_SERVICE = {
  listBaselines: method(NAME, 'ListBaselines', ListBaselinesRequest, ListBaselinesResponse),
  getBaseline: method(NAME, 'GetBaseline', GetBaselineRequest, GetBaselineResponse),
  watchLearning: method(NAME, 'WatchLearning', WatchLearningRequest, WatchLearningResponse, true),
} as const
