/** The handlers of `plimsoll.v1.Audit`. They only read the log on disk, whoever wrote it. */
import type { handleUnaryCall } from '@grpc/grpc-js'
import { failure } from '../../errors.js'
import type { plimsoll } from '../../gen/plimsoll.js'
import { Gate } from '../../workload/gate.js'
import { unary } from '../unary.js'
import { operatorLogPage } from './log-page.js'
import { verifyOperatorLog } from './verify-log.js'

type ListRequest = plimsoll.v1.ListEntriesRequest.$Properties
type ListResponse = plimsoll.v1.ListEntriesResponse.$Properties
type VerifyRequest = plimsoll.v1.VerifyRequest.$Properties
type VerifyResponse = plimsoll.v1.VerifyResponse.$Properties

export interface AuditServiceOptions {
  readonly stateDirectory: string
}

/** Whole logs that are read at a time: each takes a processor. */
const VERIFYING_AT_ONCE = 1

export class AuditService {
  readonly #stateDirectory: string
  readonly #verifying = new Gate(VERIFYING_AT_ONCE)

  constructor({ stateDirectory }: AuditServiceOptions) {
    this.#stateDirectory = stateDirectory
  }

  readonly listEntries: handleUnaryCall<ListRequest, ListResponse> = unary(
    async ({ pageSize, pageToken, descending }) => {
      const page = await operatorLogPage(this.#stateDirectory, {
        pageSize: pageSize ?? 0,
        pageToken: pageToken ?? '',
        descending: descending ?? false,
      })
      return { ...page, entries: [...page.entries] }
    },
  )

  readonly verify: handleUnaryCall<VerifyRequest, VerifyResponse> = unary(async (request) => {
    const knownHash = request.knownHash ?? ''
    if (!/^(?:[0-9a-f]{64})?$/.test(knownHash)) {
      const problem = 'it is no hash: 64 lower-case hexadecimal digits'
      throw failure('BAD_REQUEST', { field: 'known_hash', problem })
    }
    const leave = await this.#verifying.enter()
    try {
      return await verifyOperatorLog(this.#stateDirectory, knownHash)
    } finally {
      leave()
    }
  })
}
