/** Enforcement as it is wired, without a sensor: what people order takes effect on what is seen next. */
import t, { type Test } from 'tap'
import { BaselineStore } from '../../src/baseline/store.js'
import { subjectText } from '../../src/detect/subject-text.js'
import type { EnforceEvents } from '../../src/engine/enforce.js'
import { Enforcement } from '../../src/engine/enforcement.js'
import { ImageModes } from '../../src/engine/image-modes.js'
import type { ContainerAnswer } from '../../src/engine/input.js'
import { loadSeverityTable } from '../../src/engine/policy-file.js'
import { findPolicy } from '../../src/engine/policy-in-force.js'
import { Runs } from '../../src/engine/runs.js'
import type { ResponseResult } from '../../src/respond/request.js'
import type { OperatorIntent } from '../../src/service/audit/recorder.js'
import { learned, nr, sealed, WORKLOAD } from '../support/sealed-baselines.js'

const ID = 'c'.repeat(64)
const BY = { actor: 'cert:ann', reason: 'r' }
const CGROUP = 7

const ANSWER: ContainerAnswer = {
  runtime: 'podman',
  containerId: ID,
  found: true,
  problem: '',
  runtimeVersion: '1',
  name: 'web-1',
  imageDigest: WORKLOAD.imageDigest,
  imageName: WORKLOAD.imageName,
  entrypoint: [],
  healthChecks: [],
  labels: undefined,
}

/** One container of a sealed image. */
class Wired {
  readonly raised: string[] = []
  readonly responses: ResponseResult[] = []
  readonly intents: OperatorIntent[] = []
  readonly enforcement: Enforcement
  readonly see: (call: string) => void
  readonly learns: () => boolean

  private constructor(enforcement: Enforcement, events: EnforceEvents) {
    this.enforcement = enforcement
    const session = enforcement.sessionEvents(events)
    const options = enforcement.sessionOptions()
    const runs = new Runs({
      wantsImage: () => undefined,
      wantsScan: () => undefined,
      ended: () => undefined,
    })
    const sink = options.also?.(runs)
    runs.created(CGROUP, `/docker/${ID}`, 1_000, true)
    const [run] = runs.waiting(ID)
    if (run !== undefined) session.resolved?.(run, ANSWER, true, 1_000)
    session.missed?.({ reason: 'lost-events', count: 3 }, 0, 1_000)
    session.missed?.({ reason: 'lost-events', count: 2 }, 0, 1_000)
    this.raised.splice(0)
    this.see = (call) => sink?.syscall(CGROUP, 'main', 0, 'x86_64', nr(call), 1, 2_000)
    this.learns = () => options.learns?.(ANSWER) ?? false
  }

  static async of(t: Test, state = t.testdir(), isSealed = true): Promise<Wired> {
    const store = new BaselineStore(state)
    if (isSealed) await store.save(sealed(learned()))
    const nothing = (): void => undefined
    const wired: { it?: Wired } = {}
    const events: EnforceEvents = {
      ready: nothing,
      sensorEnded: nothing,
      leftOut: nothing,
      begun: nothing,
      watching: nothing,
      raised: ({ subject }) => wired.it?.raised.push(subjectText(subject)),
      repeated: nothing,
      responded: (result) => wired.it?.responses.push(result),
      reloaded: nothing,
      refused: (error) => t.fail(error.message),
      troubled: (error) => t.fail(error.message),
    }
    const enforcement = new Enforcement(
      {
        env: {},
        stateDirectory: state,
        store,
        selection: { all: true, image: '', container: '' },
        policyPath: undefined,
        unknown: 'alert',
        on: new Map([
          ['medium', 'freeze'],
          ['low', 'freeze'],
          ['high', 'freeze'],
        ]),
        dryRun: false,
        afterwards: 'keep-frozen',
        spool: `${state}/spool`,
        events,
        stop: new AbortController().signal,
        onReload: () => nothing,
        recorder: {
          begin: async (intent) => {
            wired.it?.intents.push(intent)
            return { end: async () => undefined }
          },
        },
      },
      {
        policy: await findPolicy({ policyPath: undefined, stateDirectory: state }),
        severity: await loadSeverityTable(),
        modes: await ImageModes.load(state),
        mount: `${state}/no-cgroups`,
      },
    )
    await enforcement.begin()
    wired.it = new Wired(enforcement, events)
    return wired.it
  }

  taken(): readonly string[] {
    return this.raised.splice(0)
  }
}

t.test('a service is told how enforcement is doing', async (t) => {
  const wired = await Wired.of(t)
  const { control } = wired.enforcement
  t.equal(control.containersWatched(), 1)
  t.equal(control.imagesHeld(), 1)
  t.equal(control.observations(), 0)
  for (const call of ['read', 'read', 'write', 'chmod']) wired.see(call)
  t.same(wired.taken(), ['chmod'])
  t.equal(control.observations(), 4)
  t.same([...control.losses()], [['lost-events', 5]])
  for (const ref of ['web-1', ID, ID.slice(0, 12)]) {
    t.match(control.timelineOf(ref, 5), [{ subject: { nr: nr('chmod') } }], ref)
  }
  t.equal(control.timelineOf('db', 5), undefined)
})

t.test(
  'an image that is learned raises nothing against its baseline, until it is set back',
  async (t) => {
    const state = t.testdir()
    const wired = await Wired.of(t, state)
    const { control } = wired.enforcement
    await control.setMode({ image: 'web', mode: 'learn', ...BY })
    wired.see('chmod')
    t.same(wired.taken(), [])
    t.equal(control.imagesHeld(), 0)
    t.ok(wired.learns())
    await control.setMode({ image: 'web', mode: 'enforce', ...BY })
    wired.see('chmod')
    t.same(wired.taken(), ['chmod'])
    t.equal(control.imagesHeld(), 1)
    await control.setMode({ image: 'web', mode: 'learn', ...BY })

    const later = await Wired.of(t, state, false)
    later.see('chmod')
    t.same(later.taken(), [], 'and from its start')
    t.equal(later.enforcement.control.imagesHeld(), 0)
    t.match(later.enforcement.control.modes(), [{ mode: 'learn', imageName: WORKLOAD.imageName }])
  },
)

t.test('rules act on record, and only in plan on an image that is observed', async (t) => {
  const wired = await Wired.of(t)
  wired.see('chmod')
  await new Promise(setImmediate)
  t.match(wired.intents, [{ action: 'Respond', target: ID, details: { response: 'freeze' } }])
  t.match(wired.responses, [{ action: 'freeze', outcome: 'failed', detail: /has ended/ }])
  await wired.enforcement.control.setMode({ image: 'web', mode: 'observe', ...BY })
  wired.see('link')
  await new Promise(setImmediate)
  t.same(wired.taken(), ['chmod', 'link'])
  t.equal(wired.responses.length, 2)
  t.equal(wired.intents.length, 1, 'a plan changes nothing')
})

t.test('another policy decides what is seen next', async (t) => {
  const wired = await Wired.of(t)
  const { control } = wired.enforcement
  const yaml =
    'version: 1\nallow: [{name: a, kind: syscall, syscalls: [chmod]}]\ndeny: [{name: d, kind: syscall, syscalls: [read]}]\n'
  async function* none(): AsyncGenerator<never> {}
  const change = { yaml, expectedSha256: control.policy().sha256, anomalies: none() }
  t.match(await control.setPolicy({ ...change, dryRun: true }), { applied: false })
  wired.see('read')
  t.same(wired.taken(), [])
  t.match(await control.setPolicy({ ...change, dryRun: false }), { applied: true })
  wired.see('chmod')
  wired.see('read')
  t.same(wired.taken(), ['read'])
})
