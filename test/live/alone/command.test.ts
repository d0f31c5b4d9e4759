/**
 * `plimsoll learn -- CMD` is transparent: status, input and output are the command's. However it ends, what was learned
 * is kept and nothing is left behind; and if it cannot clean up itself, the next start does.
 */
import { existsSync, readFileSync } from 'node:fs'
import { callOf, namesOf } from '../../support/live/baseline-view.js'
import { commandDigest } from '../../support/live/command-digest.js'
import { start } from '../../support/live/process.js'
import { Session } from '../../support/live/plimsoll.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

const SH = '/bin/sh'
const NEEDS = ['root', 'bpf'] as const

const CASES: readonly {
  readonly name: string
  readonly script: string
  readonly input?: string
  readonly code: number
  readonly stdout?: string
  readonly stderr?: RegExp
}[] = [
  {
    name: 'exit code, stdin, stdout and stderr',
    script: 'read word; echo "got $word"; cat; echo oops >&2; exit 7',
    input: 'one\ntwo\nthree',
    code: 7,
    stdout: 'got one\ntwo\nthree',
    stderr: /^oops$/m,
  },
  { name: 'the signal that ended it, as a shell tells it', script: 'kill -TERM $$', code: 143 },
]

liveTest("learn -- CMD keeps what is the command's", NEEDS, async (t) => {
  for (const { name, script, input = '', code, stdout = '', stderr } of CASES) {
    await t.test(name, async (t) => {
      const session = new Session(t)
      const finished = await session.run(['learn', '--', SH, '-c', script], { input })
      t.equal(finished.code, code, finished.stderr)
      t.equal(finished.stdout, stdout)
      if (stderr) t.match(finished.stderr, stderr)
      await session.nothingLeft(t)
      const view = await session.show(commandDigest(SH))
      t.match(view.completeness, { state: 'full', reasons: [] })
      t.ok(namesOf(view, 'main').includes('exit_group') || code > 128)
      t.same(namesOf(view, 'exec'), [], "all of it is the entrypoint's tree")
    })
  }
})

liveTest('a command that cannot run is refused before anything is started', NEEDS, async (t) => {
  const session = new Session(t)
  const absent = await session.run(['learn', '--', 'no-such-program-at-all'])
  t.equal(absent.code, 127)
  t.match(absent.stderr, 'no-such-program-at-all')
  const refused = await session.run(['learn', '--', '/etc/passwd'])
  t.equal(refused.code, 126)
  t.match(refused.stderr, '/etc/passwd')
  await session.nothingLeft(t)
})

/** The command says that it runs, makes a directory, and then waits to be ended. */
const WAITING = 'mkdir "$0" && echo ready && exec sleep 300'

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  liveTest(`${signal} ends the command and keeps what was learned`, NEEDS, async (t) => {
    const session = new Session(t)
    const learning = await session.attach(['learn', '--', SH, '-c', WAITING, session.path('made')])
    await until('the command', () => learning.stdout().includes('ready'))
    const finished = await learning.stop(signal)
    t.equal(finished.code, signal === 'SIGINT' ? 130 : 143, finished.stderr)
    await session.nothingLeft(t)
    const view = await session.show(commandDigest(SH))
    t.equal(callOf(view, 'x86_64', 'mkdir')?.count, 1)
    t.match(view.completeness, { state: 'full' })
  })
}

liveTest('Ctrl-C at a terminal ends the command once, cleanly', [...NEEDS, 'script'], async (t) => {
  const session = new Session(t)
  // The trap counts interrupts: a command that gets two for one key often aborts its own cleaning up.
  const count = session.path('interrupts')
  const body = `trap 'echo x >>"$0"; interrupted=1' INT
    echo ready; while [ -z "$interrupted" ]; do sleep 0.05; done; sleep 0.3; exit 9`
  const argv = [process.execPath, ...session.argv(['learn', '--', SH, '-c', body, count])]
  const line = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const terminal = start('script', ['-qefc', `exec ${line}`, '/dev/null'], { env: session.env })
  t.teardown(() => terminal.child.kill('SIGKILL'))
  await until('the command', () => /^ready/m.test(terminal.stdout()), 60_000)
  session.adopt(childOf(terminal.pid))
  terminal.child.stdin?.write('\u0003')
  const finished = await session.ended(terminal)
  t.equal(finished.code, 9, finished.stdout)
  t.equal(readFileSync(count, 'utf8'), 'x\n', 'one interrupt')
  await session.nothingLeft(t)
  t.match((await session.show(commandDigest(SH))).completeness, { state: 'full' })
})

liveTest('what a killed plimsoll leaves, the next one clears away', NEEDS, async (t) => {
  const session = new Session(t)
  const args = ['learn', '--', SH, '-c', 'echo "ready $$" && exec sleep 300']
  const learning = await session.attach(args)
  const ready = await until('the command', () => /ready (\d+)/.exec(learning.stdout()) ?? undefined)
  const sleeper = Number(ready[1])
  t.equal(session.bpftrace().length, 1, 'one bpftrace runs')
  t.equal(session.cgroups().length, 1, 'in one cgroup')
  learning.child.kill('SIGKILL')
  await learning.exited
  await until('the end of bpftrace', () => session.bpftrace().length === 0, 10_000)
  t.ok(existsSync(`/proc/${sleeper}`), 'the command outlives a plimsoll that is killed')

  const next = await session.run(['learn', '--', '/bin/true'])
  t.equal(next.code, 0, next.stderr)
  await until('the end of the command', () => !existsSync(`/proc/${sleeper}`))
  await session.nothingLeft(t)
})

/** The one child of a process. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return Number(children[0])
}
