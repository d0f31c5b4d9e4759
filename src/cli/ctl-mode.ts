/** `plimsoll ctl mode`: how images are treated. */
import { Argument, type Command } from 'commander'
import type { ResponseOf } from '../client.js'
import { plimsoll } from '../gen/plimsoll.js'
import { command, type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell, time, word } from './ctl-text.js'
import { table } from './table.js'

type ImageMode = NonNullable<ResponseOf<'ListModes'>['modes']>[number]

/** In the order of their numbers, from 1. */
const MODES = ['enforce', 'observe', 'learn'] as const

export function modeCommand(context: Context): Command {
  return command('mode', 'how it treats images').addCommand(list(context)).addCommand(set(context))
}

function list(context: Context): Command {
  return asking('ls', 'list images whose mode is not enforce').action(
    async (flags: ConnectionFlags) => {
      const { modes = [] } = await withClient(context, flags, ({ control }) => control.listModes())
      show(context, flags, modes ?? [])
    },
  )
}

function set(context: Context): Command {
  return asking('set', 'set how an image is treated')
    .argument('<image>', 'name, digest or at least 6 digits of one')
    .addArgument(new Argument('<mode>').choices(MODES))
    .requiredOption('--reason <text>', 'why, for the operator log')
    .action(
      async (
        image: string,
        mode: (typeof MODES)[number],
        flags: ConnectionFlags & { readonly reason: string },
      ) => {
        const answer = await withClient(context, flags, ({ control }) =>
          control.setMode({ image, mode: MODES.indexOf(mode) + 1, reason: flags.reason }),
        )
        show(context, flags, answer.mode == null ? [] : [answer.mode])
      },
    )
}

function show(context: Context, flags: ConnectionFlags, modes: readonly ImageMode[]): void {
  const modeOf = ({ mode }: ImageMode): string => word(plimsoll.v1.Mode[mode ?? 0], 'MODE_')
  if (flags.json === true) {
    printJson(
      context,
      modes.map((each) => ({ ...each, mode: modeOf(each) })),
    )
    return
  }
  const rows = modes.map((each) => [
    cell(each.imageName || each.baselineKey),
    modeOf(each),
    time(each.atMs),
    cell(each.actor),
    cell(each.reason),
  ])
  context.terminal.out(table(['IMAGE', 'MODE', 'SINCE', 'BY', 'REASON'], rows))
}
