/**
 * Server reflection: what is served, and the descriptors of it. One stream answers request by request, and reads the next one
 * only when its client has taken the answer.
 */
import { type handleBidiStreamingCall, status } from '@grpc/grpc-js'
import type { DescribedFile, DescriptorIndex } from './descriptor-index.js'
import type { ReflectionRequest, ReflectionResponse } from './reflection-methods.js'

export class Reflection {
  readonly #index: DescriptorIndex
  readonly #services: readonly string[]

  /** `services` are the full names of what is served. */
  constructor(index: DescriptorIndex, services: readonly string[]) {
    this.#index = index
    this.#services = [...services].sort()
  }

  readonly serverReflectionInfo: handleBidiStreamingCall<ReflectionRequest, ReflectionResponse> = (
    call,
  ) => {
    call.on('data', (request: ReflectionRequest) => {
      if (call.write(this.answer(request))) return
      call.pause()
      call.once('drain', () => call.resume())
    })
    call.on('end', () => call.end())
    // It is gone, and so is whoever asked.
    call.on('error', () => undefined)
  }

  /** What one request is answered with; a failure is an answer, too. */
  answer(request: ReflectionRequest): ReflectionResponse {
    return { validHost: request.host ?? '', originalRequest: request, ...this.#responseTo(request) }
  }

  #responseTo(request: ReflectionRequest): ReflectionResponse {
    const { fileByFilename, fileContainingSymbol, listServices } = request
    if (typeof listServices === 'string') {
      const service = this.#services.map((name) => ({ name }))
      return { listServicesResponse: { service } }
    }
    if (typeof fileByFilename === 'string') {
      return filesOr(this.#index.withImports(fileByFilename), 'no such file')
    }
    if (typeof fileContainingSymbol === 'string') {
      return filesOr(this.#index.declaring(fileContainingSymbol), 'no such symbol')
    }
    const extendee = request.allExtensionNumbersOfType
    if (typeof extendee === 'string' && this.#index.declares(extendee)) {
      return { allExtensionNumbersResponse: { baseTypeName: extendee } }
    }
    if (typeof extendee === 'string' || request.fileContainingExtension) {
      return refused(status.NOT_FOUND, 'no such extension')
    }
    return refused(status.INVALID_ARGUMENT, 'nothing is asked for')
  }
}

function filesOr(files: readonly DescribedFile[], otherwise: string): ReflectionResponse {
  if (files.length === 0) return refused(status.NOT_FOUND, otherwise)
  return { fileDescriptorResponse: { fileDescriptorProto: files.map(({ bytes }) => bytes) } }
}

function refused(errorCode: number, errorMessage: string): ReflectionResponse {
  return { errorResponse: { errorCode, errorMessage } }
}
