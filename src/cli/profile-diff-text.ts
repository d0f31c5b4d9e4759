/** Differences of profiles for people and for programs. Names in a document are anybody's: every text is escaped here. */
import { quoted } from '../errors.js'
import type { NameChange, NameChangeKind, ProfileDiff } from '../seccomp/profile-diff.js'
import { plural } from './plural.js'
import { table } from './table.js'

const SIGNS: Readonly<Record<NameChangeKind, string>> = {
  added: '+',
  removed: '-',
  wider: '>',
  narrower: '<',
  'other-values': '~',
  answer: '=',
}

const ORDER: readonly NameChangeKind[] = [
  'added',
  'wider',
  'other-values',
  'narrower',
  'removed',
  'answer',
]

/** The text, ending with a newline: a line that counts, then one for each change, the additions first. */
export function profileDiffText(diff: ProfileDiff): string {
  const rows = sorted(diff.names).map(rowOf)
  const head = ['', 'CALL', 'BEFORE', 'AFTER', 'ORIGIN']
  return [
    `${countsText(diff)}\n`,
    ...general(diff),
    ...(rows.length === 0 ? [] : [table(head, rows)]),
  ].join('')
}

/** `1 call added, 2 removed`; `no difference`. */
export function countsText({ names, default: fallback, architectures }: ProfileDiff): string {
  const of = (...kinds: readonly NameChangeKind[]): number =>
    names.filter(({ change }) => kinds.includes(change)).length
  const parts = [
    counted(of('added'), (n) => `${plural(n, 'call')} added`),
    counted(of('wider', 'other-values'), (n) => `${n} let through with more arguments`),
    counted(of('narrower'), (n) => `${n} with fewer`),
    counted(of('removed'), (n) => `${plural(n, 'call')} removed`),
    counted(of('answer'), (n) => `${n} answered otherwise`),
    counted(fallback === undefined ? 0 : 1, () => 'another default'),
    counted(architectures.added.length + architectures.removed.length, () => 'other architectures'),
  ].flat()
  return parts.length === 0 ? 'no difference' : parts.join(', ')
}

/** Plain values in a fixed order, safe to print as JSON. */
export function profileDiffView({
  names,
  default: fallback,
  architectures,
  isWider,
}: ProfileDiff): unknown {
  return {
    wider: isWider,
    default: fallback ?? null,
    architectures,
    calls: sorted(names).map(({ name, change, before, after, origins }) => ({
      name: quoted(name),
      change,
      before,
      after,
      origins,
    })),
  }
}

function counted(count: number, text: (count: number) => string): readonly string[] {
  return count === 0 ? [] : [text(count)]
}

function general({ default: fallback, architectures }: ProfileDiff): readonly string[] {
  return [
    ...(fallback === undefined
      ? []
      : [`every other call: ${fallback.before} before, ${fallback.after} after\n`]),
    ...architectures.added.map((name) => `+ architecture ${quoted(name)}\n`),
    ...architectures.removed.map((name) => `- architecture ${quoted(name)}\n`),
  ]
}

function sorted(names: readonly NameChange[]): readonly NameChange[] {
  return ORDER.flatMap((kind) => names.filter(({ change }) => change === kind))
}

function rowOf({ name, change, before, after, origins }: NameChange): readonly string[] {
  return [SIGNS[change], quoted(name), before, after, origins.map(quoted).join(', ')]
}
