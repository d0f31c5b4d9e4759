/** The estimate of what was not seen yet, against containers that take rare paths by chance. */
import { callOf, syscallsOf, type BaselineView } from '../support/live/baseline-view.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

const RUNS = 30
/** Each of the program's sixty rare calls, in a thousand runs. */
const PER_MILLE = 30

liveTest(
  'the expected number of new items is within a factor of two of what further runs bring',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const runtime = podman()
    const image = await imageOf(runtime, CALLS, 'coverage')
    const learned = async (): Promise<BaselineView> => {
      const session = new Session(t, runtime.env)
      const learning = await session.attach(['learn', '--image', image, '--runs', String(RUNS)])
      for (let run = 0; run < RUNS; run++) {
        await runtime.mustRun({ image, command: ['/bin/chance', String(PER_MILLE)] })
      }
      t.equal((await session.ended(learning)).code, 0)
      return session.show(image)
    }
    const known = await learned()
    const heldOut = await learned()

    // every held-out run is taken for the one run after the known ones
    const news = syscallsOf(heldOut, 'main')
      .filter((call) => callOf(known, call.abi, call.name) === undefined)
      .reduce((sum, call) => sum + call.runs, 0)
    const measured = news / RUNS
    const { unit, coverage } = known.progress
    t.equal(unit, 'run')
    t.equal(coverage.units, RUNS)
    t.comment(
      `expected ${coverage.newPerUnit.toFixed(2)} new items per run from ${RUNS} runs, ` +
        `measured ${measured.toFixed(2)} in ${RUNS} further runs`,
    )
    t.ok(coverage.newPerUnit >= measured / 2 && coverage.newPerUnit <= measured * 2)
  },
)
