/** `plimsoll profile verify`: run an image under its profile, and tell what was denied. */
import { type Command, Option } from 'commander'
import type { Baseline } from '../baseline/baseline.js'
import type { ImageIdentity } from '../baseline/image-identity.js'
import { recordVerification } from '../engine/verify-record.js'
import { type VerifyOptions, verifyProfile } from '../engine/verify.js'
import { failure, quoted } from '../errors.js'
import { type EngineName, ENGINES } from '../workload/container-engine.js'
import { command, type Context, jsonOption, printJson } from './context.js'
import { durationMs, positiveCount } from './duration.js'
import { verificationText, verificationView } from './verify-text.js'

interface VerifyFlags {
  readonly runtime?: EngineName
  readonly times: number
  readonly for: number
  readonly network: 'none' | 'host'
  readonly user?: string
  readonly nnp?: boolean
  readonly engineArg: readonly string[]
  readonly json?: boolean
}

const DEFAULT_TIMES = 3
const DEFAULT_FOR_MS = 10_000

/** Exit status by result. */
const STATUS = { holds: 0, unknown: 1, 'does-not-hold': 3 } as const

/** What would take the container from under the profile, or from under plimsoll. */
const FORBIDDEN = /^--(?:privileged|rm|name|net(?:work)?|user|cidfile)\b|seccomp/

/** What ends a verification early; its containers are removed all the same. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function verifyCommand(context: Context): Command {
  return command(
    'verify',
    'run an image under a profile several times, and tell which calls were denied',
  )
    .argument('<image>', 'the image, by name or id')
    .argument('<file>', 'the profile')
    .argument('[command...]', "run this instead of the image's own command, after --")
    .addOption(
      new Option(
        '--runtime <runtime>',
        'run it with this (default: podman if it has the image)',
      ).choices(ENGINES),
    )
    .option('--times <n>', 'run it so often', positiveCount, DEFAULT_TIMES)
    .option(
      '--for <duration>',
      'ask a container that runs longer to end (default: 10s)',
      durationMs,
      DEFAULT_FOR_MS,
    )
    .addOption(
      new Option('--network <network>', 'its network').choices(['none', 'host']).default('none'),
    )
    .option('--user <user>', 'run it as this user')
    .option('--nnp', 'run it with no-new-privileges')
    .option(
      '--engine-arg <arg>',
      'give this to podman or docker create, e.g. --engine-arg=--volume=/etc/web:/etc/web:ro; may be repeated',
      (arg: string, all: readonly string[]) => [...all, arg],
      [],
    )
    .addOption(jsonOption())
    .action((image: string, path: string, argv: string[], flags: VerifyFlags) => {
      checkUsage(flags)
      return runVerification(context, { reference: image, name: image }, path, argv, flags)
    })
}

/** Verifies with the image's own entrypoint and the defaults, and sets the exit status. */
export async function verifyLearned(
  context: Context,
  image: ImageIdentity,
  path: string,
  json: boolean | undefined,
): Promise<void> {
  const flags: VerifyFlags = {
    times: DEFAULT_TIMES,
    for: DEFAULT_FOR_MS,
    network: 'none',
    engineArg: [],
    ...(json === undefined ? {} : { json }),
  }
  await runVerification(context, { reference: image.digest, name: image.name }, path, [], flags)
}

/** That the profile at `path` was never run, and the command that does it. */
export function notVerified({ image }: Baseline, path: string): string {
  return `not verified yet: plimsoll profile verify ${quoted(image.name)} ${quoted(path)}`
}

async function runVerification(
  context: Context,
  image: VerifyOptions['image'],
  path: string,
  argv: readonly string[],
  flags: VerifyFlags,
): Promise<void> {
  const { terminal } = context
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of STOPPING) process.on(signal, onSignal)
  try {
    terminal.progress('attaching the probes ...')
    const verification = await verifyProfile({
      env: terminal.env,
      image,
      path,
      engine: flags.runtime,
      times: flags.times,
      forMs: flags.for,
      container: containerOf(argv, flags),
      stop: stop.signal,
      events: {
        running: (run) =>
          terminal.progress(
            run === 0
              ? 'verifying: running it without the profile'
              : `verifying: run ${run} of ${flags.times}`,
          ),
      },
    })
    const isRecorded = await recordVerification(verification)
    terminal.progress('')
    if (flags.json === true) printJson(context, verificationView(verification))
    else terminal.out(verificationText(verification))
    if (isRecorded) terminal.say('plimsoll: noted in the provenance beside the profile')
    context.status = STATUS[verification.verdict.result]
  } finally {
    for (const signal of STOPPING) process.off(signal, onSignal)
  }
}

function containerOf(argv: readonly string[], flags: VerifyFlags): VerifyOptions['container'] {
  return {
    command: argv,
    network: flags.network,
    user: flags.user,
    noNewPrivileges: flags.nnp ?? false,
    engineArguments: flags.engineArg,
  }
}

function checkUsage({ engineArg }: VerifyFlags): void {
  const forbidden = engineArg.find((arg) => FORBIDDEN.test(arg))
  if (forbidden !== undefined) {
    throw failure('USAGE', {
      problem: `--engine-arg ${forbidden} is not for a verification: plimsoll itself sets filter, network, user and name`,
    })
  }
}
