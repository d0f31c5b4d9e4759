/** `plimsoll profile diff`: what one profile lets through that another does not, and the check for CI. */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { readProfileSide } from '../engine/profile-file.js'
import { profileOf } from '../engine/profile.js'
import { originsOfBuilt } from '../engine/profile-origins.js'
import { profileDiff, type ProfileSide } from '../seccomp/profile-diff.js'
import { serializeProfile } from '../seccomp/profile.js'
import { parseExact } from '../workload/json-splice.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { profileDiffText, profileDiffView } from './profile-diff-text.js'
import { type ProfileFlags, profileOptionsOf, withProfileOptions } from './profile-options.js'

interface DiffFlags extends ProfileFlags {
  readonly json?: boolean
  readonly check?: boolean
}

/** Answer "no": something is let through that was not. */
const IS_WIDER = 3

const FILE_OR_REFERENCE =
  'a profile (*.json, /..., ./... or a file that exists), or a baseline, for the profile of it'

export function profileDiffCommand(context: Context): Command {
  return withProfileOptions(
    command('diff', 'show which calls a later profile lets through that an earlier one does not'),
  )
    .argument('<before>', FILE_OR_REFERENCE)
    .argument('<after>', 'likewise')
    .option('--check', 'exit with status 3 if anything more is let through')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (beforeRef: string, afterRef: string, flags: DiffFlags) => {
      const diff = profileDiff(
        await sideOf(context, beforeRef, flags),
        await sideOf(context, afterRef, flags),
      )
      if (flags.json === true) printJson(context, profileDiffView(diff))
      else context.terminal.out(profileDiffText(diff))
      if (flags.check === true && diff.isWider) context.status = IS_WIDER
    })
}

async function sideOf(context: Context, ref: string, flags: DiffFlags): Promise<ProfileSide> {
  if (await isFile(ref)) return readProfileSide(ref)
  const baseline = await storeOf(flags.state, context).load(ref)
  const built = profileOf(baseline, await profileOptionsOf(flags, context))
  return {
    document: parseExact(serializeProfile(built.profile)),
    origins: originsOfBuilt(built),
  }
}

/** A slash in the middle does not make a file: most image names have one. None begins with a slash or a dot. */
async function isFile(ref: string): Promise<boolean> {
  if (ref.endsWith('.json') || /^\.{0,2}\//.test(ref)) return true
  const found = await stat(ref).catch(() => undefined)
  return found?.isFile() ?? false
}
