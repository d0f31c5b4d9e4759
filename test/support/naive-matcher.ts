/** The matcher and its roster in the plainest way there is: maps, sets, strings and no thought of cost. Their twin. */
import { ANOMALY_KINDS } from '../../src/detect/anomaly.js'
import type { AllowedSet } from '../../src/detect/allowed-set.js'
import { NAMED_KINDS } from '../../src/detect/fact-code.js'
import { OUTCOME, type Outcome } from '../../src/detect/outcome.js'
import type { MatcherLimits } from '../../src/detect/roster.js'
import type { Refusal } from '../../src/detect/tracked.js'
import { ABIS, SYSCALL_NR_LIMIT } from '../../src/observation.js'

export interface NaiveImage {
  /** `syscall 0 59`, `exec /bin/sh`; undefined: there is nothing to judge by. */
  allowed: Set<string> | undefined
  unjudged: Set<string>
  abis: Set<number>
  keys: number
  isGone: boolean
}

export interface NaiveContainer {
  image: NaiveImage | undefined
  /** What was counted, by what it is. */
  readonly counts: Map<string, { readonly kind: string; readonly item: string; count: number }>
  readonly overflow: Map<string, number>
  readonly cgroups: Set<number>
  isGone: boolean
}

export class NaiveMatcher {
  readonly #limits: MatcherLimits
  readonly #permits: (key: string) => boolean
  readonly #images = new Set<NaiveImage>()
  readonly #containers = new Set<NaiveContainer>()
  readonly #byCgroup = new Map<number, NaiveContainer>()
  countedTimes = 0

  constructor(limits: MatcherLimits, permits: (key: string) => boolean = () => false) {
    this.#limits = limits
    this.#permits = permits
  }

  addImage(): NaiveImage | 'full' {
    if (this.#images.size === this.#limits.images) return 'full'
    const image = { allowed: undefined, unjudged: new Set<string>(), abis: new Set<number>() }
    const added: NaiveImage = { ...image, keys: 0, isGone: false }
    this.#images.add(added)
    return added
  }

  setImage(image: NaiveImage, allowed: AllowedSet | undefined): Refusal | undefined {
    if (image.isGone) return 'stale'
    const keys = allowed === undefined ? [] : Object.values(allowed.keys).flat()
    let others = 0
    for (const other of this.#images) if (other !== image) others += other.keys
    if (others + keys.length > this.#limits.imageKeys) return 'full'
    image.keys = keys.length
    image.allowed = allowed === undefined ? undefined : itemsOf(allowed)
    image.unjudged = new Set(allowed?.unjudged)
    if (image.unjudged.has('syscall')) image.unjudged.add('abi')
    image.abis = new Set(allowed?.syscalls.map(({ abi }) => ABIS.indexOf(abi)))
    for (const container of this.#containers) {
      if (container.image === image) this.#forgetAllowed(container)
    }
    return undefined
  }

  releaseImage(image: NaiveImage): Refusal | undefined {
    if (image.isGone) return 'stale'
    for (const container of this.#containers) if (container.image === image) return 'in-use'
    image.isGone = true
    this.#images.delete(image)
    return undefined
  }

  addContainer(image: NaiveImage | undefined): NaiveContainer | 'full' | 'stale' {
    if (image?.isGone === true) return 'stale'
    if (this.#containers.size === this.#limits.containers) return 'full'
    const maps = { counts: new Map(), overflow: new Map(), cgroups: new Set<number>() }
    const container: NaiveContainer = { image, ...maps, isGone: false }
    this.#containers.add(container)
    return container
  }

  assign(container: NaiveContainer, image: NaiveImage | undefined): Refusal | undefined {
    if (container.isGone || image?.isGone === true) return 'stale'
    container.image = image
    this.#forgetAllowed(container)
    return undefined
  }

  releaseContainer(container: NaiveContainer): Refusal | undefined {
    if (container.isGone) return 'stale'
    container.isGone = true
    for (const cgroupId of container.cgroups) this.#byCgroup.delete(cgroupId)
    this.#containers.delete(container)
    return undefined
  }

  track(cgroupId: number, container: NaiveContainer): Refusal | undefined {
    if (container.isGone) return 'stale'
    const owner = this.#byCgroup.get(cgroupId)
    if (owner === container) return undefined
    const { cgroups } = container
    if (cgroups.size >= this.#limits.cgroupsOfContainer) return 'full'
    if (cgroups.size > 0 && this.#byCgroup.size >= this.#limits.cgroups) return 'full'
    owner?.cgroups.delete(cgroupId)
    this.#byCgroup.set(cgroupId, container)
    cgroups.add(cgroupId)
    return undefined
  }

  untrack(cgroupId: number): void {
    this.#byCgroup.get(cgroupId)?.cgroups.delete(cgroupId)
    this.#byCgroup.delete(cgroupId)
  }

  containerOf(cgroupId: number): NaiveContainer | undefined {
    return this.#byCgroup.get(cgroupId)
  }

  usesAbi(image: NaiveImage, abi: number): boolean {
    return !image.isGone && image.abis.has(abi)
  }

  /** Keys that images allow, one for each image and kind. */
  allowedKeys(): string[] {
    return [...this.#images].flatMap(({ allowed }) =>
      [...(allowed ?? [])].flatMap((item) => {
        const [kind = '', key = ''] = item.split(' ')
        return isNamed(kind) ? [key] : []
      }),
    )
  }

  syscall(cgroupId: number, lineage: number, abi: number, nr: number, count: number): Outcome {
    return this.#call(cgroupId, lineage, 'syscall', abi, callText(abi, nr), count, count)
  }

  argument(
    cgroupId: number,
    lineage: number,
    abi: number,
    nr: number,
    value: number,
    count: number,
  ): Outcome {
    const call = callText(abi, nr)
    const container = this.#byCgroup.get(cgroupId)
    if (container?.image?.allowed?.has(`any argument ${call}`)) return OUTCOME.KNOWN
    return this.#call(cgroupId, lineage, 'argument', abi, `${call} ${value}`, count, 0)
  }

  denial(
    cgroupId: number,
    lineage: number,
    abi: number,
    nr: number,
    answer: number,
    count: number,
  ): Outcome {
    return this.#item(cgroupId, lineage, 'denied', `${callText(abi, nr)} ${answer}`, count)
  }

  capability(cgroupId: number, lineage: number, capability: number, count: number): Outcome {
    return this.#item(cgroupId, lineage, 'capability', `${capability}`, count)
  }

  uring(cgroupId: number, lineage: number, opcode: number, count: number): Outcome {
    return this.#item(cgroupId, lineage, 'io_uring', `${opcode}`, count)
  }

  key(cgroupId: number, lineage: number, kind: number, key: string, count: number): Outcome {
    return this.#item(cgroupId, lineage, ANOMALY_KINDS[kind] ?? '', key, count)
  }

  trouble(container: NaiveContainer, kind: number, code: number, count: number): Outcome {
    if (container.isGone) return OUTCOME.UNTRACKED
    return this.#count(container, 0, ANOMALY_KINDS[kind] ?? '', `${code}`, count)
  }

  #call(
    cgroupId: number,
    lineage: number,
    kind: string,
    abi: number,
    item: string,
    count: number,
    abiCount: number,
  ): Outcome {
    const container = this.#byCgroup.get(cgroupId)
    const image = container?.image
    if (container === undefined || image?.allowed === undefined || image.abis.has(abi)) {
      return this.#item(cgroupId, lineage, kind, item, count)
    }
    if (image.unjudged.has('abi') || image.allowed.has(`${kind} ${item}`)) {
      return this.#item(cgroupId, lineage, kind, item, count)
    }
    const outcome = this.#count(container, lineage, 'abi', `${abi}`, abiCount)
    return outcome === OUTCOME.NEW ? OUTCOME.NEW_ABI : outcome
  }

  #item(cgroupId: number, lineage: number, kind: string, item: string, count: number): Outcome {
    const container = this.#byCgroup.get(cgroupId)
    if (container === undefined) return OUTCOME.UNTRACKED
    const image = container.image
    if (image?.allowed === undefined) return OUTCOME.UNJUDGED
    if (image.allowed.has(`${kind} ${item}`)) return OUTCOME.KNOWN
    if (image.unjudged.has(kind)) return OUTCOME.UNJUDGED
    const isCounted = container.counts.has(`${kind} ${lineage} ${item}`)
    if (!isCounted && isNamed(kind) && this.#permits(item)) return OUTCOME.KNOWN
    return this.#count(container, lineage, kind, item, count)
  }

  #count(
    container: NaiveContainer,
    lineage: number,
    kind: string,
    item: string,
    count: number,
  ): Outcome {
    const { counts, overflow } = container
    const counted = counts.get(`${kind} ${lineage} ${item}`)
    if (counted !== undefined) {
      counted.count += count
      this.countedTimes = counted.count
      return OUTCOME.REPEAT
    }
    if (!this.#hasRoom(container, kind)) {
      const before = overflow.get(kind)
      overflow.set(kind, (before ?? 0) + count)
      return before === undefined ? OUTCOME.CAPPED : OUTCOME.CAPPED_REPEAT
    }
    counts.set(`${kind} ${lineage} ${item}`, { kind, item, count })
    this.countedTimes = count
    return OUTCOME.NEW
  }

  #hasRoom({ counts }: NaiveContainer, kind: string): boolean {
    const ofKind = [...counts.values()].filter((counted) => counted.kind === kind).length
    if (ofKind >= this.#limits.itemsOfKind) return false
    const { reservedItems, sharedItems } = this.#limits
    let sharing = 0
    for (const other of this.#containers) sharing += Math.max(0, other.counts.size - reservedItems)
    return counts.size < reservedItems || sharing < sharedItems
  }

  #forgetAllowed({ image, counts }: NaiveContainer): void {
    for (const [name, { kind, item }] of counts) {
      const call = item.split(' ').slice(0, 2).join(' ')
      const isAllowed =
        image?.allowed?.has(`${kind} ${item}`) === true ||
        (kind === 'argument' && image?.allowed?.has(`any argument ${call}`) === true) ||
        (kind === 'abi' && image?.abis.has(Number(item)) === true) ||
        (isNamed(kind) && this.#permits(item))
      if (isAllowed) counts.delete(name)
    }
  }
}

function callText(abi: number, nr: number): string {
  return `${abi} ${Math.min(nr, SYSCALL_NR_LIMIT - 1)}`
}

function isNamed(kind: string): boolean {
  return NAMED_KINDS.some((named) => named === kind)
}

function itemsOf(allowed: AllowedSet): Set<string> {
  const call = ({ abi, nr }: AllowedSet['syscalls'][number]): string =>
    callText(ABIS.indexOf(abi), nr)
  return new Set([
    ...allowed.syscalls.map((item) => `syscall ${call(item)}`),
    ...allowed.arguments.map((item) => `argument ${call(item)} ${item.value}`),
    ...allowed.anyArgument.map((item) => `any argument ${call(item)}`),
    ...allowed.denials.map((item) => `denied ${call(item)} ${item.answer}`),
    ...allowed.capabilities.map((capability) => `capability ${capability}`),
    ...allowed.opcodes.map((opcode) => `io_uring ${opcode}`),
    ...NAMED_KINDS.flatMap((kind) => (allowed.keys[kind] ?? []).map((key) => `${kind} ${key}`)),
  ])
}
