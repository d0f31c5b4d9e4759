/** `plimsoll apply`: put the profile of an image where engines take it from, look at what is applied, take it away. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { appliedEntries, findApplied } from '../engine/applied-list.js'
import { removeApplied } from '../engine/applied.js'
import { applyProfile } from '../engine/apply.js'
import { onRecord } from '../engine/on-record.js'
import { DEFAULT_HOOKS_DIR, hookPath } from '../engine/hook-file.js'
import { DEFAULT_WRAPPER } from '../engine/runtime-wrapper.js'
import { failure, quoted } from '../errors.js'
import { actorOf } from './actor.js'
import { applyDockerCommand } from './apply-docker.js'
import { applyHookCommand } from './apply-hook.js'
import { applyKubeletCommand } from './apply-kubelet.js'
import { appliedTable, appliedText, appliedView, entryView } from './apply-text.js'
import {
  changingOf,
  command,
  type Context,
  jsonOption,
  printJson,
  stateDirectory,
  stateOption,
  storeOf,
} from './context.js'
import { type ProfileFlags, profileOptionsOf, withProfileOptions } from './profile-options.js'

interface ApplyFlags extends ProfileFlags {
  readonly unsealed?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

interface ListFlags {
  readonly state?: string
  readonly json?: boolean
}

const REFERENCE = 'image name, digest or at least 6 digits of it'

export function applyCommand(context: Context): Command {
  return withProfileOptions(
    command('apply', "have engines start an image's containers under its learned profile"),
  )
    .argument('<ref>', REFERENCE)
    .option('--unsealed', 'also if nobody sealed the baseline')
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action((ref: string, flags: ApplyFlags) => apply(context, ref, flags))
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(remove(context))
    .addCommand(applyHookCommand(context))
    .addCommand(applyDockerCommand(context))
    .addCommand(applyKubeletCommand(context))
}

async function apply(context: Context, ref: string, flags: ApplyFlags): Promise<void> {
  const { terminal } = context
  const baseline = await storeOf(flags.state, context).load(ref)
  const options = {
    state: stateDirectory(flags.state, terminal.env),
    profile: await profileOptionsOf(flags, context),
    unsealed: flags.unsealed ?? false,
    dryRun: flags.dryRun ?? false,
    nowMs: Date.now(),
  }
  const { digest } = baseline.image
  const applied = options.dryRun
    ? await applyProfile(baseline, options)
    : await onRecord(
        changingOf(flags.state, context),
        { actor: actorOf(terminal.env), action: 'ApplyProfile', target: digest, reason: '' },
        () => applyProfile(baseline, options),
        ({ record }) => ({ sha256: record.sha256, revision: baseline.revision }),
      )
  if (flags.json === true) printJson(context, appliedView(applied))
  else terminal.out(appliedText(applied, flags.dryRun ?? false))
  const { built, record, before, isErrnoOnly } = applied
  for (const note of [...built.floorNotes, ...built.notes]) terminal.say(`note: ${note}`)
  if (before.kind === 'failed') {
    terminal.say(`warning: what was applied before cannot be read: ${quoted(before.problem)}`)
  }
  if (!record.baseline.isSealed) {
    terminal.say(
      'warning: the baseline is not sealed: nobody has said that it is complete and good',
    )
  }
  if (isErrnoOnly) {
    terminal.say('warning: only errnos change; crun may go on with the filter that it cached')
  }
  if (!isInstalled()) {
    terminal.say(
      'plimsoll: no engine takes it from there yet: plimsoll apply hook install (podman, CRI-O), plimsoll apply docker install',
    )
  }
}

/** Whether anything is installed in the usual places; what lies elsewhere is known only to who put it there. */
function isInstalled(): boolean {
  return existsSync(hookPath(DEFAULT_HOOKS_DIR)) || existsSync(DEFAULT_WRAPPER)
}

function list(context: Context): Command {
  return command('ls', 'list the applied profiles')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: ListFlags) => {
      const entries = await appliedEntries(stateDirectory(flags.state, context.terminal.env))
      if (flags.json === true) printJson(context, entries.map(entryView))
      else context.terminal.out(appliedTable(entries))
    })
}

function show(context: Context): Command {
  return command('show', 'print the document that is applied to an image')
    .argument('<ref>', REFERENCE)
    .addOption(stateOption())
    .action(async (ref: string, flags: ListFlags) => {
      const { answer } = await findApplied(stateDirectory(flags.state, context.terminal.env), ref)
      if (answer.kind === 'failed') {
        throw failure('APPLIED_DAMAGED', { path: answer.path, problem: answer.problem })
      }
      if (answer.kind === 'applied') context.terminal.out(answer.document)
    })
}

function remove(context: Context): Command {
  return command('rm', 'start containers of an image as if nothing had been applied')
    .argument('<ref>', REFERENCE)
    .addOption(stateOption())
    .action(async (ref: string, flags: ListFlags) => {
      const state = stateDirectory(flags.state, context.terminal.env)
      const { digest, name } = await findApplied(state, ref)
      await onRecord(
        changingOf(flags.state, context),
        {
          actor: actorOf(context.terminal.env),
          action: 'RemoveProfile',
          target: digest,
          reason: '',
        },
        () => removeApplied(state, digest),
        () => ({}),
      )
      context.terminal.say(
        `plimsoll: removed what was applied to ${quoted(name)}; containers that run keep their filter`,
      )
    })
}
