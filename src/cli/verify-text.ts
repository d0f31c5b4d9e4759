/** A verification in lines for a person, and as a value for a program. Everything foreign in it is safe to show. */
import { displayOf } from '../bytes.js'
import type { DeniedInRuns, Difference, Doubt, SeenRun, Standing } from '../engine/verdict.js'
import { saidLines } from '../engine/said-lines.js'
import type { Verification } from '../engine/verify.js'
import { quoted } from '../errors.js'
import { answerLabel } from '../kernel/denial-answer.js'
import { NEVER_LEARNED } from '../kernel/syscall-danger.js'
import { plural } from './plural.js'
import { reasonText } from './summary.js'
import { table } from './table.js'

/** What `--json` prints. */
export function verificationView(verification: Verification): unknown {
  const { reference, runs, verdict, libseccomp, unknownNames, atMs, ...more } = verification
  const { otherwiseAnswered, ...facts } = more
  return {
    result: verdict.result,
    ...facts,
    at: new Date(atMs).toISOString(),
    libseccomp: libseccomp === undefined ? null : { ...libseccomp, unknownNames },
    denied: verdict.denied.map(({ answer, programs, ...call }) => ({
      ...call,
      answer: answerLabel(answer),
      programs: programs.map(displayOf),
    })),
    differences: verdict.differences,
    doubts: verdict.doubts,
    otherwiseAnswered: otherwiseAnswered.map(({ name }) => name),
    reference: runView(reference),
    runs: runs.map(runView),
  }
}

function runView({ end, wasStopped, said, denials }: SeenRun): unknown {
  return {
    end: end.kind,
    status: end.kind === 'exited' ? end.status : null,
    wasStopped,
    denied: denials?.denied.reduce((sum, { count }) => sum + count, 0) ?? null,
    said: saidLines(said),
  }
}

/** The text for a person; ends with a newline. */
export function verificationText(verification: Verification): string {
  const { image, path, engine, runtime, kernel, reference, runs, verdict } = verification
  const host = [engine, runtime, `Linux ${kernel}`].filter((word) => word !== '').join(', ')
  const failed = new Set(verdict.differences.map(({ run }) => run))
  const told = new Set<string>()
  const saidOf = (run: SeenRun): readonly string[] => {
    const lines = saidLines(run.said).map((line) => `    | ${line}`)
    const isNew = !told.has(lines.join())
    told.add(lines.join())
    return isNew ? lines : []
  }
  const lines = [
    `${quoted(image)} under ${quoted(path)} (${quoted(host)})`,
    `  without it  ${endOf(reference)}`,
    ...runs.flatMap((run, i) => [
      `  ${`run ${i + 1}`.padEnd(10)}  ${endOf(run)}`,
      ...(failed.has(i + 1) ? saidOf(run) : []),
    ]),
  ]
  const notes = notesOf(verification).map((note) => `note: ${note}`)
  const denied = verdict.denied.length === 0 ? '' : `\n${deniedTable(verdict.denied)}\n`
  const end = [...notes, ...verdictLines(verification)]
  return `${lines.join('\n')}\n${denied}${end.join('\n')}\n`
}

function endOf({ end, wasStopped }: SeenRun): string {
  if (end.kind === 'not-started') return 'did not start'
  const how = end.kind === 'exited' ? `exit status ${end.status}` : 'nobody says how it ended'
  return wasStopped ? `stopped when its time was over, ${how}` : how
}

const STANDING_TEXT: Readonly<Record<Standing, string>> = {
  fails: '',
  expected: 'expected: libc calls clone instead',
  own: 'also refused without the profile',
  runtime: 'by the runtime itself',
}

function deniedTable(denied: readonly DeniedInRuns[]): string {
  return table(
    ['DENIED', 'ABI', 'LINEAGE', 'ANSWER', 'TIMES', 'RUNS', 'BY', ''],
    denied.map((call) => [
      call.name,
      call.abi,
      call.lineage,
      answerLabel(call.answer),
      String(call.count),
      String(call.runs),
      call.programs.map(displayOf).join(' ') || '?',
      STANDING_TEXT[call.standing],
    ]),
  )
}

function notesOf(verification: Verification): readonly string[] {
  const { libseccomp, unknownNames, reference, defaultAction } = verification
  const notes: string[] = []
  if (libseccomp === undefined) {
    notes.push("the runtime's libseccomp was not found; rules with names it does not know are void")
  } else if (unknownNames.length > 0) {
    const which = `libseccomp ${libseccomp.version} (${libseccomp.path})`.replace('  ', ' ')
    const names = unknownNames.map(quoted).join(', ')
    notes.push(`${quoted(which)} does not know ${names}: rules with such names are void here`)
  }
  const [other] = verification.otherwiseAnswered
  if (other !== undefined) {
    notes.push(
      `${verification.engine} answers what the profile does not name with ${answerLabel(other.answer)}, ` +
        'not as its defaultErrnoRet says: docker 20.10 does not know that field, and libc does not fall back on EPERM',
    )
  }
  if (defaultAction === 'SCMP_ACT_LOG' || defaultAction === 'SCMP_ACT_ALLOW') {
    notes.push('the profile lets through what it does not name, so that little can be denied')
  }
  const { end, wasStopped } = reference
  if (end.kind === 'exited' && end.status !== 0 && !wasStopped) {
    notes.push(
      `without the profile it ends with status ${end.status} as well; was enough of it run?`,
    )
  }
  return notes
}

function verdictLines(verification: Verification): readonly string[] {
  const { verdict, runs } = verification
  const failing = verdict.denied.filter(({ standing }) => standing === 'fails')
  const doubts = verdict.doubts.map(doubtText)
  switch (verdict.result) {
    case 'holds':
      return [`holds: ${plural(runs.length, 'run')} ended as without the profile, nothing denied`]
    case 'unknown':
      return [
        `unknown: nothing was seen to fail, but ${doubts.join('; ')}`,
        'hint: verify it again; `plimsoll doctor` checks what the sensor needs.',
      ]
    case 'does-not-hold': {
      const reasons = [
        ...failing.map(deniedText),
        ...differenceTexts(verdict.differences, runs.length),
      ]
      return [
        `does not hold: ${reasons.join('; ')}`,
        ...(doubts.length === 0 ? [] : [`note: and ${doubts.join('; ')}`]),
        `hint: ${hintFor(failing, verification)}`,
      ]
    }
  }
}

function deniedText({ name, abi, answer, count, runs, programs }: DeniedInRuns): string {
  const by = programs.length === 0 ? '' : ` by ${programs.map(displayOf).join(', ')}`
  const where = abi === 'x86_64' ? '' : ` (${abi})`
  return `${name}${where} was denied with ${answerLabel(answer)}, ${plural(count, 'time')} in ${plural(runs, 'run')}${by}`
}

/** One text per kind of difference, however many runs show it. */
function differenceTexts(differences: readonly Difference[], runs: number): readonly string[] {
  const counts = new Map<string, number>()
  for (const difference of differences) {
    const text = differenceText(difference)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return [...counts].map(([text, count]) => `${count} of ${plural(runs, 'run')} ${text}`)
}

function differenceText(difference: Difference): string {
  switch (difference.kind) {
    case 'not-started':
      return 'did not start'
    case 'status':
      return `ended with status ${difference.status}`
    case 'kept-running':
      return 'went on when their time was over'
    case 'ended-early':
      return 'ended before their time was over'
  }
}

function doubtText(doubt: Doubt): string {
  switch (doubt.kind) {
    case 'missed':
      return reasonText(doubt.missed)
    case 'no-end':
      return `nobody says how ${doubt.run === 0 ? 'the run without it' : `run ${doubt.run}`} ended`
    case 'unseen':
      return `the cgroup of run ${doubt.run} was not seen`
    case 'unpaired':
      return `not every call of run ${doubt.run} was seen whole`
    case 'unfiltered':
      return `run ${doubt.run} was under no filter`
    case 'interrupted':
      return 'it was stopped before all runs were over'
  }
}

function hintFor(failing: readonly DeniedInRuns[], { verdict, image, path }: Verification): string {
  const isKeptFromStarting = verdict.differences.some(({ kind }) => kind === 'not-started')
  const dangerous = failing.map(({ name }) => name).filter((name) => NEVER_LEARNED.has(name))
  if (failing.length === 0) {
    return isKeptFromStarting
      ? 'the profile lacks calls that the runtime itself needs; `plimsoll profile` puts them in.'
      : 'no call was denied: the image may end differently from run to run by itself.'
  }
  const learn = `learn runs of ${quoted(image)} that do this, and write ${quoted(path)} again`
  return dangerous.length === 0
    ? `${learn}.`
    : `${learn}; ${dangerous.join(', ')} is never learned and needs a person's approval.`
}
