/**
 * What people do to the baselines of a store, over the service and on the command line alike: each change is made in turn per
 * image, on record under the name of who asked for it, and told to whoever wants to know. Another process that writes
 * the same image meanwhile is met by trying again on what it left.
 */
import { candidatesOf, decide, itemsNamed, seal } from '../baseline/approval.js'
import { Baseline } from '../baseline/baseline.js'
import { encodeBaseline } from '../baseline/codec.js'
import { type ImageIdentity, imageKeyOf } from '../baseline/image-identity.js'
import { itemOfKey, type ItemKey } from '../baseline/item-key.js'
import { itemText } from '../baseline/item-text.js'
import { merged } from '../baseline/merge.js'
import type { BaselineStore } from '../baseline/store.js'
import { failure, PlimsollError } from '../errors.js'
import type {
  BaselineActions,
  BaselineChanged,
  Decided,
  DecideRequest,
  Merged,
  MergeRequest,
  ProfileFileContent,
  ProfileRequest,
  Responsible,
  SealRequest,
} from '../service/baseline-actions.js'
import { type OnRecord, onRecord } from './on-record.js'
import { Turns } from './baseline-turns.js'
import { loadFloors } from './floors.js'
import { exportedProfile, exportFileName } from './profile-export.js'
import { checkProfile, DEFAULT_PROFILE } from './profile.js'

export interface StoreActionsOptions extends OnRecord {
  readonly store: BaselineStore
  /** Where this host's floors are. */
  readonly stateDirectory: string
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Told of every change that was stored, after it is on record. */
  readonly changed: (change: BaselineChanged) => void
}

/** A decision is tried twice; adding up, which nobody has looked at before, as often as `keep` does. */
const DECISION_TRIES = 2
const MERGE_TRIES = 5
/** Texts of items that are put on record one by one. */
const ITEMS_NOTED = 100

interface Change extends Responsible {
  /** Name of the method, or what comes nearest. */
  readonly action: string
  readonly what: BaselineChanged['what']
  readonly details: Readonly<Record<string, unknown>>
}

export class StoreActions implements BaselineActions {
  readonly #options: StoreActionsOptions
  readonly #turns = new Turns()

  constructor(options: StoreActionsOptions) {
    this.#options = options
  }

  load(ref: string, revision?: number): Promise<Baseline> {
    const { store } = this.#options
    return revision === undefined ? store.load(ref) : store.loadRevision(ref, revision)
  }

  seal({ ref, contentHash, by, reason }: SealRequest): Promise<Decided> {
    const change: Change = {
      action: 'SealBaseline',
      what: 'sealed',
      by,
      reason,
      details: { contentHash },
    }
    return this.#decide(ref, change, (baseline) => {
      seal(baseline, { contentHash, by, reason, atMs: this.#options.nowMs() })
      return { keys: baseline.decisions.seal?.items ?? [], changed: true }
    })
  }

  /** With nothing to decide on, no revision is made. */
  decide({ ref, contentHash, verdict, items, by, reason }: DecideRequest): Promise<Decided> {
    const change: Change = {
      action: verdict === 'approved' ? 'ApproveItems' : 'RejectItems',
      what: verdict,
      by,
      reason,
      details: { contentHash, asked: items === 'candidates' ? 'all candidates' : noted(items) },
    }
    return this.#decide(ref, change, (baseline) => {
      const keys =
        items === 'candidates'
          ? candidatesOf(baseline).map(({ key }) => key)
          : itemsNamed(baseline, items)
      decide(baseline, keys, verdict, { contentHash, by, reason, atMs: this.#options.nowMs() })
      return { keys, changed: keys.length > 0 }
    })
  }

  merge({ baselines, by, reason }: MergeRequest): Promise<Merged> {
    const details = { baselines: baselines.length }
    return this.#add(baselines, { action: 'MergeBaselines', what: 'merged', by, reason, details })
  }

  /** Adds an exported baseline to what is stored of its image. Throws as `merge` does. */
  import(baseline: Baseline, file: string, { by, reason }: Responsible): Promise<Merged> {
    const details = { file }
    return this.#add([baseline], {
      action: 'ImportBaseline',
      what: 'imported',
      by,
      reason,
      details,
    })
  }

  /** Deletes all revisions of what `ref` means, damaged or not, and returns its key. Throws as `BaselineStore.remove` does. */
  async remove(ref: string, { by, reason }: Responsible): Promise<string> {
    const { store, changed } = this.#options
    const key = await store.find(ref)
    return this.#turns.take(key, async () => {
      const intent = { actor: by, action: 'RemoveBaseline', target: key, reason }
      await onRecord(
        this.#options,
        intent,
        () => store.remove(key),
        () => ({}),
      )
      changed({ baselineKey: key, imageName: '', revision: 0, what: 'removed', actor: by, reason })
      return key
    })
  }

  async profile(baseline: Baseline, request: ProfileRequest): Promise<ProfileFileContent> {
    const { format, name } = request
    const { built, exported, notes } = exportedProfile(
      baseline,
      {
        lineages: request.lineages ?? DEFAULT_PROFILE.lineages,
        strength: request.strength,
        runtimes: request.runtime === undefined ? [] : [request.runtime],
        assumeNoNewPrivileges: request.assumeNoNewPrivileges,
        arguments: request.arguments ?? DEFAULT_PROFILE.arguments,
        families: request.families ?? DEFAULT_PROFILE.families,
        floors: await loadFloors(this.#options.stateDirectory),
      },
      format,
      name,
    )
    const fileName = exportFileName(baseline.image, format)
    checkProfile(fileName, built)
    return { fileName, text: exported.text, allowed: exported.allowed, notes }
  }

  async #decide(
    ref: string,
    change: Change,
    work: (baseline: Baseline) => {
      readonly keys: readonly ItemKey[]
      readonly changed: boolean
    },
  ): Promise<Decided> {
    const { store } = this.#options
    const { image } = await store.load(ref)
    const { baseline, items } = await this.#make(image, change, DECISION_TRIES, async () => {
      const known = await store.loadImage(image)
      if (known === undefined) throw failure('BASELINE_NOT_FOUND', { ref })
      const { keys, changed } = work(known)
      if (changed) await store.save(known)
      return { baseline: known, items: keys.map(textOf), changed }
    })
    return { baseline, items }
  }

  async #add(baselines: readonly Baseline[], change: Change): Promise<Merged> {
    const { store } = this.#options
    const [first, ...others] = baselines
    if (first === undefined) throw new RangeError('there is nothing to merge')
    // A copy without a revision: those count the changes of one store, and saving sets the baseline's.
    const sum = others.reduce((all, next) => merged(all, next), copyOf(first))
    const { baseline, changed } = await this.#make(sum.image, change, MERGE_TRIES, async () => {
      const known = await store.loadImage(sum.image)
      const total = known === undefined ? copyOf(sum) : merged(known, sum)
      const isNew = known === undefined || !isSame(known, total)
      if (isNew) await store.save(total)
      return { baseline: total, items: [], changed: isNew }
    })
    return { baseline, changed }
  }

  /** Makes the change when it is the image's turn, and tells of it. */
  #make(
    image: ImageIdentity,
    { action, what, by, reason, details }: Change,
    tries: number,
    work: () => Promise<Decided & { readonly changed: boolean }>,
  ): Promise<Decided & { readonly changed: boolean }> {
    const baselineKey = imageKeyOf(image)
    return this.#turns.take(baselineKey, async () => {
      const made = await onRecord(
        this.#options,
        {
          actor: by,
          action,
          target: image.name,
          reason,
          details: { baseline: baselineKey, ...details },
        },
        () => retried(tries, work),
        ({ baseline, items, changed }) => ({
          revision: baseline.revision,
          changed,
          count: items.length,
          ...(what === 'approved' || what === 'rejected' ? { items: noted(items) } : {}),
        }),
      )
      if (made.changed) {
        const { revision } = made.baseline
        const imageName = made.baseline.image.name
        this.#options.changed({ baselineKey, imageName, revision, what, actor: by, reason })
      }
      return made
    })
  }
}

/** Each try starts from what another process left. */
async function retried<T>(tries: number, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (thrown) {
      const isRace = thrown instanceof PlimsollError && thrown.code === 'BASELINE_CONFLICT'
      if (!isRace || tried === tries) throw thrown
    }
  }
}

function copyOf(baseline: Baseline): Baseline {
  return Baseline.of({ ...baseline.snapshot(), revision: 0 })
}

function isSame(a: Baseline, b: Baseline): boolean {
  return Buffer.from(encodeBaseline(a)).equals(encodeBaseline(b))
}

function textOf(key: ItemKey): string {
  const item = itemOfKey(key)
  return item === undefined ? '' : itemText(item)
}

function noted(items: readonly string[]): readonly string[] {
  return items.slice(0, ITEMS_NOTED)
}
