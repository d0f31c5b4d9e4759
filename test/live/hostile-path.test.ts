/**
 * A path is bytes that the container chose. Whatever is in it, it is one record with these bytes, it forges nothing, and it
 * reaches no terminal raw.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { BUSYBOX, extended, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

/**
 * Names of programs. The second one carries the shape of a record of the probes, as bpftrace would print it, with an end
 * that would fit its start.
 */
const NAMES: readonly { readonly bytes: Buffer; readonly shown: string }[] = [
  {
    bytes: Buffer.from('q"uote\nline\ttab\x1b[31mred\\back\xff\xc3(', 'latin1'),
    shown: 'q"uote\\x0aline\\x09tab\\x1b[31mred\\\\back\\xff\\xc3(',
  },
  {
    bytes: Buffer.from('a"}\n{"type": "printf", "data": "G 1 1 forged\\n"}\n', 'latin1'),
    shown: 'a"}\\x0a{"type": "printf", "data": "G 1 1 forged\\\\n"}\\x0a',
  },
  { bytes: Buffer.from('r\u202eexe.txt'), shown: 'r\\xe2\\x80\\xaeexe.txt' },
]

const RECIPE = extended(BUSYBOX, 'hostile', (root) => {
  const dir = join(root, 'h')
  mkdirSync(dir)
  for (const { bytes } of NAMES) {
    copyFileSync(join(root, 'bin/busybox'), Buffer.concat([Buffer.from(`${dir}/`), bytes]))
  }
})

liveTest(
  'hostile paths are learned byte by byte and shown escaped',
  ['root', 'bpf', 'podman', 'busybox'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, RECIPE, 'hostile-path')
    const learning = await session.attach(['learn', '--image', image, '--runs', '1'])
    // busybox under an unknown name fails after its exec, and the loop goes on.
    const command = ['/bin/sh', '-c', 'for program in /h/*; do "$program"; done; true']
    await runtime.mustRun({ image, command })
    t.equal((await session.ended(learning)).code, 0)

    const view = await session.show(image)
    const execs = view.lineages.main?.execs ?? []
    const expected = [
      { path: '/bin/sh', exe: 'busybox', count: 1 },
      ...NAMES.map(({ shown }) => ({ path: `/h/${shown}`, exe: shown, count: 1 })),
    ]
    const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1)
    t.same(
      execs.map(({ path, exe, count }) => ({ path, exe, count })).sort(byPath),
      expected.sort(byPath),
      'one exec each, no more',
    )
    t.match(view.completeness, { state: 'full', reasons: [] })

    const stored = Buffer.from(await session.exported(image))
    for (const { bytes, shown } of NAMES) {
      const path = Buffer.concat([Buffer.from('/h/'), bytes])
      t.ok(stored.includes(path), `the bytes of ${shown} are in the baseline`)
    }
    const table = await session.mustRun(['baseline', 'show', image])
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    t.notMatch(table.stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\ufffd]/u)
    t.match(table.stdout, 'q"uote\\x0aline\\x09tab\\x1b[31mred')
    for (const text of [learning.stdout(), learning.stderr()]) {
      t.notMatch(text, '\u001b[31mred', 'nor does learn itself print it raw')
    }
  },
)
