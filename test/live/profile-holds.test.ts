/**
 * A profile learned from one run holds for the next ten: the image runs to its end under it, and does its work. And it
 * is a line, not a formality: a call beyond it is refused.
 */
import type { Test } from 'tap'
import { profileAt } from '../support/live/baseline-view.js'
import { BUSYBOX, CALLS, imageOf, NGINX, REDIS, type Recipe } from '../support/live/images.js'
import { PYTHON } from '../support/live/interpreters.js'
import { plimsoll, Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import type { Finished } from '../support/live/process.js'
import { liveTest, type Need } from '../support/live/requirements.js'
import { visitNginx, visitRedis, type Server } from '../support/live/service.js'

const RUNS = 10
/** With floor and families; more than this would mean that something else than the image was learned. */
const NAMES_AT_MOST = 90
const SCRIPT = '/bin/ls / | /bin/wc -l; /bin/mkdir /tmp/a && echo hi >/tmp/a/b; /bin/cat /tmp/a/b'

interface Outcome {
  readonly answer: string
  readonly finished: Finished
}

const WORKLOADS: readonly {
  readonly name: string
  readonly needs: readonly Need[]
  readonly recipe: Recipe
  readonly go: (server: Server, session: Session) => Promise<Outcome>
}[] = [
  {
    name: 'busybox',
    needs: ['busybox'],
    recipe: BUSYBOX,
    async go({ runtime, ...spec }) {
      const finished = await runtime.run({ ...spec, command: ['/bin/sh', '-c', SCRIPT] })
      return { answer: finished.stdout, finished }
    },
  },
  {
    name: 'nginx, serving a page',
    needs: ['nginx'],
    recipe: NGINX,
    go: (server, session) => visitNginx(server, session.path('nginx.conf')),
  },
  {
    name: 'python, with a thread',
    needs: ['python3'],
    recipe: PYTHON,
    async go({ runtime, ...spec }) {
      const finished = await runtime.run(spec)
      return { answer: finished.stdout, finished }
    },
  },
  {
    name: 'redis, answering redis-cli',
    needs: ['redis', 'redis-cli'],
    recipe: REDIS,
    go: (server) => visitRedis(server),
  },
]

for (const { name, needs, recipe, go } of WORKLOADS) {
  liveTest(
    `${name}, runs ten times under the profile of one run`,
    ['root', 'bpf', 'podman', ...needs],
    async (t) => {
      const runtime = podman()
      const session = new Session(t, runtime.env)
      const image = await imageOf(runtime, recipe, 'profile-holds')
      const seccomp = session.path('profile.json')
      const learning = await session.attach([
        'learn',
        '--image',
        image,
        '--runs',
        '1',
        '--seccomp',
        seccomp,
      ])
      const learned = await go({ runtime, image }, session)
      t.equal(learned.finished.code, 0)
      t.equal((await session.ended(learning)).code, 0)
      t.equal((await plimsoll(['profile', 'check', seccomp])).code, 0, 'it passes its own check')
      const { length } = profileAt(seccomp).allowed
      t.comment(`${length} names allowed`)
      t.ok(length <= NAMES_AT_MOST, `at most ${NAMES_AT_MOST} names`)

      for (let i = 1; i <= RUNS; i++) {
        const { answer, finished } = await go({ runtime, image, seccomp }, session)
        t.same({ answer, code: finished.code }, { answer: learned.answer, code: 0 }, `run ${i}`)
      }
    },
  )
}

liveTest(
  'a call outside the profile is refused, the rest goes on',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t: Test) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, CALLS, 'refused')
    const seccomp = session.path('profile.json')
    const learning = await session.attach([
      'learn',
      '--image',
      image,
      '--runs',
      '1',
      '--seccomp',
      seccomp,
    ])
    await runtime.mustRun({ image, command: ['/bin/refused'] })
    t.equal((await session.ended(learning)).code, 0)

    const unconfined = await runtime.mustRun({ image, command: ['/bin/refused', 'mkdir'] })
    t.equal(unconfined.stdout, 'mkdir errno 0\n')
    const confined = await runtime.mustRun({ image, command: ['/bin/refused', 'mkdir'], seccomp })
    t.match(confined.stdout, /^mkdir errno (1|38)\n$/, 'EPERM or ENOSYS')
  },
)
