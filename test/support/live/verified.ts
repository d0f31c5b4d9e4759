/**
 * Verifications in live tests: learning an image, changing its profile by hand, running `profile verify --json`, and what is
 * read of its output. Written from the documented output, not from plimsoll's own types.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { ContainerRuntime } from './container-runtime.js'
import { BUSYBOX, extended, imageOf, type Recipe } from './images.js'
import { plimsoll, Session } from './plimsoll.js'
import { podmanConf } from './podman.js'
import { failureOf, type Finished } from './process.js'

export interface DeniedView {
  readonly name: string
  readonly abi: string
  readonly lineage: string
  readonly answer: string
  readonly count: number
  readonly runs: number
  readonly programs: readonly string[]
  readonly standing: string
}

export interface RunView {
  readonly end: string
  readonly status: number | null
  readonly wasStopped: boolean
  readonly said: readonly string[]
}

export interface VerificationView {
  readonly result: string
  readonly sha256: string
  readonly engine: string
  readonly runtime: string
  readonly libseccomp: { readonly version: string; readonly unknownNames: readonly string[] } | null
  readonly denied: readonly DeniedView[]
  readonly differences: readonly { readonly kind: string; readonly run: number }[]
  readonly doubts: readonly {
    readonly kind: string
    readonly missed?: { readonly reason: string }
  }[]
  readonly otherwiseAnswered: readonly string[]
  readonly reference: RunView
  readonly runs: readonly RunView[]
}

interface Rule {
  readonly names: readonly string[]
  readonly action: string
}

export interface Document {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly Rule[]
}

/** Writes the profile at `from`, changed, to `to`. */
export function changed(from: string, to: string, change: (document: Document) => object): string {
  const document = JSON.parse(readFileSync(from, 'utf8')) as Document
  writeFileSync(to, JSON.stringify(change(document), null, 2))
  return to
}

/** The document without those names, in whatever rule they are; a rule of no other names goes with them. */
export function without(document: Document, names: readonly string[]): Document {
  return {
    ...document,
    syscalls: document.syscalls
      .map((rule) => ({ ...rule, names: rule.names.filter((name) => !names.includes(name)) }))
      .filter((rule) => rule.names.length > 0),
  }
}

/** The document with another default action, which takes no errno. */
export function withDefault(document: Document, action: string): object {
  const { defaultErrnoRet: _, ...rest } = document
  return { ...rest, defaultAction: action }
}

/** A denial in one line: `mkdir x86_64 main ENOSYS 3/3 /bin/mkdir fails`. */
export function deniedLine(call: DeniedView): string {
  const { name, abi, lineage, answer, count, runs, programs, standing } = call
  return `${name} ${abi} ${lineage} ${answer} ${count}/${runs} ${programs.join(',')} ${standing}`
}

/** Its own command makes a directory, writes, and goes on whatever comes of it. */
export const WRITER: Recipe = {
  ...extended(BUSYBOX, 'busybox-writer', () => undefined),
  command: ['/bin/sh', '-c', '/bin/mkdir /tmp/a; echo hi >/tmp/b; /bin/cat /tmp/b; exit 7'],
}

/** An image, the profile that was learned of it, and the session with all its files. */
export interface Learned {
  readonly session: Session
  readonly runtime: ContainerRuntime
  readonly env: Readonly<Record<string, string>>
  readonly image: string
  readonly profile: string
}

/** Learns one run of the image, which `go` makes, and writes its profile. */
export async function learned(
  t: Test,
  runtime: ContainerRuntime,
  recipe: Recipe,
  variant: string,
  go: (image: string) => Promise<unknown> = (image) => runtime.run({ image }),
): Promise<Learned> {
  const session = new Session(t, runtime.env)
  const env = { ...session.env, ...podmanConf(session.path('containers.conf')) }
  const image = await imageOf(runtime, recipe, variant)
  const profile = session.path('learned.json')
  const flags = ['--image', image, '--runs', '1', '--seccomp', profile]
  const learning = await session.attach(['learn', ...flags])
  await go(image)
  const { code, stderr } = await session.ended(learning)
  if (code !== 0) throw new Error(stderr)
  return { session, runtime, env, image, profile }
}

/** Names of the containers of verifications that run now. */
export async function verifying(runtime: ContainerRuntime): Promise<readonly string[]> {
  const args = ['ps', '--all', '--filter', 'name=plimsoll-verify-', '--format', '{{.Names}}']
  const { stdout } = await runtime.mustCli(args)
  return stdout.split('\n').filter((name) => name !== '')
}

/** A verification as it ended, and what it printed. */
export interface Verified {
  readonly finished: Finished
  readonly view: VerificationView
}

/** Runs `profile verify --json` for the image under that profile; `more` are further arguments. */
export async function verify(
  { image, env }: Learned,
  profile: string,
  ...more: readonly string[]
): Promise<Verified> {
  const args = ['profile', 'verify', image, profile, '--json', ...more]
  const finished = await plimsoll(args, { env, timeoutMs: 120_000 })
  if (finished.stdout === '') throw new Error(failureOf(finished))
  return { finished, view: JSON.parse(finished.stdout) as VerificationView }
}

/** Asserts result, exit status and what was denied outside of the runtime's phase, and prints the figures. */
export function expectOutcome(
  t: Test,
  { finished, view }: Verified,
  what: string,
  expected: { readonly result: string; readonly denied: readonly string[] },
): void {
  const failing = view.denied.filter(({ lineage }) => lineage !== 'runtime').map(deniedLine)
  t.same({ result: view.result, denied: failing }, expected, what)
  t.equal(
    finished.code,
    { holds: 0, 'does-not-hold': 3, unknown: 1 }[view.result],
    `${what}: status`,
  )
  const statuses = view.runs.map(({ status }) => status ?? '-').join(' ')
  const denied = view.denied.map(deniedLine).join('; ') || 'nothing'
  t.comment(
    `${what}: ${view.result}; without it ${view.reference.status ?? '-'}, under it ${statuses}; denied ${denied}`,
  )
}
