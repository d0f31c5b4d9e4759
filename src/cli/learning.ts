/** What `learn` and `record` share: their options, the run itself, and what is said while it goes and when it is done. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Baseline } from '../baseline/baseline.js'
import { failure, quoted } from '../errors.js'
import { jsonText } from '../engine/json-text.js'
import { keep } from '../engine/keep.js'
import type { Learned, LearnOptions } from '../engine/learn.js'
import { learnCommand } from '../engine/learn-command.js'
import { learnContainers } from '../engine/learn-containers.js'
import { exportFileName } from '../engine/profile-export.js'
import type { SelectionModes } from '../engine/learning-selection.js'
import { serveLearning } from '../engine/serve-learning.js'
import { DEFAULT_PROFILE, profileOf, writeProfile } from '../engine/profile.js'
import type { KnownFloor } from '../seccomp/floor.js'
import { forwardSignals } from '../workload/signals.js'
import { isForeground } from '../workload/terminal.js'
import {
  changingOf,
  type Context,
  floorsOf,
  jsonOption,
  stateDirectory,
  stateOption,
  storeOf,
} from './context.js'
import { durationMs, positiveCount } from './duration.js'
import { learningEvents } from './learning-events.js'
import { plural } from './plural.js'
import { ProgressTicker } from './progress-ticker.js'
import { summaryLines, summaryOf } from './summary.js'
import { notVerified, verifyLearned } from './verify.js'

export interface LearningFlags {
  readonly state?: string
  readonly out?: string
  readonly seccomp?: string
  readonly for?: number
  readonly runs?: number
  readonly untilStable?: boolean
  readonly image?: string
  readonly container?: string
  readonly all?: boolean
  readonly ioctl?: boolean
  readonly listen?: string
  readonly verify?: boolean
  readonly json?: boolean
}

/** Adds the options and the command to learn. */
export function withLearningOptions(command: Command): Command {
  return command
    .argument('[command...]', 'a command to run and learn, after --')
    .option('--all', 'learn every container that runs or starts')
    .option('--image <ref>', 'learn containers of this image')
    .option('--container <name>', 'learn the container of this name or id')
    .option('--for <duration>', 'stop after this time, e.g. 60s or 10m', durationMs)
    .option('--runs <n>', 'stop after so many containers have ended', positiveCount)
    .option(
      '--until-stable',
      'stop when nothing new is expected: 20 runs or 60 s windows, less than 1 new item in 20 of them, none in the last 10',
    )
    .option('--ioctl', 'also learn which requests ioctl is called with')
    .option(
      '--listen <address>',
      'serve what is learned over gRPC meanwhile, e.g. unix:/run/plimsoll/learn.sock',
    )
    .option('--seccomp <file>', 'write the seccomp profile there')
    .option('--out <dir>', 'write a profile per image to this directory')
    .option('--verify', 'then run the image under the profile, and end with the verdict')
    .addOption(stateOption())
    .addOption(jsonOption())
}

/** Learns as the flags say, keeps the baselines, prints the summary, and sets the exit status. */
export async function runLearning(
  context: Context,
  argv: readonly string[],
  flags: LearningFlags,
  tracePath: string | undefined,
): Promise<void> {
  checkUsage(argv, flags)
  // Before anything is learned: a damaged one must not come up when the profile is due.
  const floors = await floorsOf(flags.state, context)
  const store = storeOf(flags.state, context)
  const stop = new AbortController()
  const timer: { value?: NodeJS.Timeout } = {}
  const ticker = new ProgressTicker({
    terminal: context.terminal,
    store,
    isCommand: argv.length > 0,
    onStable: flags.untilStable === true ? () => stop.abort() : undefined,
  })
  const events = learningEvents(context.terminal, ticker, () => {
    ticker.start()
    if (flags.for !== undefined) timer.value ??= setTimeout(() => stop.abort(), flags.for)
  })
  const served =
    flags.listen === undefined
      ? undefined
      : await serveLearning(flags.listen, process.cwd(), store, changingOf(flags.state, context))
  if (served) context.terminal.say(`plimsoll: listening on ${quoted(served.address)}`)
  const options: LearnOptions = {
    env: context.terminal.env,
    events: served?.heard(events) ?? events,
    ioctl: flags.ioctl ?? false,
    tracePath,
    stop: stop.signal,
  }
  const onSignal = (): void => stop.abort()
  const listen = (): void => {
    for (const signal of STOPPING) process.on(signal, onSignal)
  }
  const release = (): void => {
    for (const signal of STOPPING) process.off(signal, onSignal)
  }
  listen()
  try {
    const { learned, status, note } = await (argv.length > 0
      ? learnOneCommand(argv, options, { listen, release })
      : learnMany(flags, options, served?.modes))
    const kept = await keep(
      store,
      learned.session.baselines(),
      stateDirectory(flags.state, context.terminal.env),
    )
    await writeProfiles(context, kept, flags, floors)
    report(context, kept, flags, floors, argv.length > 0)
    if (note !== '') context.terminal.say(`plimsoll: ${note}`)
    context.status = status
    if (learned.traceFailure) throw learned.traceFailure
    const [baseline] = kept
    if (flags.verify === true && flags.seccomp !== undefined && baseline !== undefined) {
      await verifyLearned(context, baseline.image, flags.seccomp, flags.json)
    }
  } finally {
    release()
    ticker.stop()
    clearTimeout(timer.value)
    await served?.stop()
  }
}

/** What ends learning; while a command runs, it is the command that gets them. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

interface Outcome {
  readonly learned: Learned
  readonly status: number
  readonly note: string
}

async function learnOneCommand(
  argv: readonly string[],
  options: LearnOptions,
  own: { readonly listen: () => void; readonly release: () => void },
): Promise<Outcome> {
  const learned = await learnCommand({
    ...options,
    argv,
    cwd: process.cwd(),
    onStarted: (command, kill) => {
      own.release()
      const end = forwardSignals({
        source: process,
        command,
        kill,
        isForeground: () => isForeground(),
        nowMs: () => Date.now(),
      })
      return () => {
        // From here on a signal must not cost what was learned.
        own.listen()
        end()
      }
    },
  })
  return {
    learned,
    status: learned.status,
    note: learned.leftBehind ? 'processes that the command left running were ended with it' : '',
  }
}

async function learnMany(
  flags: LearningFlags,
  options: LearnOptions,
  modes: SelectionModes | undefined,
): Promise<Outcome> {
  const learned = await learnContainers({
    ...options,
    runs: flags.runs,
    selectable: (selection, give) => modes?.begin(selection, give),
    selection: {
      all: flags.all ?? false,
      image: flags.image ?? '',
      container: flags.container ?? '',
    },
  })
  modes?.end()
  const isEmpty = learned.session.baselines().length === 0
  return { learned, status: 0, note: isEmpty ? 'no such container ran; nothing was learned' : '' }
}

function checkUsage(argv: readonly string[], flags: LearningFlags): void {
  const targets = [argv.length > 0, flags.all, flags.image, flags.container].filter(Boolean).length
  if (targets !== 1) {
    throw failure('USAGE', {
      problem:
        'say what to learn: a command after --, or one of --image REF, --container NAME, --all',
    })
  }
  if (flags.verify === true && (argv.length > 0 || flags.seccomp === undefined)) {
    throw failure('USAGE', {
      problem:
        argv.length > 0
          ? '--verify runs an image under its profile; for a command there is nothing that would load it'
          : '--verify needs --seccomp FILE, the profile to verify',
    })
  }
  if (argv.length > 0 && flags.runs !== undefined) {
    throw failure('USAGE', { problem: '--runs counts containers; a command is one run' })
  }
}

async function writeProfiles(
  context: Context,
  baselines: readonly Baseline[],
  flags: LearningFlags,
  floors: readonly KnownFloor[],
): Promise<void> {
  if (flags.seccomp !== undefined) {
    const [baseline, ...others] = baselines
    if (baseline === undefined || others.length > 0) {
      throw failure('NOTHING_LEARNED', {
        problem: `--seccomp is for one image, and ${plural(baselines.length, 'image')} ran`,
        remedy: 'Run the container while plimsoll learns; for several images use --out DIR.',
      })
    }
    await writeOne(context, flags.seccomp, baseline, floors)
  }
  if (flags.out !== undefined) {
    await mkdir(flags.out, { recursive: true })
    for (const baseline of baselines) {
      await writeOne(
        context,
        join(flags.out, exportFileName(baseline.image, 'oci')),
        baseline,
        floors,
      )
    }
  }
}

async function writeOne(
  context: Context,
  path: string,
  baseline: Baseline,
  floors: readonly KnownFloor[],
): Promise<void> {
  const built = profileOf(baseline, { ...DEFAULT_PROFILE, floors })
  await writeProfile(path, built, baseline)
  for (const note of [...built.floorNotes, ...built.notes]) context.terminal.say(`note: ${note}`)
  const isVerifiable = baseline.image.kind === 'container'
  context.terminal.say(
    `plimsoll: profile written to ${quoted(path)}; ${isVerifiable ? notVerified(baseline, path) : 'not verified'}`,
  )
}

/** The summary: on stdout, but on stderr for a command, whose stdout is its own. */
function report(
  context: Context,
  baselines: readonly Baseline[],
  flags: LearningFlags,
  floors: readonly KnownFloor[],
  isCommand: boolean,
): void {
  const summaries = baselines.map((baseline) => summaryOf(baseline, floors))
  const text =
    flags.json === true
      ? jsonText(summaries)
      : summaries.flatMap((summary) => summaryLines(summary)).join('\n')
  if (text === '') return
  if (isCommand) context.terminal.say(text)
  else context.terminal.out(`${text}\n`)
}
