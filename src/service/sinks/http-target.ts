/**
 * Events as requests: many in one (as lines of JSON, or as an array), or each as a Falco alert of its own. If a request is
 * refused for good, its events are sent again in halves, so that only those that the target really does not take are given up.
 */
import { eventJson } from './event-json.js'
import { falcoJson } from './falco-alert.js'
import { HttpPost, type HttpPostOptions } from './http-post.js'
import type { HttpFormat } from './sink-spec.js'
import type { AnomalyEncoder, Delivery, Target } from './target.js'

export interface HttpTargetOptions extends Omit<HttpPostOptions, 'contentType'> {
  readonly format: HttpFormat
  readonly node: string
  readonly view: AnomalyEncoder
}

/** Many servers take a megabyte at most. */
const REQUEST_BYTES = 900 * 1024

const CONTENT_TYPES: Readonly<Record<HttpFormat, string>> = {
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  falco: 'application/json',
}

/** Rejects if the files that it needs cannot be used. */
export async function httpTarget(options: HttpTargetOptions): Promise<Target<string>> {
  const { format, node, view } = options
  const post = new HttpPost({ ...options, contentType: CONTENT_TYPES[format] })
  await post.prepare()
  return {
    encode: (message) =>
      format === 'falco' ? falcoJson(message, node) : eventJson(message, node, view),
    deliver: (batch, signal) =>
      format === 'falco'
        ? oneByOne(batch, post, signal)
        : inHalves(fitting(batch), (events) => post.post(bodyOf(events, format), signal)),
    close: async () => post.close(),
  }
}

type Send = (events: readonly string[]) => ReturnType<HttpPost['post']>

async function inHalves(events: readonly string[], send: Send): Promise<Delivery> {
  const answer = await send(events)
  const done = events.length
  if (answer.kind === 'taken') return { done, refused: 0, refusal: '', trouble: undefined }
  if (answer.kind === 'failed') return { done: 0, refused: 0, refusal: '', trouble: answer }
  if (done === 1) return { done, refused: 1, refusal: answer.problem, trouble: undefined }
  const half = Math.ceil(done / 2)
  const first = await inHalves(events.slice(0, half), send)
  if (first.done < half) return first
  return joined(first, await inHalves(events.slice(half), send))
}

async function oneByOne(
  alerts: readonly string[],
  post: HttpPost,
  signal: AbortSignal,
): Promise<Delivery> {
  let sum: Delivery = { done: 0, refused: 0, refusal: '', trouble: undefined }
  for (const alert of alerts) {
    sum = joined(sum, await inHalves([alert], () => post.post(alert, signal)))
    if (sum.trouble !== undefined) break
  }
  return sum
}

function joined(one: Delivery, next: Delivery): Delivery {
  return {
    done: one.done + next.done,
    refused: one.refused + next.refused,
    refusal: next.refusal || one.refusal,
    trouble: next.trouble,
  }
}

/** Those of the batch, from its start, that one request takes; at least one. */
function fitting(batch: readonly string[]): readonly string[] {
  let bytes = 0
  const tooMany = batch.findIndex(
    (event) => (bytes += Buffer.byteLength(event) + 1) > REQUEST_BYTES,
  )
  return tooMany === -1 ? batch : batch.slice(0, Math.max(1, tooMany))
}

function bodyOf(events: readonly string[], format: HttpFormat): string {
  return format === 'json' ? `[${events.join(',')}]` : `${events.join('\n')}\n`
}
