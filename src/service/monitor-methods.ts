/** The service `plimsoll.v1.Monitor`, for servers and for clients. */
import { plimsoll } from '../gen/plimsoll.js'
import { bufferOf, method } from './method.js'

const {
  GetAnomalyRequest,
  GetAnomalyResponse,
  GetStatsRequest,
  GetStatsResponse,
  GetTimelineRequest,
  GetTimelineResponse,
  ListAnomaliesRequest,
  ListAnomaliesResponse,
  WatchRequest,
  WatchResponse,
} = plimsoll.v1

const NAME = 'plimsoll.v1.Monitor'

const WATCH = method(NAME, 'Watch', WatchRequest, WatchResponse, true)

export const MONITOR_SERVICE = {
  /** The server writes responses that are encoded already, so that one encoding serves all streams. */
  watch: {
    ...WATCH,
    responseSerialize: (message: plimsoll.v1.WatchResponse | Uint8Array): Buffer =>
      message instanceof Uint8Array ? bufferOf(message) : WATCH.responseSerialize(message),
  },
  getAnomaly: method(NAME, 'GetAnomaly', GetAnomalyRequest, GetAnomalyResponse),
  listAnomalies: method(NAME, 'ListAnomalies', ListAnomaliesRequest, ListAnomaliesResponse),
  getTimeline: method(NAME, 'GetTimeline', GetTimelineRequest, GetTimelineResponse),
  getStats: method(NAME, 'GetStats', GetStatsRequest, GetStatsResponse),
} as const
