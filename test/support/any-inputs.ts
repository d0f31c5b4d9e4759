/** Random learning sessions, as the inputs that they were fed. */
import fc from 'fast-check'
import type { Input } from '../../src/engine/input.js'
import { type Label, labelsOf } from '../../src/workload/labels.js'
import { digestOf, LearningScript, pathOf } from './learning-script.js'
import { entryOf, otherArgvOfTag } from './entry-of.js'
import { counters, entry, exec, keyOf, mapPrint, record } from './sensor-lines.js'

/** One thing that happens; `container` is a number from 0 to 2. */
export type Event = { readonly container: number } & (
  | { readonly kind: 'created' | 'hidden' | 'removed' | 'gone' | 'scan' | 'restart' }
  | { readonly kind: 'answer'; readonly labels: readonly Label[] | undefined }
  | { readonly kind: 'calls' | 'denied'; readonly nr: number; readonly count: number }
  | { readonly kind: 'sampled'; readonly pids: number }
  | { readonly kind: 'selected'; readonly isLearned: boolean }
  | { readonly kind: 'hint'; readonly nr: number }
  | { readonly kind: 'exec'; readonly path: string }
  | { readonly kind: 'entry' | 'entered'; readonly argv: readonly string[] }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'printed'; readonly lost: number }
)

/** The inputs of a session in which those events happen, a few milliseconds apart. */
export function inputsOf(events: readonly Event[]): readonly Input[] {
  const script = new LearningScript().attach()
  for (const event of events) happen(script.pass(3), event)
  script.end()
  return script.inputs
}

/** What joins the containers: their health check, an operator's shell, and another one that has the health check's tag. */
const CHECK = ['/bin/check', '-q']
const ARGVS = [CHECK, ['sh'], otherArgvOfTag(...CHECK)]

/** Labels as a runtime's answer is read. */
const anyLabels: fc.Arbitrary<readonly Label[]> = fc
  .dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 5 })
  .map((labels) => labelsOf({ Config: { Labels: labels } }) ?? [])

/** Sessions of up to 40 events. */
export const anyInputs: fc.Arbitrary<readonly Input[]> = fc
  .array(
    fc.oneof(
      of('created', {}),
      of('hidden', {}),
      of('removed', {}),
      of('answer', { labels: fc.option(anyLabels, { nil: undefined }) }),
      of('gone', {}),
      of('scan', {}),
      of('restart', {}),
      of('calls', { nr: fc.nat({ max: 400 }), count: fc.integer({ min: 1, max: 1e6 }) }),
      of('denied', { nr: fc.nat({ max: 400 }), count: fc.integer({ min: 1, max: 1e6 }) }),
      of('sampled', { pids: fc.nat({ max: 100 }) }),
      of('selected', { isLearned: fc.boolean() }),
      of('hint', { nr: fc.nat({ max: 400 }) }),
      of('exec', { path: fc.string({ unit: 'binary', maxLength: 30 }) }),
      of('entry', { argv: fc.constantFrom(...ARGVS) }),
      of('entered', { argv: fc.constantFrom(...ARGVS) }),
      of('tcp', { port: fc.nat({ max: 65_535 }) }),
      of('printed', { lost: fc.nat({ max: 5 }) }),
    ),
    { maxLength: 40 },
  )
  .map(inputsOf)

function of<Kind extends Event['kind'], Fields extends object>(
  kind: Kind,
  fields: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> },
): fc.Arbitrary<Event> {
  return fc.record({
    kind: fc.constant(kind),
    container: fc.nat({ max: 2 }),
    ...fields,
  }) as unknown as fc.Arbitrary<Event>
}

function happen(script: LearningScript, event: Event): void {
  const word = `container-${event.container}`
  const cgroup = 7 + event.container
  const key = (nr: number): number => keyOf(cgroup, 'main', nr)
  switch (event.kind) {
    case 'created':
      script.created(cgroup, pathOf(word))
      break
    case 'hidden':
      script.created(cgroup, '')
      break
    case 'removed':
      script.removed(cgroup)
      break
    case 'answer':
      script.answer(word, {
        imageDigest: digestOf(`image-${event.container % 2}`),
        healthChecks: [CHECK],
        labels: event.labels,
      })
      break
    case 'gone':
      script.unanswered(word, 'no such container')
      break
    case 'scan':
      script.scan({ id: cgroup, path: pathOf(word) })
      break
    case 'restart':
      script.sensorEnded(false).pass(100).restart()
      break
    case 'calls':
      script.calls(cgroup, { [event.nr]: event.count })
      break
    case 'denied':
      script.denied(cgroup, event.nr, event.count)
      break
    case 'selected': {
      const image = digestOf(`image-${event.container % 2}`)
      script.give({ kind: 'selection', image, isLearned: event.isLearned })
      break
    }
    case 'sampled':
      script.sampled(cgroup, event.pids * 4096, event.pids * 10, event.pids)
      break
    case 'hint':
      script.hint(cgroup, event.nr)
      break
    case 'exec':
      script.bytes(exec(key(0), 100 + cgroup, 1, script.nsecs, event.path, 'app'))
      break
    case 'entry':
      script.bytes(entry(cgroup, 200 + cgroup, script.nsecs, event.argv))
      break
    case 'entered': {
      const owner = keyOf(cgroup, 'exec', 39, { tag: entryOf(...event.argv).tag })
      script.bytes(mapPrint('calls_a', { [owner]: script.nowMs % 1000 }))
      break
    }
    case 'tcp':
      script.bytes(
        record('N', key(0), 2 * 65_536 + event.port, 100, 1, 0, script.nsecs, '127.0.0.1'),
      )
      break
    case 'printed':
      script.bytes(counters({ E: event.lost }))
      break
  }
}
