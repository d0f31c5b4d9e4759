/** `plimsoll profile`: make a seccomp profile from a baseline, or check one that is there. */
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type ProfileOptions, profileOf, writeProfile } from '../engine/profile.js'
import { asProblem, failure, quoted } from '../errors.js'
import { comparedToDockerDefault } from '../seccomp/docker-default.js'
import type { Strength } from '../seccomp/build.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import { serializeProfile } from '../seccomp/profile.js'
import { problemsOf } from '../seccomp/validate.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { plural } from './plural.js'

interface ProfileFlags {
  readonly state?: string
  readonly out?: string
  readonly strength: Strength
  readonly runtime?: Runtime
  readonly assumeNnp?: boolean
}

/** Answer "no": the profile has errors. */
const HAS_ERRORS = 3

/** Largest file that is looked at; profiles are bounded at a tenth of it. */
const MAX_BYTES = 16 * 1024 * 1024

export function profileCommand(context: Context): Command {
  return command('profile', 'make a seccomp profile from a baseline')
    .argument('<ref>', 'image name, digest or at least 6 digits of it')
    .option(
      '--out <file>',
      'write it there, with its provenance beside it (default: standard output)',
    )
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
    .addOption(stateOption())
    .action((ref: string, flags: ProfileFlags) => make(context, ref, flags))
    .addCommand(check(context))
}

async function make(context: Context, ref: string, flags: ProfileFlags): Promise<void> {
  const { terminal } = context
  const baseline = await storeOf(flags.state, context).load(ref)
  const options: ProfileOptions = {
    strength: flags.strength,
    runtimes: flags.runtime === undefined ? [] : [flags.runtime],
    assumeNoNewPrivileges: flags.assumeNnp ?? false,
  }
  const built = profileOf(baseline, options)
  if (flags.out === undefined) terminal.out(serializeProfile(built.profile))
  else await writeProfile(flags.out, built, baseline)
  for (const note of built.notes) terminal.say(`note: ${note}`)
  const { profileAllows, fewer } = comparedToDockerDefault([...built.origins.keys()])
  terminal.say(
    `plimsoll: allows ${plural(profileAllows, 'call')}, ${fewer} fewer than Docker's default; not verified yet`,
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
      const problems = problemsOf(await parsed(file))
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

async function parsed(file: string): Promise<unknown> {
  try {
    const text = await readFile(file, 'utf8')
    if (text.length > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`)
    return JSON.parse(text) as unknown
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path: file, problem: asProblem(thrown) }, thrown)
  }
}
