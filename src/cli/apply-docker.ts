/** `plimsoll apply docker`: the runtime by which Docker starts containers under applied profiles. */
import { delimiter, resolve } from 'node:path'
import type { Command } from 'commander'
import {
  addRuntime,
  configuredRuntime,
  DEFAULT_DOCKER_CONFIG,
  removeRuntime,
  RUNTIME_NAME,
} from '../engine/docker-config.js'
import {
  DEFAULT_WRAPPER,
  removeWrapper,
  wrapperAt,
  writeWrapper,
} from '../engine/runtime-wrapper.js'
import { failure, quoted } from '../errors.js'
import { findExecutable } from '../workload/executable.js'
import { command, type Context, jsonOption, printJson } from './context.js'
import { failText, type InstallFlags, installationOf, withInstallOptions } from './installation.js'

interface Flags {
  readonly config: string
  readonly wrapper: string
  readonly json?: boolean
}

const RELOAD =
  'dockerd reads it when it is told to: systemctl reload docker, or kill -HUP of dockerd'

/** Where distributions put runtimes; a user's PATH may leave it out. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function applyDockerCommand(context: Context): Command {
  return command(
    'docker',
    'let docker run --runtime plimsoll start containers under applied profiles',
  )
    .addCommand(install(context))
    .addCommand(list(context))
    .addCommand(remove(context))
}

function withPlaces(sub: Command): Command {
  return sub
    .option('--config <file>', "dockerd's configuration", DEFAULT_DOCKER_CONFIG)
    .option('--wrapper <file>', 'the program of the runtime', DEFAULT_WRAPPER)
}

function install(context: Context): Command {
  return withInstallOptions(withPlaces(command('install', 'add the runtime to daemon.json')))
    .option('--runtime <runtime>', 'the OCI runtime behind it', 'runc')
    .action(async (flags: Flags & InstallFlags & { runtime: string }) => {
      const { terminal } = context
      const config = resolve(flags.config)
      const wrapper = resolve(flags.wrapper)
      const runtime = await runtimeProgram(flags.runtime, terminal.env['PATH'])
      // Before anything is written: a file that cannot be understood is left alone.
      await configuredRuntime(config)
      const call = await installationOf(context, flags)
      await writeWrapper(wrapper, call, runtime)
      await addRuntime(config, wrapper)
      terminal.say(
        `plimsoll: ${quoted(config)} has the runtime ${RUNTIME_NAME}, in front of ${quoted(runtime)}; ${failText(call)}`,
      )
      terminal.say(`plimsoll: ${RELOAD}; then docker run --runtime ${RUNTIME_NAME} IMAGE`)
    })
}

async function runtimeProgram(runtime: string, path: string | undefined): Promise<string> {
  const found = await findExecutable(runtime, [path, ...SYSTEM_PATH].join(delimiter), '/')
  if (found.kind === 'found') return found.path
  throw failure('USAGE', { problem: `--runtime ${runtime}: there is no such program` })
}

function list(context: Context): Command {
  return withPlaces(command('ls', 'say whether the runtime is there'))
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const config = resolve(flags.config)
      const program = await configuredRuntime(config)
      const isThere = program !== undefined && (await wrapperAt(program)) === 'wrapper'
      if (flags.json === true) {
        printJson(context, { config, installed: isThere, program: program ?? null })
      } else {
        const what = program === undefined ? 'no runtime plimsoll' : quoted(program)
        const lost =
          program !== undefined && !isThere ? ', which is not there or not of plimsoll' : ''
        context.terminal.out(`${quoted(config)}: ${what}${lost}\n`)
      }
    })
}

function remove(context: Context): Command {
  return withPlaces(command('remove', 'take the runtime out of daemon.json')).action(
    async (flags: Flags) => {
      const config = resolve(flags.config)
      const program = (await configuredRuntime(config)) ?? resolve(flags.wrapper)
      const isRemoved = await removeRuntime(config)
      await removeWrapper(program)
      context.terminal.say(
        isRemoved
          ? `plimsoll: took the runtime ${RUNTIME_NAME} out of ${quoted(config)}; ${RELOAD}`
          : `plimsoll: ${quoted(config)} has no runtime ${RUNTIME_NAME}`,
      )
    },
  )
}
