/** What a profile is taken to decide is what the filter decides that the host's libseccomp compiles from it. */
import fc from 'fast-check'
import { buildProfile } from '../../src/seccomp/build.js'
import { deciderOf } from '../../src/seccomp/evaluate.js'
import { type Case, Libseccomp, returnOf } from '../support/libseccomp.js'
import { liveTest } from '../support/live/requirements.js'
import { anyInput } from '../support/profile-inputs.js'
import { anyQuery, queriesOf } from '../support/profile-queries.js'

const SETS = 2000
/** Of sets at a time, so that neither side holds them all. */
const BATCH = 250

liveTest(
  'libseccomp decides every call as the evaluator does',
  ['gcc', 'libseccomp'],
  async (t) => {
    const library = new Libseccomp()
    t.teardown(() => library.close())
    const seed = Date.now() & 0x7fff_ffff
    const unknown = new Set(library.unknown().map(({ abi, nr }) => `${abi} ${nr}`))
    let decisions = 0
    let conditional = 0
    const answers = new Map<string, number>()
    for (let from = 0; from < SETS; from += BATCH) {
      const cases = fc
        .sample(fc.tuple(anyInput, fc.array(anyQuery, { minLength: 60, maxLength: 60 })), {
          numRuns: BATCH,
          seed: seed + from,
        })
        .map(([input, queries]): Case => {
          const { profile } = buildProfile(input)
          const known = [...queriesOf(profile), ...queries].filter(
            ({ abi, nr }) => !unknown.has(`${abi} ${nr}`),
          )
          return { profile, queries: known }
        })
      conditional += cases.filter(({ profile }) =>
        profile.syscalls.some((rule) => rule.args),
      ).length
      const expected = cases.flatMap(({ profile, queries }) => {
        const decide = deciderOf(profile)
        return queries.map(({ abi, nr, args }) => returnOf(decide(abi, nr, args)))
      })
      const decided = library.decide(cases)
      t.equal(decided.length, expected.length)
      for (const [at, answer] of decided.entries()) {
        if (answer !== expected[at]) {
          t.fail(`seed ${seed + from}: ${differenceAt(cases, at)}`, {
            answer,
            expected: expected[at],
          })
          return
        }
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
      decisions += decided.length
    }
    t.comment(
      `${SETS} rule sets (${conditional} with argument tests), ${decisions} decisions, seed ${seed}`,
    )
    t.comment([...answers].map(([answer, count]) => `${answer}: ${count}`).join(', '))
    t.ok(conditional > SETS / 4, 'many of them test arguments')
    t.ok(answers.size >= 6, 'every kind of answer was among them')
  },
)

function differenceAt(cases: readonly Case[], at: number): string {
  let before = 0
  for (const { profile, queries } of cases) {
    const query = queries[at - before]
    if (query !== undefined) {
      const rules = profile.syscalls.filter((rule) => rule.args !== undefined)
      return JSON.stringify(
        { query, architectures: profile.architectures, rules },
        (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value),
      )
    }
    before += queries.length
  }
  return 'no such query'
}
