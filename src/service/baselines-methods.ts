/** The service `plimsoll.v1.Baselines`, for servers and for clients. */
import { plimsoll } from '../gen/plimsoll.js'
import { method } from './method.js'

const v1 = plimsoll.v1

const NAME = 'plimsoll.v1.Baselines'

export const BASELINES_SERVICE = {
  listBaselines: method(NAME, 'ListBaselines', v1.ListBaselinesRequest, v1.ListBaselinesResponse),
  getBaseline: method(NAME, 'GetBaseline', v1.GetBaselineRequest, v1.GetBaselineResponse),
  watchLearning: method(
    NAME,
    'WatchLearning',
    v1.WatchLearningRequest,
    v1.WatchLearningResponse,
    true,
  ),
  diffBaselines: method(NAME, 'DiffBaselines', v1.DiffBaselinesRequest, v1.DiffBaselinesResponse),
  listCandidates: method(
    NAME,
    'ListCandidates',
    v1.ListCandidatesRequest,
    v1.ListCandidatesResponse,
  ),
  sealBaseline: method(NAME, 'SealBaseline', v1.SealBaselineRequest, v1.SealBaselineResponse),
  approveItems: method(NAME, 'ApproveItems', v1.ApproveItemsRequest, v1.ApproveItemsResponse),
  rejectItems: method(NAME, 'RejectItems', v1.RejectItemsRequest, v1.RejectItemsResponse),
  mergeBaselines: method(
    NAME,
    'MergeBaselines',
    v1.MergeBaselinesRequest,
    v1.MergeBaselinesResponse,
  ),
  exportProfile: method(NAME, 'ExportProfile', v1.ExportProfileRequest, v1.ExportProfileResponse),
  startLearning: method(NAME, 'StartLearning', v1.StartLearningRequest, v1.StartLearningResponse),
  stopLearning: method(NAME, 'StopLearning', v1.StopLearningRequest, v1.StopLearningResponse),
} as const
