/** `plimsoll calibrate`: measure the floors of this host's runtimes, keep them, and say how they compare. */
import { type Command, Option } from 'commander'
import { calibrate, type Calibration } from '../engine/calibrate.js'
import { previousFloor, saveFloor, shippedFloor } from '../engine/floors.js'
import { quoted } from '../errors.js'
import { comparedFloors } from '../seccomp/floor-compare.js'
import { RUNTIMES, type Runtime } from '../seccomp/floor-tables.js'
import { calibrationText, type KeptFloor } from './calibrate-text.js'
import {
  command,
  type Context,
  jsonOption,
  printJson,
  stateDirectory,
  stateOption,
} from './context.js'
import { plural } from './plural.js'

interface Flags {
  readonly runtime?: Runtime
  readonly state?: string
  readonly json?: boolean
}

export function calibrateCommand(context: Context): Command {
  return command(
    'calibrate',
    "measure what this host's container runtimes call under their own filter",
  )
    .addOption(
      new Option('--runtime <runtime>', 'only this one (default: all that run here)').choices(
        RUNTIMES,
      ),
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .action((flags: Flags) => runCalibration(context, flags))
}

async function runCalibration(context: Context, flags: Flags): Promise<void> {
  const { terminal } = context
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of STOPPING) process.on(signal, onSignal)
  try {
    const startedMs = Date.now()
    terminal.progress('attaching the probes ...')
    const calibrations = await calibrate({
      env: terminal.env,
      runtimes: flags.runtime === undefined ? [] : [flags.runtime],
      stop: stop.signal,
      progress: (runtime, round, { floors, quiet }) => {
        const names = new Set(floors.flatMap((floor) => Object.keys(floor.names)))
        terminal.progress(
          `${runtime}: round ${round}, ${plural(names.size, 'call')}, nothing new in ${plural(quiet, 'round')}`,
        )
      },
    })
    terminal.say(`plimsoll: measured in ${((Date.now() - startedMs) / 1000).toFixed(0)} s`)
    const results: (KeptFloor | Unavailable)[] = []
    for (const calibration of calibrations) {
      results.push(
        calibration.kind === 'measured' ? await kept(calibration, flags, context) : calibration,
      )
    }
    print(context, results, flags.json === true)
  } finally {
    for (const signal of STOPPING) process.off(signal, onSignal)
  }
}

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type Unavailable = Extract<Calibration, { kind: 'unavailable' }>

async function kept(
  { document, spoiled }: Extract<Calibration, { kind: 'measured' }>,
  flags: Flags,
  { terminal }: Context,
): Promise<KeptFloor> {
  const stateDir = stateDirectory(flags.state, terminal.env)
  const shipped = await shippedFloor(document)
  const previous = await previousFloor(stateDir, document)
  return {
    kind: 'measured',
    document,
    path: await saveFloor(stateDir, document),
    spoiled,
    toShipped: shipped === undefined ? null : comparedFloors(shipped, document),
    toPrevious: previous === undefined ? null : comparedFloors(previous, document),
  }
}

/** Results on stdout; runtimes that do not run here on stderr, unless a program reads. */
function print(
  context: Context,
  results: readonly (KeptFloor | Unavailable)[],
  asJson: boolean,
): void {
  if (asJson) {
    printJson(context, results)
    return
  }
  for (const result of results) {
    if (result.kind === 'unavailable') {
      context.terminal.say(
        `plimsoll: ${result.runtime} was not measured: ${quoted(result.problem)}`,
      )
    } else context.terminal.out(calibrationText(result))
  }
}
