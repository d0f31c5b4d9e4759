/** `plimsoll incident ...`: what was done about anomalies, its evidence, and letting containers go again. */
import type { Command } from 'commander'
import { CLOCK } from '../engine/host.js'
import { onRecord } from '../engine/on-record.js'
import { quoted } from '../errors.js'
import { IncidentStore } from '../respond/incident-store.js'
import { verifyBundle } from '../respond/manifest.js'
import { releaseIncident } from '../respond/release.js'
import { findCgroupMount } from '../workload/cgroup-mount.js'
import { actorOf } from './actor.js'
import {
  changingOf,
  command,
  type Context,
  jsonOption,
  printJson,
  stateDirectory,
  stateOption,
} from './context.js'
import { incidentRow, incidentView, LIST_HEAD, recordText } from './incident-text.js'
import { table } from './table.js'

interface Flags {
  readonly state?: string
  readonly json?: boolean
}

export function incidentCommand(context: Context): Command {
  return command(
    'incident',
    'look at incidents and their evidence, and release isolated containers',
  )
    .addCommand(list(context))
    .addCommand(show(context))
    .addCommand(release(context))
    .addCommand(verify(context))
}

/** Adds the argument by which an incident is named. */
function withReference(sub: Command): Command {
  return sub
    .argument('<incident>', 'its id or the beginning of it, as `incident ls` shows')
    .addOption(stateOption())
    .addOption(jsonOption())
}

function incidentsOf({ state }: Flags, context: Context): IncidentStore {
  return new IncidentStore(stateDirectory(state, context.terminal.env))
}

function list(context: Context): Command {
  return command('ls', 'list the incidents, the oldest first')
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const incidents = await incidentsOf(flags, context).list()
      if (flags.json === true) printJson(context, incidents.map(incidentView))
      else context.terminal.out(table(LIST_HEAD, incidents.map(incidentRow)))
    })
}

function show(context: Context): Command {
  return withReference(command('show', 'show what was done for an incident')).action(
    async (ref: string, flags: Flags) => {
      const store = incidentsOf(flags, context)
      const id = await store.resolve(ref)
      const record = store.readNow(id)
      if (record === undefined) return
      const directory = store.directoryOf(id)
      if (flags.json === true) {
        printJson(context, { ...incidentView({ kind: 'record', id, record }), directory })
      } else context.terminal.out(recordText(record, directory))
    },
  )
}

function release(context: Context): Command {
  return withReference(
    command(
      'release',
      "restore the container's network and thaw it, unless another incident holds it",
    ),
  )
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action(async (ref: string, flags: Flags & { reason: string }) => {
      const store = incidentsOf(flags, context)
      const incident = await store.resolve(ref)
      const mount = await findCgroupMount()
      const by = { actor: actorOf(context.terminal.env), reason: flags.reason }
      const { kind, record } = await onRecord(
        changingOf(flags.state, context),
        { ...by, action: 'Release', target: incident },
        () => releaseIncident({ store, mount, clock: CLOCK }, incident, by),
        (done) => ({ kind: done.kind, outcome: done.record.outcome, details: done.record.details }),
      )
      if (flags.json === true) printJson(context, { incident, kind, ...record })
      else {
        const head =
          kind === 'already'
            ? `${incident} was released before, by ${record.actor}: ${record.reason}`
            : `${incident}: ${record.outcome === 'done' ? 'released' : 'not all could be undone; it may be tried again'}`
        context.terminal.out([head, ...record.details.map((line) => `  ${line}`), ''].join('\n'))
      }
      if (record.outcome === 'partly') context.status = 1
    })
}

function verify(context: Context): Command {
  return withReference(command('verify', 'check the files of an incident against its manifest'))
    .option(
      '--manifest <sha256>',
      "what the manifest's hash has to be, from the journal or a note of it",
    )
    .action(async (ref: string, flags: Flags & { manifest?: string }) => {
      const store = incidentsOf(flags, context)
      const id = await store.resolve(ref)
      const verification = await verifyBundle(store.directoryOf(id), flags.manifest)
      if (flags.json === true) printJson(context, { incident: id, ...verification })
      else if (verification.kind === 'intact') {
        const { files, bytes, manifestSha256 } = verification
        context.terminal.out(
          `${id}: intact, ${files} files, ${bytes} bytes\nmanifest ${manifestSha256}\n`,
        )
      } else {
        const where = verification.kind === 'altered' ? `${quoted(verification.file)}: ` : ''
        context.terminal.out(
          `${id}: ${verification.kind}: ${where}${quoted(verification.problem)}\n`,
        )
      }
      if (verification.kind !== 'intact') context.status = 3
    })
}
