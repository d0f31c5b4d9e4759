/** A diff of baselines for people and for programs. Every text that a container chose is escaped here. */
import type { Baseline } from '../baseline/baseline.js'
import { type BaselineDiff, type Change, DIFF_CLASSES, type DiffClass } from '../baseline/diff.js'
import type { DiffItem } from '../baseline/diff-items.js'
import { imageKeyOf } from '../baseline/image-identity.js'
import { byteStringOfText, displayOf } from '../bytes.js'
import { argumentLabel } from '../kernel/arguments.js'
import { capabilityLabel } from '../kernel/capabilities.js'
import { uringOpLabel } from '../kernel/io-uring.js'
import { syscallLabel } from '../kernel/syscalls.js'
import { plural } from './plural.js'
import { table } from './table.js'

const SIGNS: Readonly<Record<DiffClass, string>> = { 'new-dangerous': '!', new: '+', vanished: '-' }

const TITLES: Readonly<Record<DiffClass, string>> = {
  'new-dangerous': 'new and dangerous',
  new: 'new',
  vanished: 'vanished',
}

const HEAD = ['', 'KIND', 'WHAT', 'WHY', 'COUNT', 'RUNS', 'LINEAGE', 'PROGRAMS']

/** The text, ending with a newline: both sides, one table per class, and what the comparison could not see. */
export function diffText(before: Baseline, after: Baseline, diff: BaselineDiff): string {
  const sides = [`before  ${sideText(before)}`, `after   ${sideText(after)}`]
  const sections = DIFF_CLASSES.map((name) => {
    const changes = diff.changes.filter((change) => change.class === name)
    if (changes.length === 0) return `${TITLES[name]}: none\n`
    return `${TITLES[name]}: ${changes.length}\n${table(HEAD, changes.map(rowOf))}`
  })
  const gaps = diff.incomplete.map((gap) => `  ${gap}\n`).join('')
  const incomplete = gaps === '' ? [] : [`incomplete: there may be other differences\n${gaps}`]
  return [`${sides.join('\n')}\n`, ...sections, ...incomplete].join('\n')
}

/** Plain values in a fixed order, safe to print as JSON. */
export function diffView(before: Baseline, after: Baseline, diff: BaselineDiff): unknown {
  return {
    before: sideView(before),
    after: sideView(after),
    lineages: diff.lineages,
    changes: diff.changes.map(changeView),
    incomplete: diff.incomplete,
  }
}

function sideText(baseline: Baseline): string {
  const { image, key, revision, runs, completeness } = sideView(baseline)
  const short = key.slice(0, key.indexOf('-') + 13)
  return `${image} (${short}) revision ${revision}, ${plural(runs, 'run')}, ${completeness}`
}

function sideView(baseline: Baseline) {
  return {
    image: displayOf(byteStringOfText(baseline.image.name)),
    key: imageKeyOf(baseline.image),
    revision: baseline.revision,
    runs: baseline.runCount,
    completeness: baseline.completeness().state,
  }
}

function rowOf({ class: name, item, reasons }: Change): readonly string[] {
  const programs = item.programs.map(displayOf).join(', ')
  return [
    SIGNS[name],
    item.kind,
    whatOf(item),
    reasons.join(' '),
    String(item.count),
    String(item.runs),
    item.lineage,
    item.morePrograms ? `${programs}, ...` : programs,
  ]
}

function whatOf(item: DiffItem): string {
  switch (item.kind) {
    case 'syscall':
      return `${item.abi} ${item.nr} ${syscallLabel(item.abi, item.nr)}`
    case 'argument':
      return `${item.abi} ${item.call} ${argumentLabel(item.call, item.value)}`
    case 'exec':
      return `${displayOf(item.path)} (${displayOf(item.exe)})`
    case 'connection':
    case 'listener': {
      const address = displayOf(item.address)
      if (item.protocol === 'unix') return `unix ${address}`
      return `${item.protocol} ${address.includes(':') ? `[${address}]` : address}:${item.port}`
    }
    case 'capability':
      return capabilityLabel(item.capability)
    case 'io_uring':
      return uringOpLabel(item.opcode)
  }
}

function changeView({ class: name, item, reasons }: Change): unknown {
  const { kind, lineage, count, runs, windows, firstMs, lastMs, programs, morePrograms } = item
  return {
    class: name,
    reasons,
    kind,
    lineage,
    ...identityView(item),
    count,
    runs,
    windows,
    firstMs,
    lastMs,
    programs: programs.map(displayOf),
    morePrograms,
  }
}

function identityView(item: DiffItem): object {
  switch (item.kind) {
    case 'syscall': {
      const { abi, nr, danger } = item
      return { abi, nr, name: syscallLabel(abi, nr), danger }
    }
    case 'argument': {
      const { abi, nr, call, value, danger } = item
      return { abi, nr, name: call, value, label: argumentLabel(call, value), danger }
    }
    case 'exec': {
      const { path, exe, upper, fileless } = item
      return { path: displayOf(path), exe: displayOf(exe), upper, fileless }
    }
    case 'connection':
    case 'listener': {
      const { protocol, address, port, source } = item
      return { protocol, address: displayOf(address), port, source }
    }
    case 'capability': {
      const { capability, danger } = item
      return { capability, name: capabilityLabel(capability), danger }
    }
    case 'io_uring':
      return { opcode: item.opcode, name: uringOpLabel(item.opcode) }
  }
}
