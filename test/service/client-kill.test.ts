/** The short form of test/matrix/kill-resume.ts. */
import t from 'tap'
import { killAndResume } from '../support/kill-resume.js'

t.test('no event is lost or comes twice, whoever is killed', async (t) => {
  const { lost, twice, isOrdered, gaps, exit, events, kills } = await killAndResume(t, 6, 1)
  t.same(
    { lost, twice, isOrdered, gaps, exit },
    { lost: 0, twice: 0, isOrdered: true, gaps: 0, exit: 0 },
  )
  t.comment(`${events} events; killed: ${JSON.stringify(kills)}`)
})
