/**
 * Every command of the README, run in the order in which a reader meets them, with the real podman and docker. What is
 * particular to this machine (limits, cgroup driver, where the daemon is) goes into the environment, as users do it.
 */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import t, { type Test } from 'tap'
import { docker } from '../../support/live/docker.js'
import { BUSYBOX, imageOf } from '../../support/live/images.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman, podmanConf } from '../../support/live/podman.js'
import { run, start, type Running } from '../../support/live/process.js'
import { blocksOf } from '../../support/live/readme.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'
import { REPOSITORY } from '../../support/repository.js'

const BLOCKS = blocksOf(`${REPOSITORY}/README.md`)

/** This test is part of the one, and runs the other. */
const IN_REPOSITORY = new Set(['make demo', 'make build\nnpm link\nplimsoll doctor'])

t.test('the README names the two commands, and make knows them', (t) => {
  const scripts = BLOCKS.map((block) => block.script.trim())
  t.ok(scripts.includes('make demo'))
  t.ok(scripts.includes('make test'))
  t.match(readFileSync(`${REPOSITORY}/Makefile`, 'utf8'), /^demo:[^]*^test:/m)
  t.end()
})

liveTest(
  'every command of the README does what it says',
  ['root', 'bpf', 'podman', 'docker', 'busybox'],
  async (t) => {
    const home = new Session(t)
    const daemon = await docker(t)
    for (const runtime of [podman(), daemon]) {
      const image = await imageOf(runtime, BUSYBOX, 'readme')
      await runtime.mustCli(['tag', image, 'localhost/web:1'])
    }
    const env = await environment(home, daemon.env)
    const waiting: Running[] = []
    t.teardown(async () => {
      waiting.forEach((running) => running.child.kill('SIGKILL'))
      // A hook that is left behind would refuse every container, as the state it looks at is gone.
      await home.run(['apply', 'hook', 'remove'])
    })
    for (const { script, note } of BLOCKS) {
      const title = script.trim()
      if (title === 'make test') continue
      const cwd = IN_REPOSITORY.has(title) ? REPOSITORY : home.workDir
      if (note.startsWith('background')) {
        waiting.push(await inBackground(script, note, { cwd, env }))
        continue
      }
      const { code, stderr } = await run('/bin/bash', ['-euc', script], {
        cwd,
        env,
        timeoutMs: 180_000,
      })
      t.equal(code, Number(/^status (\d+)$/.exec(note)?.[1] ?? 0), title)
      if (code !== 0 && note === '') t.comment(stderr.slice(-2000))
      for (const learner of waiting.splice(0)) await endsWell(t, learner)
    }
  },
)

/** A home of its own: npm's prefix, podman's configuration, plimsoll's state. */
async function environment(
  home: Session,
  more: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  for (const name of ['profiles', 'Makefile']) symlinkSync(`${REPOSITORY}/${name}`, home.path(name))
  const prefix = home.path('prefix')
  mkdirSync(`${prefix}/lib`, { recursive: true })
  return {
    ...more,
    ...home.env,
    ...podmanConf(home.path('containers.conf')),
    npm_config_prefix: prefix,
    PATH: `${prefix}/bin:${process.env['PATH'] ?? ''}`,
    PLIMSOLL_STATE: home.stateDir,
    KUBELET_ROOT: home.path('kubelet'),
  }
}

async function inBackground(
  script: string,
  note: string,
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Running> {
  const sign = /until "(.*)"/.exec(note)?.[1] ?? ''
  const running = start('/bin/bash', ['-euc', `exec ${script.trim()}`], options)
  await until(
    sign,
    () => {
      if (running.child.exitCode !== null) throw new Error(`ended early: ${running.stderr()}`)
      return running.stderr().includes(sign)
    },
    60_000,
  )
  return running
}

/** The README says that it ends by itself. */
async function endsWell(t: Test, learner: Running): Promise<void> {
  const timer = setTimeout(() => learner.child.kill('SIGKILL'), 60_000)
  const { code, stderr, command } = await learner.finished
  clearTimeout(timer)
  t.equal(code, 0, command)
  if (code !== 0) t.comment(stderr.slice(-2000))
}
