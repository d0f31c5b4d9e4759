/** A person has a real container frozen and let go over the service Control, and both are in the operator log. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from '../../src/engine/run.js'
import { ImageModes } from '../../src/engine/image-modes.js'
import { CLOCK } from '../../src/engine/host.js'
import { Control } from '../../src/engine/enforcement-control.js'
import { findContainer } from '../../src/engine/find-container.js'
import { findPolicy, PolicyInForce } from '../../src/engine/policy-in-force.js'
import { Requests } from '../../src/engine/requests.js'
import { responderOf } from '../../src/engine/responses.js'
import type { WatchedContainer } from '../../src/engine/detection.js'
import { BaselineStore } from '../../src/baseline/store.js'
import type { OperatorEntry } from '../../src/service/audit/entry.js'
import { OperatorLog } from '../../src/service/audit/operator-log.js'
import { verifyOperatorLog } from '../../src/service/audit/verify-log.js'
import { CONTROL_SERVICE } from '../../src/service/control-methods.js'
import { ControlService } from '../../src/service/control/control-service.js'
import { plimsoll } from '../support/fake-terminal.js'
import { served } from '../support/grpc-server.js'
import { heldContainer } from '../support/live/held-container.js'
import { liveTest } from '../support/live/requirements.js'

liveTest(
  'a person freezes a container and lets it go, each once and on record',
  ['root', 'podman', 'busybox', 'gcc'],
  async (t) => {
    const container = await heldContainer(t)
    const state = join(t.testdir(), 'state')
    const { workload, cgroupPath, mount } = container
    const watched = [
      { container: 1, run: { path: cgroupPath } as Run, workload } as unknown as WatchedContainer,
    ]
    const given = { stateDirectory: state, policyPath: undefined }
    const policy = new PolicyInForce(await findPolicy(given), {
      ...given,
      sealedOf: () => undefined,
      changed: () => undefined,
    })
    const compiled = (): typeof policy.current.compiled => policy.current.compiled
    const source = new Control({
      store: new BaselineStore(state),
      clock: CLOCK,
      policy,
      modes: await ImageModes.load(state),
      sealed: { count: 0, reconsider: () => undefined },
      requests: new Requests({
        responder: responderOf({ stateDirectory: state, mount, clock: CLOCK, policy: compiled }),
        responses: { anomaliesOf: () => [], profileOf: () => '' },
        find: (ref) => findContainer(ref, watched),
        timelineOf: () => [],
        revisionOf: () => 0,
        dryRun: false,
      }),
      detection: () => undefined,
      timeline: () => [],
      losses: new Map(),
      events: {},
    })
    const service = new ControlService({
      source,
      recorder: new OperatorLog(state, { nowMs: () => Date.now() }),
      stateDirectory: state,
      nowMs: () => Date.now(),
      unrecorded: (error) => t.fail(error.message),
    })
    const call = await served(t, [[CONTROL_SERVICE, service]], () => ({
      role: 'responder',
      name: 'cert:ann',
    }))
    const { respond, release } = CONTROL_SERVICE
    const request = {
      container: container.name,
      action: 1,
      reason: 'to look at it',
      idempotencyKey: 'live-0001',
    }
    const planned = await call(respond, { ...request, idempotencyKey: 'dry-00001', dryRun: true })
    t.equal(planned.result?.outcome, 'dry-run')
    t.notOk(container.isFrozen())

    const frozen = await call(respond, request)
    t.match(frozen.result, {
      outcome: 'done',
      actor: 'cert:ann',
      containerId: workload.containerId,
    })
    t.ok((frozen.result?.frozenAfterMs ?? Infinity) < 1000)
    t.ok(container.isFrozen())
    const again = await call(respond, request)
    t.ok(again.repeatedRequest)
    t.match(again.result, { ...frozen.result, steps: Array })
    t.comment(`frozen after ${frozen.result?.frozenAfterMs?.toFixed(2)} ms`)

    const incident = frozen.result?.incident ?? ''
    const first = await call(release, { incident: incident.slice(0, 10), reason: 'looked at it' })
    t.match({ ...first }, { incident, outcome: 'released' })
    t.notOk(container.isFrozen())
    t.equal((await call(release, { incident, reason: 'again' })).outcome, 'already')
    // At the terminal, it is on record as well.
    const args = ['incident', 'release', incident, '--reason', 'once more', '--state', state]
    t.equal((await plimsoll(args)).status, 0)

    const text = readFileSync(join(state, 'audit', 'operator.jsonl'), 'utf8').trimEnd()
    const entries = text.split('\n').map((line) => JSON.parse(line) as OperatorEntry)
    t.match(
      entries.map(({ actor, action, phase }) => `${actor} ${action} ${phase}`),
      [
        'cert:ann Respond begun',
        'cert:ann Respond done',
        'cert:ann Respond begun',
        'cert:ann Respond done',
        'cert:ann Release begun',
        'cert:ann Release done',
        'cert:ann Release begun',
        'cert:ann Release done',
        /^cli:\S+ Release begun$/,
        /^cli:\S+ Release done$/,
      ],
    )
    t.match(entries[3], { target: container.name, reason: 'to look at it', details: /"done"/ })
    t.match(await verifyOperatorLog(state), { intact: true, entries: 10 })
  },
)
