/** The applied profiles of a state directory, and how a person names one. */
import { imageKeyOf } from '../baseline/image-identity.js'
import { matchesOf } from '../baseline/reference.js'
import { failure } from '../errors.js'
import { type AppliedAnswer, appliedDigests, readApplied } from './applied.js'

/** One file; `name` is the digest where it is damaged. */
export interface AppliedEntry {
  readonly digest: string
  readonly name: string
  readonly answer: Exclude<AppliedAnswer, { readonly kind: 'none' }>
}

/** All of them by digest, damaged ones with what is wrong. Throws `STORE_UNREADABLE`. */
export async function appliedEntries(state: string): Promise<readonly AppliedEntry[]> {
  const entries: AppliedEntry[] = []
  for (const digest of await appliedDigests(state)) {
    const answer = await readApplied(state, digest)
    if (answer.kind === 'none') continue
    const name = answer.kind === 'applied' ? answer.record.image.name : digest
    entries.push({ digest, name, answer })
  }
  return entries
}

/** The one that `ref` means, as a baseline is named. Throws `NOT_APPLIED` and `APPLIED_AMBIGUOUS`. */
export async function findApplied(state: string, ref: string): Promise<AppliedEntry> {
  const candidates = (await appliedEntries(state)).map((entry) => ({
    entry,
    key: imageKeyOf({ kind: 'container', digest: entry.digest }),
    image: { kind: 'container' as const, digest: entry.digest, name: entry.name, entrypoint: [] },
  }))
  const matches = matchesOf(ref, candidates).map(({ entry }) => entry)
  const [match, ...others] = matches
  if (match === undefined) throw failure('NOT_APPLIED', { ref })
  if (others.length > 0) {
    const names = matches.map(({ name, digest }) => `${name} (${digest.slice(0, SHOWN)})`)
    throw failure('APPLIED_AMBIGUOUS', {
      ref,
      count: names.length,
      candidates: names.join(', '),
    })
  }
  return match
}

/** `sha256:` and enough digits to tell one from others. */
const SHOWN = 19
