/**
 * A profile as a drop-in for a systemd unit (systemd.exec(5), "System call filtering"). No container runtime starts a
 * unit, so what only a runtime needs stays out; what a program needs to start stays in. Pure.
 */
import type { BuiltProfile } from './build.js'
import type { ProfileExport } from './export.js'
import { PROGRAM_START } from './floor-tables.js'
import type { Origin } from './origins.js'
import { ENOSYS, type Architecture, type SeccompProfile } from './profile.js'

/** systemd's own names (systemd.unit(5), `ConditionArchitecture=`). */
const SYSTEMD_ARCHITECTURE: Readonly<Record<Architecture, string>> = {
  SCMP_ARCH_X86_64: 'x86-64',
  SCMP_ARCH_X86: 'x86',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'arm64',
}

const ERRNO_NAME: Readonly<Record<number, string>> = { [ENOSYS]: 'ENOSYS' }

/** Longest line, in columns; a setting that needs more is given again, which adds to it. */
const WIDTH = 100

/**
 * The drop-in. A profile that only logs becomes `SystemCallLog=` of all other calls and restricts nothing; any other one
 * becomes an allow list whose refusals all return the default errno, because systemd's allow lists know one answer only.
 * Each list starts with an empty assignment: systemd merges lists, and one of the unit's own would widen this one, or,
 * being a deny list, turn it into its opposite.
 */
export function exportSystemd({ profile, origins }: BuiltProfile): ProfileExport {
  const allowed = [...origins]
    .filter(([name, { origins: why }]) => isForUnit(name, why))
    .map(([name]) => name)
  const byValue = allowed.filter((name) => origins.get(name)?.values !== undefined)
  const isLogged = profile.defaultAction === 'SCMP_ACT_LOG'
  const lines = isLogged ? logLines(allowed) : filterLines(allowed, profile)
  const notes = isLogged ? LOG_NOTES : FILTER_NOTES
  return {
    text: `${['# Written by plimsoll.', '[Service]', ...lines].join('\n')}\n`,
    allowed,
    notes: [
      ...notes,
      ...(profile.syscalls.some((rule) => rule.action === 'SCMP_ACT_KILL_PROCESS')
        ? ['nothing kills: systemd cannot kill for some calls and fail others of an allow list']
        : []),
      ...(byValue.length > 0
        ? [
            `allowed whatever their arguments, which lists of calls cannot test: ${byValue.join(', ')} ` +
              '(but see RestrictAddressFamilies= and RestrictNamespaces=)',
          ]
        : []),
    ],
  }
}

/** systemd.exec(5), under each of the settings. */
const NO_NEW_PRIVILEGES = 'with User= in the unit, systemd turns NoNewPrivileges= on'

const FILTER_NOTES = [
  'systemd adds its set @default (program start, time, memory) to every allow list',
  'systemd has one answer to all calls of an allow list that are not in it: dangerous ones too get ENOSYS, not EPERM',
  'names that this systemd does not know are ignored, with a line in its log',
  NO_NEW_PRIVILEGES,
]

const LOG_NOTES = [
  'needs systemd 247 or newer; what would be refused is in the audit log',
  'names that this systemd does not know are ignored, with a line in its log, and logged when called',
  NO_NEW_PRIVILEGES,
]

/** The kernel's and the application's own; of the floor only what starts a program. */
function isForUnit(name: string, origins: readonly Origin[]): boolean {
  return origins.some((origin) => UNIT_ORIGINS.has(origin)) || STARTS.has(name)
}

const UNIT_ORIGINS: ReadonlySet<Origin> = new Set(['observed', 'required', 'inferred'])

const STARTS: ReadonlySet<string> = new Set(PROGRAM_START)

function filterLines(allowed: readonly string[], profile: SeccompProfile): string[] {
  const errno = profile.defaultErrnoRet ?? ENOSYS
  return [
    ...setting('SystemCallFilter', '', allowed),
    `SystemCallErrorNumber=${ERRNO_NAME[errno] ?? errno}`,
    ...setting(
      'SystemCallArchitectures',
      '',
      profile.architectures.map((architecture) => SYSTEMD_ARCHITECTURE[architecture]),
    ),
  ]
}

/** Without `SystemCallArchitectures=`, which kills what it does not list. */
function logLines(allowed: readonly string[]): string[] {
  return setting('SystemCallLog', '~', allowed)
}

/** The setting emptied, then given as often as it takes; `sign` stands before each list, as each is read by itself. */
function setting(key: string, sign: '' | '~', words: readonly string[]): string[] {
  const lines = [`${key}=`]
  let line = ''
  for (const word of words) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? `${key}=${sign}${word}` : `${line} ${word}`
  }
  if (line !== '') lines.push(line)
  return lines
}
