/**
 * The handlers of `plimsoll.v1.Baselines` that look at what is stored and make something of it: differences, candidates,
 * profiles. They change nothing, and none throws.
 */
import type { handleUnaryCall } from '@grpc/grpc-js'
import type { plimsoll } from '../gen/plimsoll.js'
import type { BaselineActions } from './baseline-actions.js'
import { answered } from './baselines-answer.js'
import { candidatesPage } from './baselines-candidates.js'
import { type DiffSide, diffPage } from './baselines-diff.js'
import { profileMessage, profileRequestOf } from './baselines-profile.js'
import { referenceOf, revisionOf, type SelectedBaseline, selectorOf } from './baselines-request.js'
import { findBaseline, knownBaselines } from './known-baselines.js'
import type { LearningSource } from './learning-source.js'

type DiffRequest = plimsoll.v1.DiffBaselinesRequest.$Properties
type DiffResponse = plimsoll.v1.DiffBaselinesResponse.$Properties
type CandidatesRequest = plimsoll.v1.ListCandidatesRequest.$Properties
type CandidatesResponse = plimsoll.v1.ListCandidatesResponse.$Properties
type ProfileRequest = plimsoll.v1.ExportProfileRequest.$Properties
type ProfileResponse = plimsoll.v1.ExportProfileResponse.$Properties

/** Where baselines are found, by those who read and those who write. */
export interface BaselinesAtHand {
  readonly source: Pick<LearningSource, 'session'>
  readonly actions: BaselineActions
}

export class BaselinesRead {
  readonly #atHand: BaselinesAtHand

  constructor(atHand: BaselinesAtHand) {
    this.#atHand = atHand
  }

  readonly diffBaselines: handleUnaryCall<DiffRequest, DiffResponse> = ({ request }, answer) => {
    answered(this.#diff(request), answer)
  }

  readonly listCandidates: handleUnaryCall<CandidatesRequest, CandidatesResponse> = (
    { request },
    answer,
  ) => {
    answered(this.#candidates(request), answer)
  }

  readonly exportProfile: handleUnaryCall<ProfileRequest, ProfileResponse> = (
    { request },
    answer,
  ) => {
    answered(this.#profile(request), answer)
  }

  async #diff(request: DiffRequest): Promise<DiffResponse> {
    const before = selectorOf(request.before, 'before')
    const after = selectorOf(request.after, 'after')
    return diffPage(
      await selected(this.#atHand, before),
      await selected(this.#atHand, after),
      request,
    )
  }

  async #candidates(request: CandidatesRequest): Promise<CandidatesResponse> {
    const ref = referenceOf(request.reference)
    return candidatesPage(await this.#atHand.actions.load(ref), request)
  }

  async #profile(request: ProfileRequest): Promise<ProfileResponse> {
    const { actions } = this.#atHand
    const ref = referenceOf(request.reference)
    const revision = revisionOf(request.revision)
    const options = profileRequestOf(request)
    const baseline = await actions.load(ref, revision)
    return profileMessage(baseline, await actions.profile(baseline, options))
  }
}

/** The baseline that was meant, and where it is. Throws as `BaselineActions.load` and `findBaseline` do. */
export async function selected(
  { source, actions }: BaselinesAtHand,
  { ref, origin, revision }: SelectedBaseline,
): Promise<DiffSide> {
  const baseline =
    origin === 'session'
      ? findBaseline(ref, knownBaselines(source.session(), [])).baseline
      : await actions.load(ref, revision)
  return { baseline, origin }
}
