/**
 * Puts the probe files that a mode needs together into one bpftrace program. bpftrace 0.17 and 0.23 accept one BEGIN and one
 * END, so those are merged; a clause that several files share, such as the heartbeat, is kept once. Pure.
 */
import { clausesOf, type Clause } from './clauses.js'

/**
 * Files under `probes/`, in the order in which they are put together. `session` frames the others; `denials` asks for the
 * lineage of a task that ends, before `exec` forgets it.
 */
export const PROBES = [
  'session',
  'cgroup',
  'denials',
  'exec',
  'syscalls',
  'ioctl',
  'connect',
  'datagram',
  'capability',
  'io-uring',
] as const
export type ProbeName = (typeof PROBES)[number]

/** Probes that a mode has only where it asks for them. */
const BY_CHOICE: ReadonlySet<ProbeName> = new Set(['denials', 'ioctl'])

/** What learning needs. */
export const LEARNING_PROBES: readonly ProbeName[] = PROBES.filter((name) => !BY_CHOICE.has(name))

/** The same, and which requests ioctl is called with. */
export const LEARNING_PROBES_IOCTL: readonly ProbeName[] = PROBES.filter(
  (name) => name !== 'denials',
)

/** What enforcement needs: all that learning sees, and what filters refuse. */
export const ENFORCE_PROBES: readonly ProbeName[] = PROBES.filter((name) => name !== 'ioctl')

/** What is needed to see whether a filter refuses what a container does. */
export const DENIAL_PROBES: readonly ProbeName[] = ['session', 'cgroup', 'denials', 'exec']

/**
 * The program of those probe files (`texts` by name; `session` has to be among them), in the order of `PROBES`. A probe
 * without a text is left out.
 * Deterministic. The last clause of `session` becomes the last clause of the program: readiness depends on that.
 */
export function programOf(texts: Readonly<Partial<Record<ProbeName, string>>>): string {
  const begin: string[] = []
  const end: string[] = []
  const clauses: string[] = []
  let last = ''
  for (const name of PROBES) {
    const parts = clausesOf(texts[name] ?? '')
    for (const clause of parts) {
      if (clause.head === 'BEGIN') addStatements(begin, clause)
      else if (clause.head === 'END') addStatements(end, clause)
      else if (name === 'session' && clause === parts.at(-1)) last = textOf(clause)
      else if (!clauses.includes(textOf(clause))) clauses.push(textOf(clause))
    }
  }
  return [
    `BEGIN\n{\n${begin.join('\n')}\n}`,
    ...clauses,
    `END\n{\n${end.join('\n')}\n}`,
    last,
    '',
  ].join('\n\n')
}

function addStatements(into: string[], clause: Clause): void {
  for (const line of clause.body.split('\n')) {
    if (!into.includes(line.trim())) into.push(line.trim())
  }
}

function textOf(clause: Clause): string {
  return `${clause.head}\n{\n${clause.body}\n}`
}
