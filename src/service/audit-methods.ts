/** The service `plimsoll.v1.Audit`, for servers and for clients. */
import { plimsoll } from '../gen/plimsoll.js'
import { method } from './method.js'

const { ListEntriesRequest, ListEntriesResponse, VerifyRequest, VerifyResponse } = plimsoll.v1

const NAME = 'plimsoll.v1.Audit'

export const AUDIT_SERVICE = {
  listEntries: method(NAME, 'ListEntries', ListEntriesRequest, ListEntriesResponse),
  verify: method(NAME, 'Verify', VerifyRequest, VerifyResponse),
} as const
