/**
 * The floor is a property of the runtime, not of the hour: two calibrations agree. It is small, smaller with no_new_privs,
 * and has nothing of what the runtime does before it loads the filter. And measuring it leaves nothing behind.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parseV1Mounts } from '../../../src/workload/v1-cgroups.js'
import { type CalibrationView, calibrationsOf, floorNames } from '../../support/live/floor-view.js'
import { Session } from '../../support/live/plimsoll.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

/** What runc does around a container; a recorder that looks at a wider window has these in its floor. */
const NEVER = ['mount', 'pivot_root', 'setns', 'unshare', 'umount2', 'ptrace', 'bpf']

/** A runtime that is installed, and that refuses this host. */
const REFUSING = `#!/bin/sh
case "$1" in --version) echo 'crun version 9.9.9'; exit 0;; esac
echo '{"level":"error","msg":"not on this host"}' >"$4"
exit 1
`

/** A session with a temporary directory of its own and, in front of the path, a crun that cannot be used. */
function sessionOf(t: Test): Session {
  const session = new Session(t)
  for (const name of ['tmp', 'bin']) mkdirSync(session.path(name))
  writeFileSync(session.path('bin/crun'), REFUSING)
  chmodSync(session.path('bin/crun'), 0o755)
  return session
}

function environment(session: Session): Record<string, string> {
  return {
    TMPDIR: session.path('tmp'),
    PATH: `${session.path('bin')}:${process.env['PATH'] ?? ''}`,
  }
}

/** Cgroups below `plimsoll` in the v1 hierarchies, which only runtimes make. */
function inV1(): readonly string[] {
  return parseV1Mounts(readFileSync('/proc/self/mountinfo', 'utf8'))
    .map((mount) => join(mount, 'plimsoll'))
    .filter((path) => existsSync(path))
}

async function nothingLeft(t: Test, session: Session): Promise<void> {
  await session.nothingLeft(t)
  t.same(readdirSync(session.path('tmp')), [], 'no file is left')
  t.same(inV1(), [], 'no v1 cgroup is left')
}

/** Names that `one` has and `other` has not, over all measures. */
function beyond(one: CalibrationView, other: CalibrationView): readonly string[] {
  const all = (view: CalibrationView): ReadonlySet<string> =>
    new Set(view.document.floors.flatMap((floor) => Object.keys(floor.names)))
  return [...all(one)].filter((name) => !all(other).has(name))
}

liveTest(
  'two calibrations of runc agree, and no floor has what runc does before the filter',
  ['root', 'bpf', 'podman'],
  async (t) => {
    const session = sessionOf(t)
    const env = environment(session)
    const first = await session.mustRun(['calibrate', '--runtime', 'runc', '--json'], { env })
    const second = await session.mustRun(['calibrate', '--json'], { env })
    await nothingLeft(t, session)
    const [one] = calibrationsOf(first.stdout)
    const [two, crun] = calibrationsOf(second.stdout)
    if (one === undefined || two === undefined) throw new Error('nothing was measured')
    t.match(crun, { kind: 'unavailable', runtime: 'crun', problem: 'not on this host' })

    for (const view of [one, two]) {
      t.equal(view.document.runtime, 'runc')
      t.ok(view.document.quietRounds >= 5, 'nothing new in the last five rounds')
      for (const { operation, noNewPrivileges, names, rounds } of view.document.floors) {
        const found = Object.keys(names)
        const title = `${operation}${noNewPrivileges ? ', no_new_privs' : ''}`
        t.comment(`${title}: ${found.length} names in ${rounds} rounds: ${found.join(' ')}`)
        t.ok(found.includes('execve'), `${title}: the program started`)
        t.same(
          found.filter((name) => NEVER.includes(name)),
          [],
          `${title}: nothing of the set-up`,
        )
      }
      for (const operation of ['start', 'exec'] as const) {
        const plain = floorNames(view, operation, false)
        const narrow = floorNames(view, operation, true)
        t.ok(narrow.length < plain.length, `${operation}: smaller with no_new_privs`)
      }
    }
    for (const [index, { added, gone }] of (two.toPrevious ?? []).entries()) {
      const what = `measure ${index}: +${added.join(' +')} -${gone.join(' -')}`
      t.ok(added.length <= 2 && gone.length <= 2, what)
    }
    t.equal(two.toPrevious?.length, 4)
    for (const [title, names] of [
      ['first adds to the second', beyond(one, two)],
      ['second adds to the first', beyond(two, one)],
    ] as const) {
      t.ok(names.length <= 2, `what the ${title}: ${names.join(' ') || 'nothing'}`)
    }
    t.match(JSON.parse(readFileSync(two.path, 'utf8')), two.document, 'it is kept as it was shown')
  },
)

liveTest(
  'a calibration that is stopped, or killed, is cleaned up after',
  ['root', 'bpf', 'podman'],
  async (t) => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const session = sessionOf(t)
      const env = environment(session)
      const running = session.launch(['calibrate', '--runtime', 'runc'], { env })
      // Between trying the runtime out and the first round nothing runs, while the probes are attached.
      await until(
        'containers under the probes',
        () => session.bpftrace().length > 0 && session.cgroups().some(hasChildren),
        60_000,
      )
      running.child.kill(signal)
      const { code, stderr } = await session.ended(running)
      t.equal(code, signal === 'SIGKILL' ? null : 1)
      if (signal === 'SIGINT') {
        t.match(stderr, /the floor of runc was not measured: it was stopped\nhint: /)
      } else {
        // The next one finds it, even if there is nothing that it can measure.
        const next = await session.run(['calibrate', '--runtime', 'crun'], { env })
        t.equal(next.code, 1)
        t.match(next.stderr, /the floor of crun was not measured: not on this host\nhint: /)
        for (const name of readdirSync(session.path('tmp'))) {
          t.match(name, /^plimsoll-calibrate-/, 'what only the next start of the host removes')
        }
        await until('the end of bpftrace', () => session.bpftrace().length === 0)
        t.same(session.cgroups(), [])
        t.same(inV1(), [])
        continue
      }
      await nothingLeft(t, session)
      t.notOk(existsSync(join(session.stateDir, 'floors')), 'nothing was kept')
    }
  },
)

function hasChildren(cgroup: string): boolean {
  return readdirSync(cgroup, { withFileTypes: true }).some((entry) => entry.isDirectory())
}
