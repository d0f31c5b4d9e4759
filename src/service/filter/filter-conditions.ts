/**
 * The conditions of one filter, one for each field that is set, the cheap ones first. They are built once, with all that can be
 * looked up beforehand, and allocate nothing when they are asked; only an address is taken apart, where addresses are wanted.
 */
import { addressBytes, isWithin, type Network, parseNetwork } from '../../detect/policy-address.js'
import { TECHNIQUE } from '../../detect/severity-table.js'
import { plimsoll } from '../../gen/plimsoll.js'
import { isSyscallName } from '../../kernel/syscalls.js'
import {
  badFilter,
  checkCount,
  checkedEnum,
  checkedForm,
  checkedMask,
  checkedTexts,
} from './filter-values.js'
import { TextPattern } from './text-pattern.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties
type Filter = plimsoll.v1.AnomalyFilter.$Properties

export type Condition = (anomaly: Anomaly) => boolean

const { AnomalyKind, AnomalyState, Lineage, Severity } = plimsoll.v1

/** All digits of a digest, or at least 6. */
const DIGEST = /^sha256:[0-9a-f]{6,64}$/
const CONTAINER_ID = /^[0-9a-f]{12,64}$/

/** What `filter` asks for, nothing if it is empty. `field` is its name in errors. Throws `BAD_REQUEST`. */
export function conditionsOf(filter: Filter, field: string): readonly Condition[] {
  const conditions: Condition[] = []
  const { minSeverity } = filter
  if (minSeverity) {
    const least = checkedEnum(`${field}.min_severity`, minSeverity, Severity)
    conditions.push(({ severity }) => (severity ?? 0) >= least)
  }
  // By name of the field in the proto; the order is that of the cost.
  const add = <Value>(
    name: string,
    values: readonly Value[] | null | undefined,
    condition: (values: readonly Value[], field: string) => Condition,
  ): void => {
    if (values?.length) conditions.push(condition(values, `${field}.${name}`))
  }
  add('kinds', filter.kinds, kindAmong)
  add('states', filter.states, stateAmong)
  add('lineages', filter.lineages, lineageAmong)
  add('cgroup_ids', filter.cgroupIds, cgroupAmong)
  add('syscalls', filter.syscalls, syscallAmong)
  add('incidents', filter.incidents, incidentAmong)
  add('attack', filter.attack, techniqueAmong)
  add('images', filter.images, imageAmong)
  add('containers', filter.containers, containerAmong)
  add('programs', filter.programs, programAmong)
  add('addresses', filter.addresses, addressAmong)
  return conditions
}

function kindAmong(values: readonly number[], field: string): Condition {
  const mask = checkedMask(field, values, AnomalyKind)
  return ({ kind }) => isIn(mask, kind)
}

function stateAmong(values: readonly number[], field: string): Condition {
  const mask = checkedMask(field, values, AnomalyState)
  return ({ state }) => isIn(mask, state)
}

function lineageAmong(values: readonly number[], field: string): Condition {
  const mask = checkedMask(field, values, Lineage)
  return ({ process }) => isIn(mask, process?.lineage)
}

/** A later version may know values that have no bit. */
function isIn(mask: number, value: number | null | undefined): boolean {
  const bit = value ?? 0
  return bit > 0 && bit < 31 && ((mask >>> bit) & 1) === 1
}

type Uint64 = NonNullable<Filter['cgroupIds']>[number]

function cgroupAmong(values: readonly Uint64[], field: string): Condition {
  checkCount(field, values.length)
  const ids = new Set(values.map(Number))
  for (const id of ids) {
    if (id <= 0 || !Number.isSafeInteger(id)) throw badFilter(field, `${id} is no cgroup`)
  }
  return ({ workload }) => ids.has(Number(workload?.cgroupId ?? 0))
}

function syscallAmong(values: readonly string[], field: string): Condition {
  const names = new Set(checkedForm(field, values, isSyscallName, 'system call that is known'))
  return ({ subject }) => names.has(subject?.syscall ?? '')
}

function incidentAmong(values: readonly string[], field: string): Condition {
  const ids = new Set(checkedTexts(field, values))
  return ({ incident }) => ids.has(incident ?? '')
}

function techniqueAmong(values: readonly string[], field: string): Condition {
  const isTechnique = (text: string): boolean => TECHNIQUE.test(text)
  const expected = 'technique of MITRE ATT&CK such as T1611 or T1552.005'
  const wanted = checkedForm(field, values, isTechnique, expected)
  return ({ attack }) => {
    if (attack == null) return false
    for (let at = 0; at < attack.length; at++) {
      if (isTechniqueAmong(wanted, attack[at] ?? '')) return true
    }
    return false
  }
}

/** `T1059` covers `T1059.004`. */
function isTechniqueAmong(wanted: readonly string[], found: string): boolean {
  for (let at = 0; at < wanted.length; at++) {
    const technique = wanted[at] ?? ''
    if (!found.startsWith(technique)) continue
    if (found.length === technique.length || found[technique.length] === '.') return true
  }
  return false
}

function imageAmong(values: readonly string[], field: string): Condition {
  const isDigest = (text: string): boolean => text.startsWith('sha256:')
  const digests = checkedTexts(field, values).filter(isDigest)
  const isWhole = (text: string): boolean => DIGEST.test(text)
  checkedForm(field, digests, isWhole, 'digest: sha256: and at least 6 hexadecimal digits')
  const names = patternsOf(values.filter((text) => !isDigest(text)))
  return ({ workload }) =>
    startsAsOne(digests, workload?.imageDigest ?? '') ||
    matchesOne(names, workload?.imageName ?? '')
}

/** A text that could be an id is one of a name as well. */
function containerAmong(values: readonly string[], field: string): Condition {
  const names = patternsOf(checkedTexts(field, values))
  const ids = values.filter((text) => CONTAINER_ID.test(text))
  return ({ workload }) =>
    startsAsOne(ids, workload?.containerId ?? '') ||
    matchesOne(names, workload?.containerName ?? '')
}

function programAmong(values: readonly string[], field: string): Condition {
  const paths = patternsOf(checkedTexts(field, values))
  return ({ subject, process }) =>
    matchesOne(paths, subject?.path ?? '') ||
    matchesOne(paths, subject?.exe ?? '') ||
    matchesOne(paths, process?.path ?? '') ||
    matchesOne(paths, process?.exe ?? '')
}

function addressAmong(values: readonly string[], field: string): Condition {
  const networks = checkedTexts(field, values).map((text): Network => {
    const parsed = parseNetwork(text)
    if ('network' in parsed) return parsed.network
    throw badFilter(field, `${text} ${parsed.problem}`)
  })
  return ({ subject }) => {
    const address = subject?.address ?? ''
    const bytes = address === '' ? undefined : addressBytes(address)
    if (bytes === undefined) return false
    for (let at = 0; at < networks.length; at++) {
      const network = networks[at]
      if (network !== undefined && isWithin(network, bytes)) return true
    }
    return false
  }
}

function patternsOf(texts: readonly string[]): readonly TextPattern[] {
  return texts.map((text) => new TextPattern(text))
}

function matchesOne(patterns: readonly TextPattern[], text: string): boolean {
  for (let at = 0; at < patterns.length; at++) if (patterns[at]?.matches(text)) return true
  return false
}

function startsAsOne(beginnings: readonly string[], text: string): boolean {
  for (let at = 0; at < beginnings.length; at++) {
    if (text.startsWith(beginnings[at] ?? '\n')) return true
  }
  return false
}
