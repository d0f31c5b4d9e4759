/** The service `plimsoll.v1.Control`, for servers and for clients. */
import { plimsoll } from '../gen/plimsoll.js'
import { method } from './method.js'

const {
  GetPolicyRequest,
  GetPolicyResponse,
  ListModesRequest,
  ListModesResponse,
  ReleaseRequest,
  ReleaseResponse,
  RespondRequest,
  RespondResponse,
  SetModeRequest,
  SetModeResponse,
  SetPolicyRequest,
  SetPolicyResponse,
} = plimsoll.v1

const NAME = 'plimsoll.v1.Control'

export const CONTROL_SERVICE = {
  getPolicy: method(NAME, 'GetPolicy', GetPolicyRequest, GetPolicyResponse),
  setPolicy: method(NAME, 'SetPolicy', SetPolicyRequest, SetPolicyResponse),
  listModes: method(NAME, 'ListModes', ListModesRequest, ListModesResponse),
  setMode: method(NAME, 'SetMode', SetModeRequest, SetModeResponse),
  respond: method(NAME, 'Respond', RespondRequest, RespondResponse),
  release: method(NAME, 'Release', ReleaseRequest, ReleaseResponse),
} as const
