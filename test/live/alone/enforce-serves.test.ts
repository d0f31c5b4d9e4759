/**
 * `plimsoll enforce` as other programs meet it, whole: a client of another stack that knows the address alone, one that is
 * resumed after the service was killed, an order to freeze, a disk that is full, and a record of what was done.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type WatchEvent } from '../../../src/client.js'
import { Enforcing, sealedNginx, serve } from '../../support/live/enforcing.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import { run } from '../../support/live/process.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

const NEEDS = ['root', 'bpf', 'podman', 'nginx', 'gcc'] as const
// The packages of Debian are for this one, whatever comes first in PATH.
const PYTHON = '/usr/bin/python3'
const WATCH_PY = 'test/fixtures/clients/watch.py'

liveTest('other programs watch, order, resume and are told of trouble', NEEDS, async (t) => {
  const session = new Session(t)
  const runtime = podman()
  const sealed = await sealedNginx(session, runtime, 'serves')
  const journal = join(session.stateDir, 'journal')
  mkdirSync(journal, { recursive: true })
  mount(['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', journal])
  t.teardown(() => spawnSync('umount', ['-l', journal]))
  const socket = `unix:${session.stateDir}/plimsoll.sock`
  const viewer = `unix:${session.path('viewer.sock')}`
  const sunk = session.path('sunk.jsonl')
  const args = ['--image', sealed.image, '--sink', `file:${sunk}`]
  const listen = [
    '--listen',
    `${viewer},role=viewer`,
    '--metrics',
    `unix:${session.path('m.sock')}`,
  ]
  let enforcing = await Enforcing.start(t, session, [...args, ...listen])
  const serving = await serve(session, runtime, sealed)
  const client = connect({ address: socket })
  const end = new AbortController()
  t.teardown(() => {
    end.abort()
    client.close()
  })
  const wish = { earliest: true, heartbeatMs: 1000 }
  const heard = listenTo(client.watch(wish, { signal: end.signal }))

  await t.test('a client of another stack, by reflection alone', async (t) => {
    const services = await python([viewer, 'services'])
    for (const name of ['Monitor', 'Baselines', 'Control', 'Audit']) {
      t.ok(
        services.some((line) => line.includes(`plimsoll.v1.${name}`)),
        name,
      )
    }
    await serving.exec(['/bin/busybox', 'sh', '-c', 'true'])
    const filters = { allow: [{ kinds: ['ANOMALY_KIND_EXEC'], programs: ['/bin/*'] }] }
    const watched = await python([
      viewer,
      'stream',
      'plimsoll.v1.Monitor',
      'Watch',
      JSON.stringify({ earliest: true, filters }),
      '2',
    ])
    t.match(watched[1], /ANOMALY_KIND_EXEC/)
    const listed = await python([
      viewer,
      'call',
      'plimsoll.v1.Monitor',
      'ListAnomalies',
      JSON.stringify({ filters, pageSize: 1 }),
    ])
    t.match(listed.join('\n'), /exec:\/bin\/busybox/)
    const refused = await run(PYTHON, [
      WATCH_PY,
      viewer,
      'call',
      'plimsoll.v1.Control',
      'SetMode',
      '{}',
    ])
    t.match(`${refused.stdout}${refused.stderr}`, /PERMISSION_DENIED/, 'a viewer changes nothing')
    const ran = await session.mustRun(['anomaly', 'ls'])
    t.match(ran.stdout, /exec:\/bin\/busybox/, 'the command line asks who has the journal')
  })

  await t.test('an order is done once, and is on record', async (t) => {
    const order = [
      'ctl',
      'respond',
      serving.name,
      '--action',
      'freeze',
      '--reason',
      'drill',
      '--json',
    ]
    const first = await session.mustRun([...order, '--key', 'drill-0001'])
    t.match(first.stdout, /"outcome": "done"/)
    const again = await session.mustRun([...order, '--key', 'drill-0001'])
    t.match(again.stdout, /"repeatedRequest": true/)
    const { incident } = resultOf(first.stdout)
    await session.mustRun(['ctl', 'release', incident, '--reason', 'over'])
    const { stdout } = await session.mustRun(['audit', 'ls'])
    t.match(stdout, /Respond[\s\S]*Respond[\s\S]*Release/)
    t.match((await session.mustRun(['audit', 'verify'])).stdout, /intact/)
    await until('what was done, in the stream', () =>
      heard.events.some(({ actionResult }) => actionResult?.action === 'release'),
    )
  })

  await t.test('a killed service goes on where it was, for who watches too', async (t) => {
    const before = heard.cursors().at(-1)
    enforcing.attached.child.kill('SIGKILL')
    await enforcing.attached.exited
    enforcing = await Enforcing.start(t, session, [...args, ...listen])
    await serving.exec(['/bin/busybox', 'sh', '-c', 'true'])
    await until('an anomaly after it', () =>
      heard.events.some(({ cursor, anomaly }) => after(cursor, before) && anomaly != null),
    )
    const page = await client.monitor.listAnomalies({ pageSize: 500 })
    const news = heard.events.filter(({ anomaly }) => anomaly?.state === 1)
    await until('all of them', () => heard.ids().length >= (page.anomalies ?? []).length)
    t.same(
      heard.ids(),
      page.anomalies?.map(({ id }) => id),
      'what was streamed is what is kept',
    )
    t.same(heard.cursors(), [...new Set(heard.cursors())], 'and no event came twice')
    t.comment(`${news.length} first occurrences, ${heard.events.length} events`)
  })

  await t.test(
    'a full disk is told everywhere, and nothing that was promised is lost',
    async (t) => {
      const filler = join(journal, 'filler')
      const free = spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { encoding: 'utf8' })
      t.match(free.stderr, /No space left/)
      const promised = heard.ids()
      let made = 0
      await until(
        'the stream to tell of the disk',
        async () => {
          await serving.exec(['/bin/busybox', 'touch', `/tmp/f${made}`])
          await serving.exec(['/bin/busybox', 'cp', '/bin/busybox', `/tmp/p${made}`])
          await serving.exec([`/tmp/p${made++}`, 'true'])
          return heard.events.some(
            ({ collectorState }) => collectorState?.journalWritable === false,
          )
        },
        60_000,
      )
      t.equal(await healthOf(client), 'NOT_SERVING')
      t.match(enforcing.attached.stderr(), /cannot write the journal/, 'the log says so')
      const before = enforcing.anomalies().length
      await serving.exec(['/bin/busybox', 'cp', '/bin/busybox', '/tmp/last'])
      await serving.exec(['/tmp/last', 'true'])
      await until('detection goes on', () => enforcing.anomalies().length > before)
      rmSync(filler)
      const last = enforcing.anomalies().at(-1)?.id
      await until('what waited is streamed', () => heard.ids().includes(last ?? ''), 30_000)
      await until('health', async () => (await healthOf(client)) === 'SERVING')
      t.same(heard.ids().slice(0, promised.length), promised)
      t.same(heard.cursors(), [...new Set(heard.cursors())])
      t.comment(`${made} rounds until the disk was full`)
    },
  )

  await serving.quit()
  const { code } = await enforcing.stop()
  t.equal(code, 0)
  const delivered = readFileSync(sunk, 'utf8').trimEnd().split('\n')
  const ids = delivered
    .map((line) => JSON.parse(line) as { type: string; id: string; state: string })
    .filter(({ type, state }) => type === 'anomaly' && state !== 'repeated')
  t.same([...new Set(ids.map(({ id }) => id))], heard.ids(), 'the sink has what was streamed')

  const log = join(session.stateDir, 'audit/operator.jsonl')
  const bytes = readFileSync(log)
  const second = bytes.indexOf(10) + 20
  bytes[second] = (bytes[second] ?? 0) ^ 1
  writeFileSync(log, bytes)
  const verified = await session.run(['audit', 'verify'])
  t.equal(verified.code, 3)
  t.match(verified.stdout, /line 2/)
})

/** What a stream gave so far. */
function listenTo(stream: AsyncIterable<WatchEvent>): {
  readonly events: readonly WatchEvent[]
  cursors(): readonly string[]
  /** Of first occurrences. */
  ids(): readonly string[]
} {
  const events: WatchEvent[] = []
  void (async () => {
    for await (const event of stream) events.push(event)
  })().catch(() => undefined)
  const journaled = (): readonly WatchEvent[] =>
    events.filter(({ anomaly, actionResult, baselineChange }) =>
      [anomaly, actionResult, baselineChange].some((each) => each != null),
    )
  return {
    events,
    cursors: () => journaled().map(({ cursor }) => cursor ?? ''),
    ids: () => events.flatMap(({ anomaly }) => (anomaly?.state === 1 ? [anomaly.id ?? ''] : [])),
  }
}

function after(cursor: string | null | undefined, before: string | undefined): boolean {
  const sequence = (text: string): number => Number(text.split('-')[1])
  return sequence(cursor ?? '') > sequence(before ?? '')
}

async function healthOf(client: ReturnType<typeof connect>): Promise<string> {
  return client.health('plimsoll.v1.Monitor')
}

async function python(args: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, code } = await run(PYTHON, [WATCH_PY, ...args])
  if (code !== 0) throw new Error(stderr)
  return stdout.trimEnd().split('\n')
}

function resultOf(stdout: string): { readonly incident: string } {
  const { result, incident } = JSON.parse(stdout) as {
    readonly result?: { readonly incident: string }
    readonly incident?: string
  }
  return { incident: result?.incident ?? incident ?? '' }
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
