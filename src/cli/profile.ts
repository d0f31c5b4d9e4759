/** `plimsoll profile`: make a seccomp profile from a baseline, or check one that is there. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { exportedProfile, writeExport } from '../engine/profile-export.js'
import { readProfile } from '../engine/profile-file.js'
import { failure, quoted } from '../errors.js'
import { comparedToDockerDefault } from '../seccomp/docker-default.js'
import { PROFILE_FORMATS, type ProfileFormat } from '../seccomp/export.js'
import { isKubernetesName } from '../seccomp/kubernetes-name.js'
import { problemsOf } from '../seccomp/validate.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { plural } from './plural.js'
import { profileDiffCommand } from './profile-diff.js'
import { type ProfileFlags, profileOptionsOf, withProfileOptions } from './profile-options.js'
import { notVerified, verifyCommand } from './verify.js'

interface MakeFlags extends ProfileFlags {
  readonly out?: string
  readonly format: ProfileFormat
  readonly name?: string
}

/** Answer "no": the profile has errors. */
const HAS_ERRORS = 3

export function profileCommand(context: Context): Command {
  return withProfileOptions(command('profile', 'make a seccomp profile from a baseline'))
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
    .addOption(stateOption())
    .action((ref: string, flags: MakeFlags) => make(context, ref, flags))
    .addCommand(check(context))
    .addCommand(profileDiffCommand(context))
    .addCommand(verifyCommand(context))
}

async function make(context: Context, ref: string, flags: MakeFlags): Promise<void> {
  const { terminal } = context
  checkUsage(flags)
  const baseline = await storeOf(flags.state, context).load(ref)
  const options = await profileOptionsOf(flags, context)
  const { built, exported, notes } = exportedProfile(baseline, options, flags.format, flags.name)
  if (flags.out === undefined) terminal.out(exported.text)
  else await writeExport(flags.out, built, baseline, flags.format, exported)
  for (const note of notes) terminal.say(`note: ${note}`)
  const { profileAllows, fewer } = comparedToDockerDefault(exported.allowed)
  const isVerifiable = baseline.image.kind === 'container' && flags.format === 'oci'
  terminal.say(
    `plimsoll: allows ${plural(profileAllows, 'call')}, ${fewer} fewer than Docker's default; ` +
      (flags.out !== undefined && isVerifiable
        ? notVerified(baseline, flags.out)
        : 'not verified yet'),
  )
}

function checkUsage({ format, name, runtime, assumeNnp }: MakeFlags): void {
  if (name !== undefined && format !== 'spo') {
    throw failure('USAGE', { problem: '--name is for --format spo; other formats hold no name' })
  }
  if (format === 'systemd' && (runtime !== undefined || assumeNnp === true)) {
    throw failure('USAGE', {
      problem: '--runtime and --assume-nnp are for containers; no runtime starts a systemd unit',
    })
  }
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
