/**
 * `plimsoll learn --listen` lets another program look on: from before the probes are attached until the session is over,
 * it sees what is learned as it is learned.
 */
import { existsSync, statSync } from 'node:fs'
import { plimsoll } from '../../src/gen/plimsoll.js'
import { commandDigest } from '../support/live/command-digest.js'
import { Session } from '../support/live/plimsoll.js'
import { liveTest } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'
import { refusalOf, ServiceClient } from '../support/service-client.js'

const SH = '/bin/sh'
const NEEDS = ['root', 'bpf'] as const

/** The commands' system call: mkdir of x86-64 and of arm64 (mkdirat). */
const MKDIR = process.arch === 'x64' ? 83 : 34

liveTest('a client sees a run start, what it does, and its end', NEEDS, async (t) => {
  const session = new Session(t)
  const path = session.path('run/learn.sock')
  const script = 'mkdir "$0"; read line; exit 5'
  const args = ['learn', '--listen', `unix:${path}`, '--', SH, '-c', script, session.path('made')]
  const learning = session.launch(args)
  await until('the socket', () => existsSync(path) && statSync(path).isSocket(), 60_000)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const line = `plimsoll: listening on unix:${path}\n`
  await until('the line about it', () => learning.stderr().includes(line))

  const client = new ServiceClient(t, path)
  const watched = client.watch({ heartbeatMs: 1000 })
  t.match(await watched.next(), { state: { runsEnded: 0, runs: [] } })
  const started = (await watched.upTo('runStarted')).map(({ event }) => event)
  t.ok(started.includes('sensorReady'), 'the client was there before the probes')
  await watched.upTo('factsLearned')

  const reference = commandDigest(SH)
  const baseline = await until('the call', async () => {
    const got = await client.get({ reference })
    const main = got.baseline?.items?.find(
      ({ lineage }) => lineage === plimsoll.v1.Lineage.LINEAGE_MAIN,
    )
    const hasCall = main?.syscalls?.some(({ nr }) => nr === MKDIR) ?? false
    return hasCall && got
  })
  t.match(baseline, {
    origin: plimsoll.v1.Origin.ORIGIN_SESSION,
    baseline: { image: { digest: reference }, revision: 0, runs: [{ endedMs: 0 }] },
  })
  const runId = baseline.baseline?.runs?.[0]?.runId
  t.match(await client.list(), { baselines: [{ digest: reference, runs: 1 }] })

  learning.child.stdin?.end('go\n')
  const rest = await watched.upTo('sessionEnded')
  t.equal(await watched.next(), undefined, 'the stream ends well')
  t.match(
    rest.filter(({ event }) => event === 'runEnded'),
    [{ runEnded: { run: { runId, baselineKey: /^command-/, containerId: '' } } }],
  )
  const finished = await session.ended(learning)
  t.equal(finished.code, 5, finished.stderr)
  t.notOk(existsSync(path), 'the socket is gone')
  t.match(await refusalOf(client.list()), { status: 14 })
  session.nothingLeft(t)
  t.match(await session.show(reference), { completeness: { state: 'full' } })
})

liveTest('an address that cannot be listened on stops it before the command', NEEDS, async (t) => {
  const session = new Session(t)
  for (const [address, code] of [
    ['localhost:50051', 2],
    ['unix:/proc/learn.sock', 1],
  ] as const) {
    const made = session.path('made')
    const finished = await session.run(['learn', '--listen', address, '--', 'mkdir', made])
    t.equal(finished.code, code, finished.stderr)
    t.match(finished.stderr, 'cannot listen on')
    t.notOk(existsSync(made))
  }
  session.nothingLeft(t)
})
