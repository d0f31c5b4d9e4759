/** Sealed baselines of a store, as enforcement looks at them. */
import t from 'tap'
import type { Baseline } from '../../src/baseline/baseline.js'
import { seal } from '../../src/baseline/approval.js'
import { contentHashOf } from '../../src/baseline/content-hash.js'
import { BaselineStore } from '../../src/baseline/store.js'
import { SealedImages } from '../../src/engine/sealed-images.js'
import { digestOf, LearningScript, pathOf } from '../support/learning-script.js'
import { keyOf, mapPrint } from '../support/sensor-lines.js'

/** ioctl on x86_64, and TCGETS. */
const IOCTL = 16
const TCGETS = 0x5401

function learned(word: string, isIoctlKnown: boolean): Baseline {
  const script = new LearningScript().attach().created(7, pathOf(word)).pass(5)
  script
    .answer(word, { imageDigest: digestOf(word) })
    .pass(5)
    .calls(7, { [IOCTL]: 3 })
  const key = `${keyOf(7, 'main', IOCTL)},${TCGETS}`
  if (isIoctlKnown) script.bytes(mapPrint('args_a', { [key]: 3 }))
  const [baseline] = script.pass(5).end()
  if (baseline === undefined) throw new Error('nothing was learned')
  return baseline
}

function sealed(baseline: Baseline): Baseline {
  seal(baseline, { by: 'a person', atMs: 1, reason: '', contentHash: contentHashOf(baseline) })
  return baseline
}

t.test('ioctl is looked at while some sealed image is held to its requests', async (t) => {
  const store = new BaselineStore(t.testdir())
  const held: (readonly [string, boolean])[] = []
  const images = new SealedImages(store, {
    hold: (digest, to) => void held.push([digest, to !== undefined]),
  })
  const open = learned('web', true)
  await store.save(open)
  await store.save(sealed(learned('cache', false)))
  t.same(await images.refresh(), [])
  t.equal(images.count, 1)
  t.equal(images.needsIoctl, false, 'one is not sealed, of the other nobody looked')

  await store.save(sealed(open))
  t.same(await images.refresh(), [])
  t.equal(images.count, 2)
  t.equal(images.needsIoctl, true)

  await store.remove(digestOf('web'))
  t.same(await images.refresh(), [])
  t.equal(images.count, 1)
  t.equal(images.needsIoctl, false, 'it is gone')
  t.same(held, [
    [digestOf('cache'), true],
    [digestOf('web'), true],
    [digestOf('web'), false],
  ])
})
