/** What a long session may keep: runs and cgroups that are over are let go once all facts about them are in. */
import t from 'tap'
import { Runs, type RunsListener } from '../../src/engine/runs.js'

const CONTAINER = 'c'.repeat(64)
const SCOPE = `/docker/${CONTAINER}`

function listener(): RunsListener & { asked: number } {
  return {
    asked: 0,
    wantsImage() {
      this.asked++
    },
    wantsScan: () => undefined,
    ended: () => undefined,
  }
}

t.test('a run that is over is let go after its time, one that waits for its image is not', (t) => {
  const runs = new Runs(listener())
  runs.created(7, SCOPE, 1000, true)
  runs.removed(7, 2000)
  runs.forget(9000)
  t.equal(runs.waiting(CONTAINER).length, 1, 'its image may still be told')
  for (const run of runs.waiting(CONTAINER)) run.ignore()
  runs.forget(2000)
  runs.created(8, SCOPE, 3000, true)
  t.equal(runs.all().length, 1, 'started again: a new run')
  t.end()
})

t.test('cgroups that a container makes and removes do not pile up', (t) => {
  const told = listener()
  const runs = new Runs(told)
  let learned = 0
  runs.created(7, SCOPE, 1000, true)
  for (let id = 100; id < 1100; id++) {
    runs.created(id, `${SCOPE}/${id}`, 1000, true)
    runs.removed(id, 2000)
  }
  const [run] = runs.waiting(CONTAINER)
  t.equal(run?.cgroups.size, 1)
  runs.tell(100, 2500, (run) => run.learn('main', 0, () => learned++))
  runs.forget(3000)
  t.equal(told.asked, 1, 'all of them are the one container')
  t.equal(runs.waiting(CONTAINER).length, 1, 'which goes on')
  runs.tell(100, 4000, (run) => run.learn('main', 0, () => learned++))
  t.equal(runs.waiting(CONTAINER).length, 1, 'a very late fact is still about it')
  t.equal(told.asked, 1)
  t.equal(learned, 0, 'facts wait for the image')
  t.end()
})
