/** `plimsoll apply kubelet`: profiles in the folder that a node's kubelet takes localhost profiles from. */
import { type Command, InvalidArgumentError } from 'commander'
import { appliedProfileOf } from '../engine/apply.js'
import {
  DEFAULT_KUBELET_ROOT,
  kubeletProfiles,
  localhostProfile,
  removeKubeletProfile,
  writeKubeletProfile,
} from '../engine/kubelet-profiles.js'
import { quoted } from '../errors.js'
import { isKubernetesName, kubernetesNameOf } from '../seccomp/kubernetes-name.js'
import { command, type Context, jsonOption, printJson, stateOption, storeOf } from './context.js'
import { type ProfileFlags, profileOptionsOf, withProfileOptions } from './profile-options.js'

interface Flags {
  readonly root: string
  readonly json?: boolean
}

interface WriteFlags extends Flags, ProfileFlags {
  readonly name?: string
  readonly unsealed?: boolean
}

export function applyKubeletCommand(context: Context): Command {
  return withRoot(withProfileOptions(command('kubelet', "write a profile into a kubelet's folder")))
    .argument('<ref>', 'image name, digest or at least 6 digits of it')
    .option('--name <name>', "the profile's name (default: from the image's)", profileName)
    .option('--unsealed', 'also if nobody sealed the baseline')
    .addOption(stateOption())
    .action((ref: string, flags: WriteFlags) => write(context, ref, flags))
    .addCommand(list(context))
    .addCommand(remove(context))
}

function withRoot(sub: Command): Command {
  return sub.option('--root <dir>', "the kubelet's root directory", DEFAULT_KUBELET_ROOT)
}

async function write(context: Context, ref: string, flags: WriteFlags): Promise<void> {
  const { terminal } = context
  const baseline = await storeOf(flags.state, context).load(ref)
  const options = await profileOptionsOf(flags, context)
  const built = appliedProfileOf(baseline, options, flags.unsealed ?? false)
  const name = flags.name ?? kubernetesNameOf(baseline.image.name, baseline.image.digest)
  const path = await writeKubeletProfile(flags.root, name, built, baseline)
  terminal.out(
    `securityContext:\n  seccompProfile:\n    type: Localhost\n    localhostProfile: ${localhostProfile(name)}\n`,
  )
  for (const note of [...built.floorNotes, ...built.notes]) terminal.say(`note: ${note}`)
  if (baseline.decisions.seal === undefined) {
    terminal.say(
      'warning: the baseline is not sealed: nobody has said that it is complete and good',
    )
  }
  terminal.say(
    `plimsoll: wrote ${quoted(path)}; every node that may run the pod needs it, and pods have to name it`,
  )
}

function list(context: Context): Command {
  return withRoot(command('ls', 'list the profiles in the folder'))
    .addOption(jsonOption())
    .action(async ({ root, json }: Flags) => {
      const names = (await kubeletProfiles(root)).map(localhostProfile)
      if (json === true) printJson(context, names)
      else for (const name of names) context.terminal.out(`${quoted(name)}\n`)
    })
}

function remove(context: Context): Command {
  return withRoot(command('rm', 'remove a profile; pods that name it will not start'))
    .argument('<name>', "the profile's name", profileName)
    .action(async (name: string, { root }: Flags) => {
      const isRemoved = await removeKubeletProfile(root, name)
      context.terminal.say(
        `plimsoll: ${isRemoved ? 'removed' : 'there is no'} ${localhostProfile(name)}`,
      )
    })
}

function profileName(text: string): string {
  if (isKubernetesName(text)) return text
  throw new InvalidArgumentError('Give lower-case letters, digits, - and . in between.')
}
