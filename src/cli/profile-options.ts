/** The choices that a profile is built with, as every command has them that builds one. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_PROFILE, type ProfileOptions } from '../engine/profile.js'
import { ARGUMENT_CALLS, type ArgumentCall } from '../kernel/arguments.js'
import type { Lineage } from '../observation.js'
import type { Runtime } from '../seccomp/floor-tables.js'
import type { Strength } from '../seccomp/profile.js'
import { type Context, floorsOf } from './context.js'

export interface ProfileFlags {
  readonly state?: string
  readonly strength: Strength
  readonly runtime?: Runtime
  readonly assumeNnp?: boolean
  readonly lineage: readonly Lineage[]
  readonly arguments: readonly ArgumentCall[]
  readonly families: boolean
}

/** Adds the options to a command. */
export function withProfileOptions(sub: Command): Command {
  return sub
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
}

/** What the flags mean, with the floors of this host. */
export async function profileOptionsOf(
  flags: ProfileFlags,
  context: Context,
): Promise<ProfileOptions> {
  return {
    lineages: flags.lineage,
    strength: flags.strength,
    runtimes: flags.runtime === undefined ? [] : [flags.runtime],
    assumeNoNewPrivileges: flags.assumeNnp ?? false,
    arguments: flags.arguments,
    families: flags.families,
    floors: await floorsOf(flags.state, context),
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
