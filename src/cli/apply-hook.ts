/** `plimsoll apply hook`: the hook by which podman and CRI-O start containers under applied profiles. */
import { resolve } from 'node:path'
import { type Command } from 'commander'
import {
  DEFAULT_HOOKS_DIR,
  findHook,
  hookPath,
  installHook,
  removeHook,
} from '../engine/hook-file.js'
import { quoted } from '../errors.js'
import { command, type Context, jsonOption, printJson } from './context.js'
import {
  callView,
  failText,
  type InstallFlags,
  installationOf,
  withInstallOptions,
} from './installation.js'

interface Flags {
  readonly dir: string
  readonly json?: boolean
}

export function applyHookCommand(context: Context): Command {
  return command('hook', 'let podman and CRI-O start containers under applied profiles')
    .addCommand(install(context))
    .addCommand(list(context))
    .addCommand(remove(context))
}

function withDirectory(sub: Command): Command {
  return sub.option('--dir <dir>', 'the hooks directory', DEFAULT_HOOKS_DIR)
}

function install(context: Context): Command {
  return withInstallOptions(withDirectory(command('install', 'install the hook'))).action(
    async (flags: Flags & InstallFlags) => {
      const { terminal } = context
      const directory = resolve(flags.dir)
      const call = await installationOf(context, flags)
      await installHook(directory, call)
      terminal.say(`plimsoll: installed ${quoted(hookPath(directory))}; ${failText(call)}`)
      terminal.say(
        directory === DEFAULT_HOOKS_DIR
          ? 'note: podman build knows no such hook and fails in RUN steps ("unknown stage"); build with podman build --hooks-dir of an empty directory'
          : `note: podman reads ${quoted(directory)} only with --hooks-dir, or hooks_dir in containers.conf`,
      )
    },
  )
}

function list(context: Context): Command {
  return withDirectory(command('ls', 'say whether the hook is installed'))
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const { terminal } = context
      const path = hookPath(resolve(flags.dir))
      const found = await findHook(resolve(flags.dir))
      if (flags.json === true) {
        const call = found.kind === 'hook' ? callView(found.call) : {}
        printJson(context, { path, installed: found.kind === 'hook', ...call })
      } else if (found.kind === 'hook') {
        terminal.out(
          `${quoted(path)}: ${failText(found.call)}; profiles of ${quoted(found.call.state)}\n`,
        )
      } else {
        const what = found.kind === 'none' ? 'not installed' : 'not a hook of this plimsoll'
        terminal.out(`${quoted(path)}: ${what}\n`)
      }
    })
}

function remove(context: Context): Command {
  return withDirectory(
    command('remove', 'remove the hook; profiles stay, and nobody applies them'),
  ).action(async (flags: Flags) => {
    const path = hookPath(resolve(flags.dir))
    const isRemoved = await removeHook(resolve(flags.dir))
    context.terminal.say(`plimsoll: ${isRemoved ? 'removed' : 'there is no'} ${quoted(path)}`)
  })
}
