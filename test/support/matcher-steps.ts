/** Random operations on a matcher, for it and its twin: images and containers come, change and go, and things are done. */
import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import { ANOMALY_KINDS } from '../../src/detect/anomaly.js'
import type { AllowedSet } from '../../src/detect/allowed-set.js'
import { KIND_CODE, NAMED_KINDS } from '../../src/detect/fact-code.js'
import type { ContainerHandle, ImageHandle } from '../../src/detect/handles.js'
import { Matcher } from '../../src/detect/matcher.js'
import { OUTCOME } from '../../src/detect/outcome.js'
import { type MatcherLimits, Roster } from '../../src/detect/roster.js'
import { ABIS } from '../../src/observation.js'
import { type NaiveContainer, type NaiveImage, NaiveMatcher } from './naive-matcher.js'

export const NOTHING_ALLOWED: AllowedSet = {
  syscalls: [],
  arguments: [],
  anyArgument: [],
  denials: [],
  capabilities: [],
  opcodes: [],
  keys: {},
  unjudged: [],
}

/** What a policy's pattern would allow. */
export const isPermitted = (key: string): boolean => key.startsWith('p')

/** A matcher with its twin; images and containers are known by the order in which they came, gone ones included. */
export class Twins {
  readonly roster: Roster
  readonly matcher: Matcher
  readonly naive: NaiveMatcher
  readonly images: { readonly real: ImageHandle; readonly naive: NaiveImage }[] = []
  readonly containers: { readonly real: ContainerHandle; readonly naive: NaiveContainer }[] = []

  constructor(limits: MatcherLimits) {
    this.roster = new Roster(limits, {
      allowsKey: (_container, _lineage, _kind, key) => isPermitted(key),
    })
    this.matcher = new Matcher(this.roster)
    this.naive = new NaiveMatcher(limits, isPermitted)
  }
}

export type Step = (twins: Twins) => void

const abi = fc.nat({ max: 2 })
const call = fc.record({
  abi: abi.map((code) => ABIS[code]!),
  nr: fc.constantFrom(0, 1, 31, 32, 1023),
})
const nr = fc.constantFrom(0, 1, 31, 32, 1023, 2000)
const value = fc.constantFrom(0, 7, 0xffff_fff0, 0xffff_ffff)
const number = fc.constantFrom(0, 1, 31, 32, 63, 255)
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'p1', 'p2', 'z\u00ff')
const keys = fc.uniqueArray(key, { maxLength: 4 })
const lineage = fc.nat({ max: 4 })
const count = fc.nat({ max: 3 })
/** Some share their low word, some have none. */
const cgroupId = fc.constantFrom(0, 1, 2, 3, 4, 77, 2 ** 32, 2 ** 32 + 1, 2 ** 40 - 1, 2 ** 40)
const index = fc.nat({ max: 9 })

const allowedSet: fc.Arbitrary<AllowedSet> = fc.record({
  syscalls: fc.array(call, { maxLength: 5 }),
  arguments: fc.array(
    fc.tuple(call, value).map(([one, packed]) => ({ ...one, value: packed })),
    { maxLength: 4 },
  ),
  anyArgument: fc.array(call, { maxLength: 1 }),
  denials: fc.array(
    fc.tuple(call, value).map(([one, answer]) => ({ ...one, answer })),
    { maxLength: 3 },
  ),
  capabilities: fc.array(
    number.filter((capability) => capability < 64),
    { maxLength: 3 },
  ),
  opcodes: fc.array(number, { maxLength: 3 }),
  keys: fc.record(
    { exec: keys, drift: keys, fileless: keys, connect: keys, listen: keys },
    { requiredKeys: [] },
  ),
  unjudged: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.subarray([...ANOMALY_KINDS], { maxLength: 2 }),
  ),
})

function image(twins: Twins, at: number): Twins['images'][number] | undefined {
  return twins.images[at % Math.max(1, twins.images.length)]
}

function container(twins: Twins, at: number): Twins['containers'][number] | undefined {
  return twins.containers[at % Math.max(1, twins.containers.length)]
}

const changes: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((twins) => {
    const real = twins.roster.addImage()
    const naive = twins.naive.addImage()
    equal(real === 'full', naive === 'full')
    if (real !== 'full' && naive !== 'full') twins.images.push({ real, naive })
  }),
  fc
    .tuple(index, fc.option(allowedSet, { nil: undefined, freq: 9 }))
    .map(([at, allowed]): Step => (twins) => {
      const one = image(twins, at)
      if (one === undefined) return
      equal(twins.roster.setImage(one.real, allowed), twins.naive.setImage(one.naive, allowed))
      for (let code = 0; code < ABIS.length; code++) {
        equal(twins.roster.usesAbi(one.real, code), twins.naive.usesAbi(one.naive, code))
      }
    }),
  index.map((at): Step => (twins) => {
    const one = image(twins, at)
    if (one === undefined) return
    equal(twins.roster.releaseImage(one.real), twins.naive.releaseImage(one.naive))
  }),
  index.map((at): Step => (twins) => {
    // One in ten has no known image.
    const one = at === 0 ? undefined : image(twins, at)
    const real = twins.roster.addContainer(one?.real)
    const naive = twins.naive.addContainer(one?.naive)
    if (typeof real === 'string' || typeof naive === 'string') equal(real, naive)
    else twins.containers.push({ real, naive })
  }),
  fc.tuple(index, index).map(([at, imageAt]): Step => (twins) => {
    const one = container(twins, at)
    const other = imageAt === 0 ? undefined : image(twins, imageAt)
    if (one === undefined) return
    equal(twins.roster.assign(one.real, other?.real), twins.naive.assign(one.naive, other?.naive))
  }),
  index.map((at): Step => (twins) => {
    const one = container(twins, at)
    if (one === undefined) return
    equal(twins.roster.releaseContainer(one.real), twins.naive.releaseContainer(one.naive))
  }),
  fc.tuple(cgroupId, index).map(([id, at]): Step => (twins) => {
    const one = container(twins, at)
    if (one === undefined) return
    equal(twins.roster.track(id, one.real), twins.naive.track(id, one.naive))
  }),
  cgroupId.map((id): Step => (twins) => {
    twins.roster.untrack(id)
    twins.naive.untrack(id)
  }),
)

type Deed = (one: Matcher | NaiveMatcher) => number

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.tuple(cgroupId, lineage, abi, nr, count).map(
    (args): Deed =>
      (one) =>
        one.syscall(...args),
  ),
  fc.tuple(cgroupId, lineage, abi, nr, value, count).map(
    (args): Deed =>
      (one) =>
        one.argument(...args),
  ),
  fc.tuple(cgroupId, lineage, abi, nr, value, count).map(
    (args): Deed =>
      (one) =>
        one.denial(...args),
  ),
  fc.tuple(cgroupId, lineage, number, count).map(
    (args): Deed =>
      (one) =>
        one.capability(...args),
  ),
  fc.tuple(cgroupId, lineage, number, count).map(
    (args): Deed =>
      (one) =>
        one.uring(...args),
  ),
  fc.tuple(cgroupId, lineage, fc.constantFrom(...NAMED_KINDS), key, count).map(
    ([id, from, kind, named, times]): Deed =>
      (one) =>
        one.key(id, from, KIND_CODE[kind], named, times),
  ),
)

const observations: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: deeds.map((deed): Step => (twins) => {
      const outcome = deed(twins.matcher)
      equal(outcome, deed(twins.naive))
      checkCount(twins, outcome)
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(index, fc.nat({ max: 2 }), count)
      .map(([at, code, times]): Step => (twins) => {
        const one = container(twins, at)
        if (one === undefined) return
        const outcome = twins.matcher.trouble(one.real, KIND_CODE.sensor, code, times)
        equal(outcome, twins.naive.trouble(one.naive, KIND_CODE.sensor, code, times))
        checkCount(twins, outcome)
      }),
  },
)

function checkCount({ matcher, naive }: Twins, outcome: number): void {
  if (outcome === OUTCOME.NEW || outcome === OUTCOME.NEW_ABI || outcome === OUTCOME.REPEAT) {
    equal(matcher.countedTimes, naive.countedTimes)
  }
}

/** The twins agree on all that can be asked. */
function checkAll({ roster, naive, containers }: Twins): void {
  const held = new Set<string>()
  for (const one of containers) {
    const { isGone, counts, cgroups, overflow } = one.naive
    equal(roster.slotOf(one.real) < 0, isGone)
    if (isGone) continue
    equal(roster.itemsOf(one.real), counts.size)
    for (const id of cgroups) equal(roster.containerOf(id), one.real)
    for (const kind of ANOMALY_KINDS) {
      equal(roster.overflowOf(one.real, KIND_CODE[kind]), overflow.get(kind) ?? 0)
    }
    for (const { kind, item } of counts.values()) {
      if (NAMED_KINDS.some((named) => named === kind)) held.add(item)
    }
  }
  for (const allowed of naive.allowedKeys()) held.add(allowed)
  equal(roster.interner.size, held.size)
}

/** Some of them a container's flood of distinct things. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.oneof({ weight: 1, arbitrary: changes }, { weight: 2, arbitrary: observations }), {
    size: 'large',
    maxLength: 200,
  })
  .map((all) => [...all, checkAll])
