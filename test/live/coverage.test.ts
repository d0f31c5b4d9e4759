/** The estimate of what was not seen yet, against containers that take rare paths by chance. */
import { argumentsOf, syscallsOf, type BaselineView } from '../support/live/baseline-view.js'
import { CALLS, imageOf } from '../support/live/images.js'
import { MAIN, Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { start } from '../support/live/process.js'
import { liveTest } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'

const RUNS = 30
/** Each of what the program does rarely, in a thousand runs. */
const PER_MILLE = 30

interface Seen {
  readonly abi: string
  readonly name: string
  readonly value?: number
  readonly runs: number
}

function nameOf({ abi, name, value }: Seen): string {
  return `${abi} ${name} ${value ?? ''}`
}

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
    const news = (items: readonly Seen[], before: readonly Seen[]): number => {
      const names = new Set(before.map(nameOf))
      return items
        .filter((item) => !names.has(nameOf(item)))
        .reduce((sum, item) => sum + item.runs, 0)
    }
    const newCalls = news(syscallsOf(heldOut, 'main'), syscallsOf(known, 'main'))
    const newValues = news(argumentsOf(heldOut, 'main'), argumentsOf(known, 'main'))
    const measured = (newCalls + newValues) / RUNS
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

liveTest(
  'learning ends by itself when nothing new is expected, and shows how far it is on a terminal',
  ['root', 'bpf', 'podman', 'gcc', 'script'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, CALLS, 'until-stable')
    const words = ['learn', '--image', image, '--until-stable', '--state', session.stateDir]
    const command = [process.execPath, MAIN, ...words].join(' ')
    const learning = start('script', ['-qefc', `exec ${command}`, '/dev/null'], {
      env: session.env,
    })
    await until('the probes', () => /probes attached/.exec(learning.stdout()) ?? undefined, 90_000)
    let runs = 0
    while (learning.child.exitCode === null && runs < 40) {
      await runtime.run({ image, command: ['/bin/callsof', 'getppid'] })
      runs += 1
    }
    const { code, stdout } = await learning.finished
    t.equal(code, 0)
    t.ok(runs >= 20 && runs < 40, `it ended after ${runs} runs`)
    t.match(stdout, /learning: [▁▂▃▄▅▆▇█]+ \d+ items in \d+ of 20 runs; new: /, 'a curve was drawn')
    t.match(stdout, /progress {6}stable: something new in less than one of \d+ runs/)
  },
)
