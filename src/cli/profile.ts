/** `plimsoll profile`: make a seccomp profile from a baseline, or check one that is there. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { exportOf, writeExport } from '../engine/profile-export.js'
import { readProfile } from '../engine/profile-file.js'
import { DEFAULT_PROFILE, type ProfileOptions, profileOf } from '../engine/profile.js'
import { failure, quoted } from '../errors.js'
import { ARGUMENT_CALLS, type ArgumentCall } from '../kernel/arguments.js'
import { comparedToDockerDefault } from '../seccomp/docker-default.js'
import { PROFILE_FORMATS, type ProfileFormat } from '../seccomp/export.js'
import type { Lineage } from '../observation.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import { isKubernetesName } from '../seccomp/kubernetes-name.js'
import type { Strength } from '../seccomp/profile.js'
import { problemsOf } from '../seccomp/validate.js'
import {
  command,
  type Context,
  floorsOf,
  jsonOption,
  printJson,
  stateOption,
  storeOf,
} from './context.js'
import { plural } from './plural.js'
import { notVerified, verifyCommand } from './verify.js'

interface ProfileFlags {
  readonly state?: string
  readonly out?: string
  readonly format: ProfileFormat
  readonly name?: string
  readonly strength: Strength
  readonly runtime?: Runtime
  readonly assumeNnp?: boolean
  readonly lineage: readonly Lineage[]
  readonly arguments: readonly ArgumentCall[]
  readonly families: boolean
}

/** Answer "no": the profile has errors. */
const HAS_ERRORS = 3

export function profileCommand(context: Context): Command {
  return command('profile', 'make a seccomp profile from a baseline')
    .argument('<ref>', 'image name, digest or at least 6 digits of it')
    .option(
      '--out <file>',
      'write it there, with its provenance beside it (default: standard output)',
    )
    .addOption(
      new Option('--format <format>', "for engines, for Kubernetes' operator, or for a unit")
        .choices(PROFILE_FORMATS)
        .default('oci'),
    )
    .option('--name <name>', "with spo: the object's name (default: from the image's)", objectName)
    .addOption(
      new Option('--strength <strength>', 'log, fail or also kill what is not allowed')
        .choices(['complain', 'enforce', 'strict'])
        .default('enforce'),
    )
    .addOption(
      new Option('--runtime <runtime>', 'only this OCI runtime starts it (default: any)').choices([
        'runc',
        'crun',
      ]),
    )
    .option('--assume-nnp', 'it always runs with no_new_privileges, which needs a smaller floor')
    .addOption(
      new Option('--lineage <lineages>', 'whose calls to allow: main, probe, exec')
        .argParser(ownLineages)
        .default(DEFAULT_PROFILE.lineages, DEFAULT_PROFILE.lineages.join(',')),
    )
    .addOption(
      new Option(
        '--arguments <calls>',
        `let these calls through with the arguments they were seen with only, or "none": ${ARGUMENT_CALLS.join(', ')}`,
      )
        .argParser(argumentCalls)
        .default(DEFAULT_PROFILE.arguments, DEFAULT_PROFILE.arguments.join(',')),
    )
    .addOption(
      new Option(
        '--families',
        'also allow what newer builds make instead of the calls that were seen',
      ).default(DEFAULT_PROFILE.families),
    )
    .option('--no-families', 'allow only the calls that were seen, and the floor')
    .addOption(stateOption())
    .action((ref: string, flags: ProfileFlags) => make(context, ref, flags))
    .addCommand(check(context))
    .addCommand(verifyCommand(context))
}

async function make(context: Context, ref: string, flags: ProfileFlags): Promise<void> {
  const { terminal } = context
  checkUsage(flags)
  const baseline = await storeOf(flags.state, context).load(ref)
  const options: ProfileOptions = {
    lineages: flags.lineage,
    strength: flags.strength,
    runtimes: flags.runtime === undefined ? [] : [flags.runtime],
    assumeNoNewPrivileges: flags.assumeNnp ?? false,
    arguments: flags.arguments,
    families: flags.families,
    floors: await floorsOf(flags.state, context),
  }
  const built = profileOf(baseline, options)
  const exported = exportOf(built, baseline, flags.format, flags.name)
  if (flags.out === undefined) terminal.out(exported.text)
  else await writeExport(flags.out, built, baseline, flags.format, exported)
  // No runtime starts a unit, so its drop-in has nothing of their floors.
  const floorNotes = flags.format === 'systemd' ? [] : built.floorNotes
  for (const note of [...floorNotes, ...built.notes, ...exported.notes])
    terminal.say(`note: ${note}`)
  const { profileAllows, fewer } = comparedToDockerDefault(exported.allowed)
  const isVerifiable = baseline.image.kind === 'container' && flags.format === 'oci'
  terminal.say(
    `plimsoll: allows ${plural(profileAllows, 'call')}, ${fewer} fewer than Docker's default; ` +
      (flags.out !== undefined && isVerifiable
        ? notVerified(baseline, flags.out)
        : 'not verified yet'),
  )
}

function checkUsage({ format, name, runtime, assumeNnp }: ProfileFlags): void {
  if (name !== undefined && format !== 'spo') {
    throw failure('USAGE', { problem: '--name is for --format spo; other formats hold no name' })
  }
  if (format === 'systemd' && (runtime !== undefined || assumeNnp === true)) {
    throw failure('USAGE', {
      problem: '--runtime and --assume-nnp are for containers; no runtime starts a systemd unit',
    })
  }
}

function argumentCalls(text: string): readonly ArgumentCall[] {
  if (text === 'none') return []
  return text.split(',').map((name) => {
    const call = ARGUMENT_CALLS.find((known) => known === name)
    if (call === undefined) {
      throw new InvalidArgumentError(
        `Give some of ${ARGUMENT_CALLS.join(',')} with commas in between, or none.`,
      )
    }
    return call
  })
}

/** The runtime's own calls are no choice: they are the floor. */
const OWN_LINEAGES = ['main', 'probe', 'exec'] as const

function ownLineages(text: string): readonly Lineage[] {
  return text.split(',').map((word) => {
    const lineage = OWN_LINEAGES.find((one) => one === word)
    if (lineage !== undefined) return lineage
    throw new InvalidArgumentError(`Give some of ${OWN_LINEAGES.join(', ')}, with commas between.`)
  })
}

function objectName(text: string): string {
  if (isKubernetesName(text)) return text
  throw new InvalidArgumentError(
    "Give a Kubernetes object's name: lower-case letters, digits, - and . in between.",
  )
}

function check(context: Context): Command {
  return command(
    'check',
    'check a seccomp profile, of whatever origin, for what runtimes refuse or misread',
  )
    .argument('<file>', 'the profile')
    .addOption(jsonOption())
    .action(async (file: string, flags: { json?: boolean }) => {
      const problems = problemsOf((await readProfile(file)).document)
      const hasErrors = problems.some((problem) => problem.severity === 'error')
      if (flags.json === true) printJson(context, { ok: !hasErrors, problems })
      else {
        for (const { severity, path, problem } of problems) {
          context.terminal.out(`${severity}: ${quoted(path)}: ${quoted(problem)}\n`)
        }
        context.terminal.out(hasErrors ? 'not usable\n' : 'ok\n')
      }
      if (hasErrors) context.status = HAS_ERRORS
    })
}
