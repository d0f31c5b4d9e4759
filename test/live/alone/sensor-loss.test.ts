/** Loss is data: when bpftrace is killed it is started again, and the baseline says from when to when nothing was seen. */
import { callOf, namesOf } from '../../support/live/baseline-view.js'
import { containerName } from '../../support/live/container-runtime.js'
import { BUSYBOX, imageOf } from '../../support/live/images.js'
import { Session } from '../../support/live/plimsoll.js'
import { podman } from '../../support/live/podman.js'
import { liveTest } from '../../support/live/requirements.js'
import { until } from '../../support/live/until.js'

/** One call before (mkdir), a sign of life all the time, one call (rmdir) when the file /tmp/go appears, and the end. */
const SCRIPT = `
/bin/busybox mkdir /tmp/a
while [ ! -e /tmp/go ]; do echo tick; /bin/sleep 0.1; done
/bin/busybox rmdir /tmp/a
`

liveTest(
  'a killed bpftrace is started again and leaves a gap with times',
  ['root', 'bpf', 'podman', 'busybox'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, 'sensor-loss')
    const name = containerName('sensor-loss')
    t.teardown(() => runtime.remove(name))
    const learning = await session.attach(['learn', '--container', name, '--runs', '1'])
    const running = runtime.launch({ image, name, command: ['/bin/sh', '-c', SCRIPT] })
    const ticks = (): number => running.stdout().split('tick').length - 1
    await until('the container', () => ticks() > 20)

    const [victim] = session.bpftrace()
    if (victim === undefined) throw new Error('no bpftrace to kill')
    const killedMs = Date.now()
    process.kill(victim, 'SIGKILL')
    await until('the new sensor', () => learning.stderr().includes('the sensor is back'), 30_000)
    const attachedMs = Date.now()
    const successors = session.bpftrace()
    t.equal(successors.length, 1, 'there is one bpftrace again')
    t.not(successors[0], victim)
    await runtime.mustCli(['exec', name, '/bin/busybox', 'touch', '/tmp/go'])
    t.equal((await running.finished).code, 0)
    t.equal((await session.ended(learning)).code, 0)
    await session.nothingLeft(t)

    const view = await session.show(image)
    t.equal(view.completeness.state, 'partial')
    const gaps = view.completeness.reasons.filter(({ reason }) => reason === 'sensor-restarted')
    t.match(gaps, [{ count: 1, fromMs: Number, toMs: Number }])
    const [{ fromMs = 0, toMs = 0 } = {}] = gaps
    // Sight may be lost a little before the kill: what bpftrace had not handed on is gone with it.
    t.ok(fromMs >= killedMs - 3_000 && fromMs <= killedMs + 1_000, 'the gap starts with the kill')
    t.ok(toMs > fromMs && toMs <= attachedMs + 1_000, 'and ends when the probes are back')
    t.ok(callOf(view, 'x86_64', 'mkdir'), 'what was seen before is kept')
    t.ok(callOf(view, 'x86_64', 'rmdir'), 'what comes after is learned')
    t.notOk(namesOf(view, 'exec').includes('rmdir'), 'under the lineage that it has')
  },
)
