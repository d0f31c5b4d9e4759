/**
 * A recorded session replays to the very bytes of the live one. And a file that is not what plimsoll wrote, be it a trace
 * or a baseline, is refused by name and left as it is.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { commandDigest } from '../support/live/command-digest.js'
import { containerName } from '../support/live/container-runtime.js'
import { BUSYBOX, imageOf } from '../support/live/images.js'
import { Session } from '../support/live/plimsoll.js'
import { podman } from '../support/live/podman.js'
import { liveTest } from '../support/live/requirements.js'

const SH = '/bin/sh'
const SCRIPT = '/bin/ls / >/dev/null; cd /tmp; echo done'

/** Ways in which a file can be damaged. */
const DAMAGE: readonly { readonly name: string; readonly of: (whole: Buffer) => Buffer }[] = [
  { name: 'empty', of: () => Buffer.alloc(0) },
  { name: 'cut in its header', of: (whole) => whole.subarray(0, 9) },
  { name: 'cut in the middle', of: (whole) => whole.subarray(0, whole.length >> 1) },
  { name: 'cut by one byte', of: (whole) => whole.subarray(0, -1) },
  { name: 'longer by one byte', of: (whole) => Buffer.concat([whole, Buffer.from([0])]) },
  { name: 'with a bit flipped at the start', of: (whole) => flipped(whole, 0) },
  { name: 'with a bit flipped in the middle', of: (whole) => flipped(whole, whole.length >> 1) },
  { name: 'with a bit flipped at the end', of: (whole) => flipped(whole, whole.length - 1) },
  { name: 'another kind of file', of: () => Buffer.from('{"syscalls": []}\n'.repeat(20)) },
]

liveTest(
  'replay of a container gives the bytes of the live run',
  ['root', 'bpf', 'podman', 'busybox'],
  async (t) => {
    const runtime = podman()
    const session = new Session(t, runtime.env)
    const image = await imageOf(runtime, BUSYBOX, 'record')
    const name = containerName('record')
    const trace = session.path('container.trace')
    const recording = await session.attach(['record', trace, '--container', name, '--runs', '1'])
    await runtime.mustRun({ image, name, command: ['/bin/sh', '-c', SCRIPT] })
    t.equal((await session.ended(recording)).code, 0)
    await replaysTo(t, session, trace, image)
  },
)

liveTest('replay of a command gives the bytes of the live run', ['root', 'bpf'], async (t) => {
  const session = new Session(t)
  const trace = session.path('command.trace')
  await session.mustRun(['record', trace, '--', SH, '-c', SCRIPT])
  await replaysTo(t, session, trace, commandDigest(SH))
})

liveTest('a damaged trace is refused and teaches nothing', ['root', 'bpf'], async (t) => {
  const session = new Session(t)
  const trace = session.path('good.trace')
  await session.mustRun(['record', trace, '--', SH, '-c', SCRIPT])
  const whole = readFileSync(trace)
  for (const { name, of } of DAMAGE) {
    await t.test(name, async (t) => {
      const other = new Session(t)
      const file = other.path('damaged.trace')
      const bytes = of(whole)
      writeFileSync(file, bytes)
      const { code, stderr } = await other.run(['replay', file])
      t.equal(code, 1)
      t.match(stderr, file)
      t.match(stderr, /^hint: .*record/m)
      t.same(readFileSync(file), bytes)
      t.same(baselineFiles(other), [], 'nothing was kept')
    })
  }
})

liveTest('a damaged baseline is refused and left as it is', ['root', 'bpf'], async (t) => {
  const origin = new Session(t)
  const trace = origin.path('good.trace')
  await origin.mustRun(['record', trace, '--', SH, '-c', SCRIPT])
  const ref = commandDigest(SH)
  for (const { name, of } of DAMAGE) {
    await t.test(name, async (t) => {
      const session = new Session(t)
      await session.mustRun(['replay', trace])
      const [file = ''] = baselineFiles(session)
      const damaged = of(readFileSync(file))
      writeFileSync(file, damaged)
      const copy = session.path('copy.plb')
      writeFileSync(copy, damaged)
      const attempts: readonly (readonly [readonly string[], string])[] = [
        [['baseline', 'show', ref], file],
        [['profile', ref], file],
        [['replay', trace], file],
        [['baseline', 'import', copy], copy],
      ]
      await Promise.all(
        attempts.map(async ([args, named]) => {
          const { code, stderr } = await session.run(args)
          t.equal(code, 1, args.join(' '))
          t.match(stderr, named)
          t.match(stderr, /^hint: ./m)
        }),
      )
      t.same(readFileSync(file), damaged, 'the file is untouched')
      t.same(baselineFiles(session), [file], 'and there is no other')
    })
  }
})

/** Asserts that `trace`, replayed elsewhere, ends in the bytes that this session stored for `ref`. */
async function replaysTo(t: Test, live: Session, trace: string, ref: string): Promise<void> {
  const replayed = new Session(t)
  mkdirSync(replayed.stateDir, { recursive: true })
  await replayed.mustRun(['replay', trace])
  const [expected, actual] = await Promise.all([live.exported(ref), replayed.exported(ref)])
  t.ok(expected.length > 0)
  t.same(actual, expected)
}

/** The baseline files of a session's state directory. */
function baselineFiles(session: Session): readonly string[] {
  if (!existsSync(session.stateDir)) return []
  return readdirSync(session.stateDir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.plb'))
    .map((path) => join(session.stateDir, path))
    .sort()
}

function flipped(whole: Buffer, at: number): Buffer {
  const copy = Buffer.from(whole)
  copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at)
  return copy
}
