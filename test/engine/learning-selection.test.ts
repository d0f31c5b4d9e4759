/** Images that are started and stopped one by one while containers are learned. */
import t from 'tap'
import type { Selection, SelectionChange } from '../../src/engine/input.js'
import { SelectionModes } from '../../src/engine/learning-selection.js'
import { replayed } from '../../src/engine/replay.js'
import { decodeInputs, encodeInput } from '../../src/engine/trace-codec.js'
import { FakeRecorder } from '../support/baselines-server.js'
import { digestOf, LearningScript, pathOf } from '../support/learning-script.js'

const WHO = ['cert:CN=alice', 'a new release'] as const

function modesOf(recorder = new FakeRecorder()): SelectionModes {
  return new SelectionModes({ recorder, troubled: () => undefined })
}

/** Names of the images that are learned of a container of `web` and one of `db` that start after those changes. */
async function learnedAfter(
  selection: Partial<Selection>,
  changes: (modes: SelectionModes) => Promise<unknown>,
): Promise<readonly string[]> {
  const script = new LearningScript(selection).attach()
  const modes = modesOf()
  const base = { all: false, image: '', container: '', ...selection }
  modes.begin(base, (change) => script.give({ kind: 'selection', ...change }))
  await changes(modes)
  for (const [n, name] of ['web', 'db'].entries()) {
    script
      .pass(10)
      .created(7 + n, pathOf(name))
      .hint(7 + n, 1)
    script.answer(name, { imageName: `localhost/${name}:1`, imageDigest: digestOf(name) })
  }
  const names = script.end().map(({ image }) => image.name)
  const trace = Buffer.concat(script.inputs.map(encodeInput))
  const again = replayed([...decodeInputs(trace)]).map(({ image }) => image.name)
  t.same(again, names, 'a replay of it learns the same')
  return [...names].sort()
}

t.test('what starts from then on is learned, or is not', async (t) => {
  const cases: readonly [
    string,
    Partial<Selection>,
    (modes: SelectionModes) => Promise<unknown>,
    readonly string[],
  ][] = [
    ['as asked', { image: 'web' }, async () => undefined, ['web']],
    ['one more', { image: 'web' }, (modes) => modes.start('db', ...WHO), ['db', 'web']],
    ['one less', { all: true }, (modes) => modes.stop('web:1', ...WHO), ['db']],
    ['by digest', { all: true }, (modes) => modes.stop(digestOf('db'), ...WHO), ['web']],
    [
      'the latest counts',
      { image: 'web' },
      async (modes) => {
        await modes.stop('web', ...WHO)
        await modes.start('db', ...WHO)
        await modes.stop('db', ...WHO)
        await modes.start('web:1', ...WHO)
      },
      ['web'],
    ],
  ]
  for (const [title, selection, changes, expected] of cases) {
    const learned = await learnedAfter(selection, changes)
    t.same(
      learned,
      expected.map((name) => `localhost/${name}:1`),
      title,
    )
  }
})

t.test('a container that runs already is left as it is', async (t) => {
  const script = new LearningScript({ image: 'web' }).attach().created(7, pathOf('db')).hint(7, 1)
  script.answer('db', { imageName: 'db:1' })
  script.give({ kind: 'selection', image: 'db', isLearned: true })
  t.same(script.pass(10).hint(7, 2).end(), [])
})

t.test('each change is on record, and said once', async (t) => {
  const recorder = new FakeRecorder()
  const modes = modesOf(recorder)
  const given: SelectionChange[] = []
  const web = ['web', ...WHO] as const
  await t.rejects(modes.start(...web), { code: 'LEARNING_FIXED' }, 'nothing has begun')
  modes.begin({ all: false, image: 'web', container: '' }, (change) => void given.push(change))
  t.same(await modes.start(...web), { key: '', changed: false }, 'it was asked for')
  t.same(await modes.stop(...web), { key: '', changed: true })
  t.same(await modes.stop(...web), { key: '', changed: false })
  t.same(given, [{ image: 'web', isLearned: false }])
  recorder.fails = 'begin'
  await t.rejects(modes.start(...web), { code: 'AUDIT_UNWRITABLE' })
  t.equal(given.length, 1, 'what is not on record is not done')
  recorder.fails = 'never'
  for (let n = 0; n < 63; n++) await modes.start(`image-${n}`, ...WHO)
  await t.rejects(modes.start('one-more', ...WHO), { code: 'LEARNING_FIXED', message: /64 images/ })
  t.match(await modes.start(...web), { changed: true }, 'a known one is no more')
  modes.end()
  await t.rejects(modes.stop(...web), { code: 'LEARNING_FIXED', message: /it is over/ })
  const [actor, reason] = WHO
  t.match(recorder.begun[0], { actor, reason, action: 'StartLearning', target: 'web' })
  t.match(recorder.ended[0], { outcome: 'refused', details: { code: 'LEARNING_FIXED' } })
  t.match(recorder.ended[2], { outcome: 'done', details: { changed: true } })
})
