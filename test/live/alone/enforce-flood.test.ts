/** A container that floods one kind of fact neither fills plimsoll's memory nor hides what others do. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Enforcing, sealedNginx, serve } from '../../support/live/enforcing.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import { liveTest } from '../../support/live/requirements.js'

const FLOOD = 200_000
/** Programs take their time to start; `make test-matrix` runs as many of them. */
const PROGRAMS = Number(process.env['FLOOD_PROGRAMS'] ?? 5_000)
/** Time for one flood, whatever else the machine does. */
const FLOOD_MS = 1_200_000
/** First occurrences of the quiet container while the flood goes on. */
const QUIET = 8

/** Resident memory of a process, in MiB. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}

liveTest(
  'a flood of distinct facts is capped and said, and others lose nothing',
  ['root', 'bpf', 'podman', 'nginx', 'busybox', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const loud = await sealedNginx(session, runtime, 'loud')
    const quiet = await sealedNginx(session, runtime, 'quiet')
    const enforcing = await Enforcing.start(t, session, ['--all', '--unknown', 'ignore', '--json'])
    const flooding = await serve(session, runtime, loud)
    const still = await serve(session, runtime, quiet)
    t.teardown(async () => {
      await runtime.remove(flooding.name)
      await runtime.remove(still.name)
    })
    const before = memoryOf(enforcing.attached.pid)
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, memoryOf(enforcing.attached.pid))), 200)
    t.teardown(() => clearInterval(watch))

    const floods: readonly (readonly [string, readonly string[]])[] = [
      ['ports', ['/bin/acts', 'ports', '0', String(FLOOD)]],
      ['arguments', ['/bin/acts', 'arguments']],
      ['refusals', ['/bin/acts', 'refusals']],
      ['programs', ['/bin/acts', 'execs', '0', String(PROGRAMS)]],
    ]
    for (const [name, command] of floods) {
      let endedAt: number | undefined
      let acts = 0
      const flood = flooding.exec(command, [], { timeoutMs: FLOOD_MS }).then((done) => {
        endedAt = acts
        return done
      })
      const expected: string[] = []
      for (let i = 0; i < QUIET; i++) {
        await pause(20)
        const path = `/tmp/${name}-${i}`
        await still.exec(['/bin/acts', 'copy', path])
        acts++
        expected.push(`exec:${path}`)
      }
      t.comment(`the flood of ${name} went on for ${endedAt ?? QUIET} of ${QUIET} of them`)
      const done = await flood
      t.match(done.stdout, /^done/, `${name} were made`)
      await pause(3000)
      const told = enforcing
        .anomalies()
        .filter(({ workload }) => workload.containerName === still.name)
        .map(({ what }) => what)
      t.same(
        expected.filter((what) => told.filter((each) => each === what).length !== 1),
        [],
        `${name}: each of ${QUIET} first occurrences of the other container was told once`,
      )
    }
    clearInterval(watch)
    const caps = enforcing
      .anomalies()
      .filter(({ kind, what }) => kind === 'sensor' && what.startsWith('sensor:capped'))
    t.comment(caps.map(({ what }) => what).join('; '))
    for (const what of ['endpoint', 'denial', 'drift']) {
      t.ok(
        caps.some(({ what: told }) => told.startsWith(`sensor:capped ${what}`)),
        `the cap of ${what} is told`,
      )
    }
    t.ok(
      caps.every(({ workload }) => workload.containerName === flooding.name),
      'of the container that floods, and of no other',
    )
    t.comment(`memory ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most`)
    t.ok(peak < before + 256, 'memory stays bounded')
    await flooding.quit()
    await still.quit()
    t.equal((await enforcing.stop()).code, 0)
  },
)
