/** `plimsoll ctl baselines seal`, `approve`, `reject`, `merge`, `learn` and `unlearn`: decisions on baselines, on record. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { asProblem, failure } from '../errors.js'
import { type Context, printJson } from './context.js'
import { asking, type ConnectionFlags, withClient } from './ctl-connection.js'
import { cell } from './ctl-text.js'
import { plural } from './plural.js'

interface ReasonFlags extends ConnectionFlags {
  readonly reason: string
}

interface DecisionFlags extends ReasonFlags {
  readonly hash: string
  readonly all?: boolean
}

/** `seal`, `approve` and `reject`. */
export function decisionCommands(context: Context): readonly Command[] {
  const seal = changing('seal', 'close a baseline with what is allowed now')
    .argument('<ref>', 'name, digest or at least 6 digits of one')
    .requiredOption('--hash <hash>', 'of what was looked at, as `candidates` says it')
    .action(async (reference: string, flags: DecisionFlags) => {
      const { hash: contentHash, reason } = flags
      const answer = await withClient(context, flags, ({ baselines }) =>
        baselines.sealBaseline({ reference, contentHash, reason }),
      )
      showDecision(context, flags, 'sealed', answer)
    })
  return [
    seal,
    decision(context, 'approve', 'let items into a baseline and its profile'),
    decision(context, 'reject', 'keep items out of a baseline, however often they are seen'),
  ]
}

function changing(name: string, description: string): Command {
  return asking(name, description).requiredOption('--reason <text>', 'why, for the operator log')
}

function decision(context: Context, name: 'approve' | 'reject', description: string): Command {
  return changing(name, description)
    .argument('<ref>', 'name, digest or at least 6 digits of one')
    .argument('[item...]', 'as `candidates` says them')
    .requiredOption('--hash <hash>', 'of what was looked at, as `candidates` says it')
    .option('--all', 'whatever waits for approval')
    .action(async (reference: string, items: string[], flags: DecisionFlags) => {
      const { hash: contentHash, reason, all = false } = flags
      if (all === items.length > 0) {
        throw failure('USAGE', { problem: 'give items, or --all' })
      }
      const request = { reference, contentHash, reason, items, allCandidates: all }
      const answer = await withClient(context, flags, ({ baselines }) =>
        name === 'approve' ? baselines.approveItems(request) : baselines.rejectItems(request),
      )
      showDecision(context, flags, name === 'approve' ? 'approved' : 'rejected', answer)
    })
}

interface Decided {
  readonly revision?: number | null
  readonly itemCount?: number | null
  readonly contentHash?: string | null
}

function showDecision(
  context: Context,
  flags: ConnectionFlags,
  done: string,
  answer: Decided,
): void {
  if (flags.json === true) printJson(context, answer)
  else {
    const { revision, itemCount, contentHash } = answer
    context.terminal.out(
      `${done} ${plural(itemCount ?? 0, 'item')}: revision ${revision ?? 0}, content hash ${cell(contentHash)}\n`,
    )
  }
}

export function merge(context: Context): Command {
  return changing('merge', 'add up baselines of one image; the sum is stored')
    .argument('[ref...]', 'names, digests or at least 6 digits of them')
    .option('--upload <file...>', 'files that `plimsoll baseline export` wrote, 64 KiB in all')
    .action(async (refs: string[], flags: ReasonFlags & { readonly upload?: string[] }) => {
      const uploads = await Promise.all((flags.upload ?? []).map(bytesAt))
      const answer = await withClient(context, flags, ({ baselines }) =>
        baselines.mergeBaselines({
          baselines: refs.map((reference) => ({ reference })),
          uploads,
          reason: flags.reason,
        }),
      )
      if (flags.json === true) printJson(context, answer)
      else {
        const { key, revision, changed, runs } = answer
        context.terminal.out(
          `${cell(key)}: ${changed === true ? '' : 'nothing new, '}revision ${revision ?? 0}, ${plural(runs ?? 0, 'run')}\n`,
        )
      }
    })
}

async function bytesAt(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
}

/** `learn` and `unlearn`. */
export function learningCommands(context: Context): readonly Command[] {
  const learning = (name: 'learn' | 'unlearn', description: string): Command =>
    changing(name, description)
      .argument('<image>', 'name, digest or at least 6 digits of one')
      .action(async (image: string, flags: ReasonFlags) => {
        const request = { image, reason: flags.reason }
        const answer = await withClient(context, flags, ({ baselines }) =>
          name === 'learn' ? baselines.startLearning(request) : baselines.stopLearning(request),
        )
        if (flags.json === true) printJson(context, answer)
        else {
          const said = name === 'learn' ? 'is learned' : 'is not learned'
          const before = answer.changed === true ? '' : ' (as before)'
          context.terminal.out(`${cell(answer.key || image)} ${said} from now on${before}\n`)
        }
      })
  return [
    learning('learn', 'learn what an image does from now on'),
    learning('unlearn', 'end that'),
  ]
}
