/**
 * A profile as a `SeccompProfile` of the Kubernetes Security Profiles Operator. Its spec is the OCI dialect without a
 * default errno (api/seccompprofile/v1beta1 of the operator, 0.8.4 to 1.0.0), so the errno of unlisted calls is said by
 * a rule. Pure.
 */
import { SYSCALL_NR_LIMIT } from '../observation.js'
import { syscallName } from '../kernel/syscalls.js'
import { abisOf } from './architectures.js'
import type { ProfileExport } from './export.js'
import { EPERM, type SeccompProfile, type SyscallRule } from './profile.js'
import { type YamlMapping, yamlText } from './yaml.js'

const API_VERSION = 'security-profiles-operator.x-k8s.io/v1beta1'

/**
 * The manifest that makes `profile` known to the operator as `name`, which has to be one that `isKubernetesName` accepts.
 * What is allowed, logged or killed is the same as in `profile`; so are errnos, but for calls that plimsoll has no name
 * for and calls with other arguments than their rules let through: they get EPERM, the errno where none is given.
 */
export function exportSpo(profile: SeccompProfile, name: string): ProfileExport {
  const rest = restOf(profile)
  const rules = [...profile.syscalls.filter((rule) => !isDefault(rule, profile)), ...rest]
  const text = yamlText({
    apiVersion: API_VERSION,
    kind: 'SeccompProfile',
    metadata: { name },
    spec: {
      defaultAction: profile.defaultAction,
      architectures: profile.architectures,
      syscalls: rules.map(ruleFields),
    },
  })
  // A name that is let through by value has a rule for each.
  const allowed = new Set(
    rules.flatMap((rule) => (rule.action === 'SCMP_ACT_ALLOW' ? rule.names : [])),
  )
  return {
    text,
    allowed: [...allowed].toSorted(),
    notes: rest.length === 0 ? [] : [NO_DEFAULT_ERRNO, ...valueNotes(rules)],
  }
}

function valueNotes(rules: readonly SyscallRule[]): string[] {
  const byValue = rules.filter((rule) => rule.args !== undefined).flatMap((rule) => rule.names)
  if (byValue.length === 0) return []
  const names = [...new Set(byValue)].toSorted().join(', ')
  return [`with other arguments than those allowed, calls fail with EPERM: ${names}`]
}

const NO_DEFAULT_ERRNO =
  'a SeccompProfile has no default errno, so every known call that is not allowed is listed to fail with ENOSYS; ' +
  'calls of kernels newer than plimsoll fail with EPERM'

/**
 * The rule that stands in for `defaultErrnoRet`: every name of the listed architectures that no other rule has. Without
 * it clone3 would fail with EPERM, on which glibc does not fall back to clone, and no thread could start.
 */
function restOf(profile: SeccompProfile): SyscallRule[] {
  const { defaultAction, defaultErrnoRet } = profile
  if (defaultAction !== 'SCMP_ACT_ERRNO' || defaultErrnoRet === undefined) return []
  if (defaultErrnoRet === EPERM) return []
  const named = new Set(profile.syscalls.flatMap((rule) => rule.names))
  const rest = new Set<string>()
  for (const abi of abisOf(profile.architectures)) {
    for (let nr = 0; nr < SYSCALL_NR_LIMIT; nr++) {
      const name = syscallName(abi, nr)
      if (name !== undefined && !named.has(name)) rest.add(name)
    }
  }
  if (rest.size === 0) return []
  return [{ names: [...rest].toSorted(), action: defaultAction, errnoRet: defaultErrnoRet }]
}

/** Runtimes drop a rule that does what the default does, and the default is now EPERM. */
function isDefault(rule: SyscallRule, profile: SeccompProfile): boolean {
  if (rule.action !== profile.defaultAction) return false
  return rule.action !== 'SCMP_ACT_ERRNO' || (rule.errnoRet ?? EPERM) === EPERM
}

function ruleFields({ names, action, errnoRet, args }: SyscallRule): YamlMapping {
  return {
    action,
    errnoRet,
    args: args?.map(({ index, op, value, valueTwo }) => ({ index, op, value, valueTwo })),
    names,
  }
}
