/** What is done about an anomaly: the container is frozen and isolated, the evidence kept, and all of it undone. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Enforcing, sealedNginx, serve } from '../../support/live/enforcing.js'
import { page } from '../../support/live/loopback.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import { liveTest, type Need } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

const NEEDS: readonly Need[] = ['root', 'bpf', 'podman', 'nginx', 'busybox', 'gcc', 'iproute2']

/** What a line of type `response` says. */
interface Response {
  readonly type: string
  readonly action: string
  readonly outcome: string
  readonly incident: string
  readonly frozenAfterMs?: number
  readonly directory?: string
  readonly cgroupPath: string
}

liveTest(
  'a critical anomaly isolates its container, and a release lets it go on',
  NEEDS,
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const sealed = await sealedNginx(session, runtime, 'responds')
    const args = ['--image', sealed.image, '--json', '--on', 'critical=isolate']
    const enforcing = await Enforcing.start(t, session, args)
    const serving = await serve(session, runtime, sealed)
    t.teardown(() => runtime.remove(serving.name))
    t.match(await page(serving.port), /afloat/)

    // The act itself is frozen with its container: it ends when that is let go.
    const act = serving.exec(['/bin/acts', 'memfd'])
    const anomaly = await enforcing.anomaly('fileless', ({ kind }) => kind === 'fileless')
    const response = await until('the response', () =>
      enforcing
        .lines()
        .find((line): line is Record<string, unknown> & Response => line['type'] === 'response'),
    )
    t.match(response, { action: 'isolate', incident: anomaly.incident })
    t.ok(['done', 'partly'].includes(response.outcome), `isolated: ${response.outcome}`)
    t.ok((response.frozenAfterMs ?? Infinity) < 50, `frozen after ${response.frozenAfterMs} ms`)
    t.equal(await page(serving.port), undefined, 'nothing answers any more')
    const directory = response.directory ?? ''
    const bundle = readFileSync(join(directory, 'anomalies.json'), 'utf8')
    t.match(bundle, anomaly.id, 'the evidence names the anomaly')
    t.equal((await session.run(['incident', 'verify', anomaly.incident])).code, 0)
    const listed = await session.mustRun(['incident', 'ls', '--json'])
    t.match(listed.stdout, anomaly.incident)

    const release = ['incident', 'release', anomaly.incident, '--reason', 'looked at']
    t.equal((await session.run(release)).code, 0)
    t.match(await until('a page', () => page(serving.port)), /afloat/, 'it goes on where it was')
    t.match((await act).stdout, /^done/)
    await serving.quit()
    t.equal((await enforcing.stop()).code, 0)
    const { stdout } = await session.mustRun(['anomaly', 'show', anomaly.id])
    t.match(stdout, /critical fileless: exec:\/dev\/fd\/3/)
    t.match(
      (await session.mustRun(['anomaly', 'ls', '--min-severity', 'critical'])).stdout,
      anomaly.id,
    )
  },
)

liveTest(
  'a malformed policy is refused at the start, a bad one is not taken later, and a dry run does nothing',
  NEEDS,
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const sealed = await sealedNginx(session, runtime, 'responds')
    const policy = session.path('policy.yaml')
    const rule = 'deny:\n  - name: no-uname\n    kind: syscall\n    syscalls: [uname]\n'
    writeFileSync(policy, `version: 1\n${rule}  - name: no-uname\n    ports: [99999999]\n`)
    const dry = ['--on', 'low=kill', '--dry-run']
    const enforce = ['--image', sealed.image, '--json', '--policy', policy, ...dry]
    const refused = await session.run(['enforce', ...enforce])
    t.equal(refused.code, 1)
    t.match(refused.stderr, policy)
    t.match(refused.stderr, /\b[67]:\d+/, 'the line is named')
    t.match(refused.stderr, /deny\[1\]/, 'and the field')

    writeFileSync(policy, `version: 1\n${rule}`)
    const enforcing = await Enforcing.start(t, session, enforce)
    const serving = await serve(session, runtime, sealed)
    t.teardown(() => runtime.remove(serving.name))
    const { child } = enforcing.attached
    writeFileSync(policy, 'version: 1\ndeny: [')
    child.kill('SIGHUP')
    await until('the refusal', () => enforcing.lines().find(({ state }) => state === 'refused'))
    t.match(enforcing.attached.stderr(), /the policy before it stays in force/)
    await serving.exec(['/bin/busybox', 'uname'])
    const denied = await enforcing.anomaly('uname', ({ what }) => what === 'uname')
    t.match(denied.decision, { layer: 'deny', rule: 'no-uname' }, 'the old one decides')
    const response = await until('what would be done', () =>
      enforcing.lines().find(({ type }) => type === 'response'),
    )
    t.match(response, { action: 'kill', outcome: 'dry-run' })
    t.match(await page(serving.port), /afloat/, 'a dry run does nothing')

    writeFileSync(
      policy,
      'version: 1\nallow:\n  - name: probing\n    kind: listen\n    ports: [1-65535]\n',
    )
    child.kill('SIGHUP')
    await until('the new policy', () => enforcing.lines().find(({ state }) => state === 'loaded'))
    await serving.exec(['/bin/acts', 'listen', '47'])
    await pause(3000)
    t.notOk(
      enforcing.anomalies().some(({ kind }) => kind === 'listen'),
      'the new one decides from now on',
    )
    await serving.quit()
    t.equal((await enforcing.stop()).code, 0)
  },
)
