/** Whether an image runs under its profile: every reason for and against, and that nothing holds by oversight. */
import { deepStrictEqual, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { otherwiseAnswered } from '../../src/engine/default-answer.js'
import { type Evidence, verdictOf } from '../../src/engine/verdict.js'
import { SIGSYS } from '../../src/kernel/denial-answer.js'
import { deniedCall, denials, seenRun } from '../support/verifications.js'

/** A verification of one run under the profile, unless `evidence` says otherwise. */
function verdict(evidence: Partial<Evidence>): ReturnType<typeof verdictOf> {
  return verdictOf({
    reference: seenRun(),
    runs: [seenRun()],
    missed: [],
    isInterrupted: false,
    ...evidence,
  })
}

const clone3 = deniedCall({ name: 'clone3', programs: ['/usr/bin/python3'] })

t.test('each reason has its verdict', async (t) => {
  const exited = (status: number) => ({ end: { kind: 'exited', status } }) as const
  const lost = { reason: 'lost-events', count: 2, detail: 'exec' } as const
  const cases: readonly [string, Partial<Evidence>, string, object][] = [
    ['all is well', {}, 'holds', { denied: [], differences: [], doubts: [] }],
    [
      'a status other than 0, with and without the profile',
      { reference: seenRun([], exited(3)), runs: [seenRun([], exited(3))] },
      'holds',
      {},
    ],
    [
      'a denied call',
      { runs: [seenRun([deniedCall()])] },
      'does-not-hold',
      { denied: [{ name: 'mkdir', standing: 'fails', count: 1, runs: 1 }] },
    ],
    [
      'a call that was denied to something injected',
      { runs: [seenRun([deniedCall({ lineage: 'exec' })])] },
      'does-not-hold',
      {},
    ],
    [
      'clone3, not implemented',
      { runs: [seenRun([clone3])] },
      'holds',
      { denied: [{ name: 'clone3', standing: 'expected' }] },
    ],
    [
      'clone3, refused: libc does not fall back on that',
      { runs: [seenRun([{ ...clone3, answer: 1 }])] },
      'does-not-hold',
      {},
    ],
    ['clone3, killed', { runs: [seenRun([{ ...clone3, answer: SIGSYS }])] }, 'does-not-hold', {}],
    [
      "a filter of the program's own",
      { reference: seenRun([deniedCall()]), runs: [seenRun([deniedCall({ count: 5 })])] },
      'holds',
      { denied: [{ standing: 'own', count: 5 }] },
    ],
    [
      'the same call refused in another way than by its own filter',
      { reference: seenRun([deniedCall()]), runs: [seenRun([deniedCall({ answer: 1 })])] },
      'does-not-hold',
      { denied: [{ standing: 'fails' }] },
    ],
    [
      'what the runtime tries and goes on without',
      { runs: [seenRun([deniedCall({ name: 'fsopen', lineage: 'runtime', answer: 1 })])] },
      'holds',
      { denied: [{ name: 'fsopen', standing: 'runtime' }] },
    ],
    [
      'a run that did not start',
      { runs: [seenRun(), seenRun([], { end: { kind: 'not-started' } })] },
      'does-not-hold',
      { differences: [{ kind: 'not-started', run: 2 }] },
    ],
    [
      'one of which not even a container was made',
      { runs: [seenRun([], { end: { kind: 'not-started' }, denials: undefined })] },
      'does-not-hold',
      { differences: [{ kind: 'not-started', run: 1 }], doubts: [] },
    ],
    [
      'another exit status',
      { runs: [seenRun([], exited(1))] },
      'does-not-hold',
      { differences: [{ kind: 'status', run: 1, status: 1 }] },
    ],
    [
      'one that hangs',
      { runs: [seenRun([], { wasStopped: true })] },
      'does-not-hold',
      { differences: [{ kind: 'kept-running', run: 1 }] },
    ],
    [
      'a service that ends',
      { reference: seenRun([], { wasStopped: true }) },
      'does-not-hold',
      { differences: [{ kind: 'ended-early', run: 1 }] },
    ],
    [
      'records that were lost',
      { missed: [lost] },
      'unknown',
      { doubts: [{ kind: 'missed', missed: lost }] },
    ],
    [
      'a denied call, and records that were lost',
      { runs: [seenRun([deniedCall()])], missed: [lost] },
      'does-not-hold',
      { doubts: [{ kind: 'missed' }] },
    ],
    [
      'a container whose cgroup was not seen',
      { runs: [seenRun([], { denials: undefined })] },
      'unknown',
      { doubts: [{ kind: 'unseen', run: 1 }] },
    ],
    [
      'calls that were not seen whole',
      { runs: [seenRun([], { denials: denials([], { unpaired: 1 }) })] },
      'unknown',
      { doubts: [{ kind: 'unpaired', run: 1 }] },
    ],
    [
      'no filter was in force',
      { runs: [seenRun([], { denials: denials([], { filteredThreads: 0 }) })] },
      'unknown',
      { doubts: [{ kind: 'unfiltered', run: 1 }] },
    ],
    [
      'nobody says how it ended',
      { runs: [seenRun([], { end: { kind: 'unknown' } })] },
      'unknown',
      { doubts: [{ kind: 'no-end', run: 1 }] },
    ],
    [
      'nothing to compare with',
      { reference: seenRun([], { end: { kind: 'not-started' } }) },
      'unknown',
      { doubts: [{ kind: 'no-end', run: 0 }] },
    ],
    ['it was stopped', { isInterrupted: true }, 'unknown', { doubts: [{ kind: 'interrupted' }] }],
    ['it was stopped before anything ran', { runs: [], isInterrupted: true }, 'unknown', {}],
  ]
  for (const [name, evidence, result, more] of cases) {
    t.match(verdict(evidence), { result, ...more }, name)
  }
})

t.test('denials add up over the runs, those that fail first', async (t) => {
  const rmdir = deniedCall({ name: 'rmdir', count: 2, programs: ['/bin/rmdir'] })
  const { denied } = verdict({
    runs: [
      seenRun([clone3, rmdir]),
      seenRun([deniedCall({ programs: ['/bin/sh'] }), { ...rmdir, programs: [] }]),
      seenRun([deniedCall({ programs: ['/bin/mkdir'] }), clone3]),
    ],
  })
  t.match(denied, [
    { name: 'mkdir', count: 2, runs: 2, programs: ['/bin/mkdir', '/bin/sh'], standing: 'fails' },
    { name: 'rmdir', count: 4, runs: 2, programs: ['/bin/rmdir'], standing: 'fails' },
    { name: 'clone3', count: 2, runs: 2, standing: 'expected' },
  ])
})

const anyRun = fc
  .record({
    status: fc.constantFrom(0, 1),
    kind: fc.constantFrom('exited', 'not-started', 'unknown'),
    wasStopped: fc.boolean(),
    call: fc.option(
      fc.constantFrom(
        deniedCall(),
        clone3,
        deniedCall({ lineage: 'runtime' }),
        deniedCall({ answer: 1 }),
      ),
      { nil: undefined },
    ),
    seen: fc.constantFrom('all', 'none', 'unpaired', 'unfiltered'),
  })
  .map(({ status, kind, wasStopped, call, seen }) => {
    const denied = call === undefined ? [] : [call]
    const all = denials(denied, {
      ...(seen === 'unpaired' ? { unpaired: 1 } : {}),
      ...(seen === 'unfiltered' ? { filteredThreads: 0 } : {}),
    })
    const end = kind === 'exited' ? ({ kind, status } as const) : ({ kind } as const)
    return seenRun(denied, { end, wasStopped, denials: seen === 'none' ? undefined : all })
  })

t.test('whatever is seen, nothing holds that was not seen to hold', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(anyRun, fc.array(anyRun, { maxLength: 3 }), (reference, runs) => {
        const { result, denied, differences, doubts } = verdict({ reference, runs })
        const fails = differences.length > 0 || denied.some(({ standing }) => standing === 'fails')
        deepStrictEqual(result === 'does-not-hold', fails)
        if (result !== 'holds') return
        deepStrictEqual(doubts, [])
        for (const run of runs) {
          deepStrictEqual(run.end, reference.end)
          deepStrictEqual(run.wasStopped, reference.wasStopped)
          ok(run.denials !== undefined && run.denials.filteredThreads > 0)
        }
      }),
      { numRuns: 2000 },
    ),
  )
})

t.test('an engine that answers otherwise than the profile says is noticed', async (t) => {
  const document = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  }
  const mount = deniedCall({ name: 'mount', answer: 1 })
  const { denied } = verdict({ runs: [seenRun([deniedCall({ answer: 1 }), mount])] })
  t.match(otherwiseAnswered(document, denied), [{ name: 'mkdir' }])
  const asSaid = verdict({ runs: [seenRun([deniedCall(), mount])] })
  t.strictSame(otherwiseAnswered(document, asSaid.denied), [])
  for (const other of [
    {},
    [],
    { ...document, defaultAction: 'SCMP_ACT_LOG' },
    { ...document, defaultErrnoRet: undefined },
  ]) {
    t.strictSame(otherwiseAnswered(other, denied), [])
  }
})
