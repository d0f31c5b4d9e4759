/**
 * A profile outlives the next build of its image: one learned from the calls of an older libc and language runtime runs a
 * build of the same program that makes their successors instead, if families are on.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { profileAt } from '../support/live/baseline-view.js'
import { imageOf, type Recipe } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { buildProgram } from '../support/live/programs.js'
import { liveTest } from '../support/live/requirements.js'

/** test/fixtures/programs/generations.c, built with these macros. */
function build(name: string, macros: readonly string[]): Recipe {
  return {
    name,
    async fill(root) {
      mkdirSync(join(root, 'bin'), { recursive: true })
      await buildProgram('generations', join(root, 'bin/generations'), macros)
    },
    command: ['/bin/generations'],
  }
}

liveTest(
  'a newer build of the program runs under the profile of the older one',
  ['root', 'bpf', 'podman', 'gcc'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const older = await imageOf(runtime, build('older', []), 'families')
    const newer = await imageOf(runtime, build('newer', ['NEWER']), 'families')
    const learning = await session.attach(['learn', '--image', older, '--runs', '1'])
    const learned = await runtime.mustRun({ image: older })
    t.equal((await session.ended(learning)).code, 0)
    t.comment(`learned: ${callsIn(learned.stdout).join(' ')}`)

    const [on, off] = [session.path('on.json'), session.path('off.json')]
    await session.mustRun(['profile', older, '--out', on])
    await session.mustRun(['profile', older, '--no-families', '--out', off])
    const names = profileAt(on).allowed
    const without = profileAt(off).allowed
    t.comment(`${without.length} names, with families ${names.length}`)

    const newest = await runtime.run({ image: newer, seccomp: on })
    t.comment(`newer build: ${callsIn(newest.stdout).join(' ')}`)
    t.same({ code: newest.code, refused: refusedIn(newest.stdout) }, { code: 0, refused: [] })
    for (const call of ['openat2', 'statx', 'thread']) {
      t.ok(callsIn(newest.stdout).includes(call), `${call} is among what it did`)
    }
    t.notOk(names.includes('clone3'), 'libc started the thread by its fallback')
    t.equal((await runtime.run({ image: older, seccomp: on })).code, 0, 'the older one runs too')

    const refused = await runtime.run({ image: newer, seccomp: off })
    const expected = callsIn(refused.stdout).filter(
      (call) => call !== 'thread' && !without.includes(call),
    )
    t.comment(`without families: ${expected.join(' ')} refused`)
    t.ok(expected.length > 0 && refused.code !== 0, 'without families it fails')
    t.same(refusedIn(refused.stdout), expected)
    t.equal((await runtime.run({ image: older, seccomp: off })).code, 0)
  },
)

/** The calls that a build of the program said it made, in order. */
function callsIn(stdout: string): readonly string[] {
  return [...stdout.matchAll(/^(\w+) errno \d+$/gm)].map(([, call = '']) => call)
}

function refusedIn(stdout: string): readonly string[] {
  return [...stdout.matchAll(/^(\w+) errno (?!0$)\d+$/gm)].map(([, call = '']) => call)
}
