/** The matcher: what is allowed, what is new, what is counted again, and what is beyond its bounds. */
import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { AllowedSet } from '../../src/detect/allowed-set.js'
import { ABI_CODE, KIND_CODE, LINEAGE_CODE } from '../../src/detect/fact-code.js'
import type { ContainerHandle, ImageHandle } from '../../src/detect/handles.js'
import { Matcher } from '../../src/detect/matcher.js'
import { OUTCOME } from '../../src/detect/outcome.js'
import { MATCHER_LIMITS, Roster } from '../../src/detect/roster.js'
import { seeded } from '../support/seeded.js'
import { NOTHING_ALLOWED, steps, Twins } from '../support/matcher-steps.js'

const { main, exec } = LINEAGE_CODE
const { x86_64, i386 } = ABI_CODE
const READ = 0
const WRITE = 1
const SOCKET = 41

function imageOf(roster: Roster, allowed: Partial<AllowedSet>): ImageHandle {
  const image = roster.addImage()
  if (image === 'full') throw new Error('no room')
  equal(roster.setImage(image, { ...NOTHING_ALLOWED, ...allowed }), undefined)
  return image
}

function containerOf(roster: Roster, image: ImageHandle, cgroupId: number): ContainerHandle {
  const container = roster.addContainer(image)
  if (typeof container === 'string') throw new Error(container)
  equal(roster.track(cgroupId, container), undefined)
  return container
}

const CALLS = { syscalls: [{ abi: 'x86_64', nr: READ } as const] }

t.test('the matcher and its plain twin agree whatever comes and goes', async (t) => {
  const limits = {
    images: 3,
    containers: 4,
    cgroups: 6,
    cgroupsOfContainer: 3,
    itemsOfKind: 3,
    reservedItems: 2,
    sharedItems: 4,
    imageKeys: 20,
  }
  fc.assert(
    fc.property(steps, (all) => {
      const twins = new Twins(limits)
      for (const step of all) step(twins)
    }),
    { numRuns: 2000 },
  )
  t.pass('2000 lives')
})

t.test('what is not allowed is new once per container and lineage', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const image = imageOf(roster, CALLS)
  containerOf(roster, image, 10)
  containerOf(roster, image, 11)
  t.equal(matcher.syscall(10, main, x86_64, READ, 5), OUTCOME.KNOWN)
  t.equal(matcher.syscall(10, main, x86_64, WRITE, 0), OUTCOME.NEW, 'a hint')
  t.equal(matcher.countedTimes, 0)
  const first = matcher.counted
  t.equal(matcher.syscall(10, main, x86_64, WRITE, 7), OUTCOME.REPEAT)
  t.equal(matcher.countedTimes, 7)
  t.equal(matcher.counted, first)
  t.equal(matcher.syscall(10, exec, x86_64, WRITE, 1), OUTCOME.NEW, 'another lineage')
  t.not(matcher.counted, first)
  t.equal(matcher.syscall(11, main, x86_64, WRITE, 1), OUTCOME.NEW, 'another container')
  t.equal(matcher.syscall(12, main, x86_64, WRITE, 1), OUTCOME.UNTRACKED)
  t.equal(matcher.syscall(0, main, x86_64, READ, 1), OUTCOME.UNTRACKED, 'no cgroup')
})

t.test("numbers out of range are one call, and never another image's", async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  containerOf(roster, imageOf(roster, CALLS), 10)
  imageOf(roster, { syscalls: [{ abi: 'x86_64', nr: 1023 }], capabilities: [0], opcodes: [0] })
  t.equal(matcher.syscall(10, main, x86_64, 4096, 1), OUTCOME.NEW)
  t.equal(matcher.syscall(10, main, x86_64, 2 ** 32 - 1, 1), OUTCOME.REPEAT)
  t.equal(matcher.syscall(10, main, 7, READ, 1), OUTCOME.NEW_ABI)
  t.equal(matcher.capability(10, main, 64, 1), OUTCOME.NEW)
  t.equal(matcher.uring(10, main, 256, 1), OUTCOME.NEW)
})

t.test('a foreign ABI is one anomaly, whatever the calls under it', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const image = imageOf(roster, CALLS)
  const container = containerOf(roster, image, 10)
  t.notOk(roster.usesAbi(image, i386))
  t.equal(matcher.syscall(10, main, i386, 11, 2), OUTCOME.NEW_ABI)
  const abi = matcher.counted
  t.equal(matcher.argument(10, main, i386, 102, 1, 1), OUTCOME.REPEAT)
  for (let nr = 0; nr < 300; nr++) matcher.syscall(10, main, i386, nr, 1)
  t.equal(matcher.counted, abi)
  t.equal(matcher.countedTimes, 302, 'calls, not their arguments')
  t.equal(roster.itemsOf(container), 1)
  roster.setImage(image, {
    ...NOTHING_ALLOWED,
    syscalls: [...CALLS.syscalls, { abi: 'i386', nr: 11 }],
  })
  t.equal(roster.itemsOf(container), 0, 'an ABI that the image uses now')
  t.equal(matcher.syscall(10, main, i386, 11, 1), OUTCOME.KNOWN)
  t.equal(matcher.syscall(10, main, i386, 12, 1), OUTCOME.NEW)
})

t.test('arguments are allowed one by one, or all of a call', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const image = imageOf(roster, {
    ...CALLS,
    arguments: [{ abi: 'x86_64', nr: SOCKET, value: 0x21 }],
    anyArgument: [{ abi: 'x86_64', nr: 157 }],
  })
  containerOf(roster, image, 10)
  t.equal(matcher.argument(10, main, x86_64, SOCKET, 0x21, 1), OUTCOME.KNOWN)
  t.equal(matcher.argument(10, main, x86_64, SOCKET, 0x22, 1), OUTCOME.NEW)
  t.equal(matcher.argument(10, main, x86_64, SOCKET, 0xffff_fff0, 1), OUTCOME.NEW)
  t.equal(matcher.argument(10, main, x86_64, SOCKET, 0xffff_fff0, 1), OUTCOME.REPEAT)
  t.equal(matcher.argument(10, main, x86_64, 157, 0xffff_ffff, 1), OUTCOME.KNOWN)
})

t.test('a program that was changed is not the program that is allowed', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  containerOf(roster, imageOf(roster, { keys: { exec: ['sh'] } }), 10)
  t.equal(matcher.key(10, main, KIND_CODE.exec, 'sh', 1), OUTCOME.KNOWN)
  t.equal(matcher.key(10, main, KIND_CODE.drift, 'sh', 1), OUTCOME.NEW)
})

t.test('what cannot be judged says so', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const unset = roster.addImage()
  if (unset === 'full') throw new Error('no room')
  containerOf(roster, unset, 10)
  t.equal(matcher.syscall(10, main, x86_64, READ, 1), OUTCOME.UNJUDGED, 'no baseline')
  t.equal(matcher.key(10, main, KIND_CODE.exec, 'sh', 1), OUTCOME.UNJUDGED)
  const container = containerOf(roster, imageOf(roster, { unjudged: ['capability'] }), 11)
  t.equal(matcher.capability(11, main, 21, 1), OUTCOME.UNJUDGED, 'a kind that was not seen')
  t.equal(matcher.trouble(container, KIND_CODE.sensor, 0, 1), OUTCOME.NEW, 'trouble always counts')
  t.equal(matcher.trouble(container, KIND_CODE.sensor, 0, 1), OUTCOME.REPEAT)
  t.equal(matcher.trouble(container, KIND_CODE.sensor, 1, 1), OUTCOME.NEW)
})

t.test("a flood is bounded, told once, and nobody else's business", async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const image = imageOf(roster, { keys: { exec: ['sh'] } })
  const [flooded, other] = [containerOf(roster, image, 10), containerOf(roster, image, 11)]
  const outcomes = new Map<number, number>()
  for (let i = 0; i < 200_000; i++) {
    const outcome = matcher.key(10, main, KIND_CODE.exec, `/tmp/${i}`, 1)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  t.strictSame(
    [...outcomes],
    [
      [OUTCOME.NEW, 4096],
      [OUTCOME.CAPPED, 1],
      [OUTCOME.CAPPED_REPEAT, 195_903],
    ],
  )
  t.equal(roster.overflowOf(flooded, KIND_CODE.exec), 195_904)
  t.equal(roster.interner.size, 4097)
  t.equal(matcher.key(10, main, KIND_CODE.exec, '/tmp/7', 1), OUTCOME.REPEAT)
  t.equal(matcher.key(10, main, KIND_CODE.exec, 'sh', 1), OUTCOME.KNOWN)
  t.equal(matcher.key(10, main, KIND_CODE.listen, 'tcp 4444', 1), OUTCOME.NEW, 'another kind')
  t.equal(matcher.key(11, main, KIND_CODE.exec, '/tmp/199999', 1), OUTCOME.NEW)
  t.equal(roster.itemsOf(other), 1)
  roster.releaseContainer(flooded)
  t.equal(roster.interner.size, 2)
  t.equal(matcher.key(10, main, KIND_CODE.exec, '/tmp/7', 1), OUTCOME.UNTRACKED)
  const next = containerOf(roster, image, 10)
  for (let i = 0; i < 4096; i++) matcher.key(10, main, KIND_CODE.exec, `/tmp/${i}`, 1)
  t.equal(roster.overflowOf(next, KIND_CODE.exec), 0)
  t.equal(matcher.key(10, main, KIND_CODE.exec, 'more', 1), OUTCOME.CAPPED, 'told anew')
})

t.test('however many containers flood, every one has its first 64 items', async (t) => {
  const roster = new Roster({ ...MATCHER_LIMITS, containers: 40, sharedItems: 20_000 })
  const matcher = new Matcher(roster)
  const image = imageOf(roster, {})
  for (let id = 1; id <= 39; id++) {
    containerOf(roster, image, id)
    for (let i = 0; i < 1000; i++) matcher.key(id, main, KIND_CODE.connect, `${id} ${i}`, 1)
  }
  const last = containerOf(roster, image, 40)
  for (let i = 0; i < 64; i++) {
    t.equal(matcher.key(40, main, KIND_CODE.connect, `last ${i}`, 1), OUTCOME.NEW)
  }
  t.equal(matcher.key(40, main, KIND_CODE.connect, 'one more', 1), OUTCOME.CAPPED)
  t.equal(roster.itemsOf(last), 64)
})

t.test('what is allowed later on is not counted any longer, the rest stays', async (t) => {
  const roster = new Roster()
  const matcher = new Matcher(roster)
  const image = imageOf(roster, CALLS)
  const container = containerOf(roster, image, 10)
  matcher.syscall(10, main, x86_64, WRITE, 3)
  matcher.syscall(10, main, x86_64, 2, 3)
  matcher.key(10, main, KIND_CODE.exec, 'sh', 1)
  const allowed = { syscalls: [...CALLS.syscalls, { abi: 'x86_64', nr: WRITE } as const] }
  roster.setImage(image, { ...NOTHING_ALLOWED, ...allowed, keys: { exec: ['sh'] } })
  t.equal(roster.itemsOf(container), 1)
  t.equal(matcher.syscall(10, main, x86_64, 2, 1), OUTCOME.REPEAT)
  t.equal(matcher.countedTimes, 4)
  t.equal(matcher.syscall(10, main, x86_64, WRITE, 1), OUTCOME.KNOWN)
  roster.setImage(image, { ...NOTHING_ALLOWED, ...CALLS })
  t.equal(matcher.syscall(10, main, x86_64, WRITE, 1), OUTCOME.NEW, 'forbidden again')
})

t.test('what is beyond capacity is refused, and what is stale is known as such', async (t) => {
  const limits = { ...MATCHER_LIMITS, images: 1, containers: 1, cgroups: 2, imageKeys: 1 }
  const roster = new Roster(limits)
  const image = imageOf(roster, CALLS)
  t.equal(roster.addImage(), 'full')
  const keys = { exec: ['a', 'b'] }
  t.equal(roster.setImage(image, { ...NOTHING_ALLOWED, keys }), 'full')
  t.ok(roster.usesAbi(image, x86_64), 'it stays as it was')
  const container = containerOf(roster, image, 1)
  t.equal(roster.addContainer(image), 'full')
  t.equal(roster.track(2, container), undefined)
  t.equal(roster.track(3, container), 'full')
  t.equal(roster.releaseImage(image), 'in-use')
  t.equal(roster.releaseContainer(container), undefined)
  t.equal(roster.releaseContainer(container), 'stale')
  t.equal(roster.track(4, container), 'stale')
  t.equal(roster.releaseImage(image), undefined)
  t.equal(roster.addContainer(image), 'stale')
  t.equal(roster.setImage(image, undefined), 'stale')
  const next = imageOf(roster, {})
  t.not(next, image, 'the slot is the same, the handle is not')
  t.equal(new Matcher(roster).trouble(container, KIND_CODE.sensor, 0, 1), OUTCOME.UNTRACKED)
})

t.test('many cgroups come and go and lead where they should', async (t) => {
  const roster = new Roster()
  const image = imageOf(roster, CALLS)
  const containers = Array.from({ length: 50 }, (_, i) => containerOf(roster, image, i + 1))
  const random = seeded(7)
  const owners = new Map<number, ContainerHandle | undefined>()
  for (let i = 0; i < 40_000; i++) {
    // Few enough ids to meet again, from a range in which some share their low word.
    const id = 2 ** 31 + Math.floor(random() * 9000) * 997 + Math.floor(random() * 2) * 2 ** 32
    const container = containers[i % 50] as ContainerHandle
    const isGone = random() < 0.5
    if (isGone) roster.untrack(id)
    else equal(roster.track(id, container), undefined)
    owners.set(id, isGone ? undefined : container)
  }
  for (const [id, owner] of owners) equal(roster.containerOf(id), owner)
  t.pass('40000 changes')
})
