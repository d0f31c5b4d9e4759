/**
 * Whether the engine answers calls that a profile does not name as the profile says. Docker 20.10 does not know
 * `defaultErrnoRet` and answers EPERM, on which libc does not fall back to older calls. Pure.
 */
import { fieldOf, isObject } from '../seccomp/problem.js'
import { namesInProfile } from './profile-file.js'
import type { DeniedInRuns } from './verdict.js'

/** The calls that no rule of the document names, and that were not answered with its `defaultErrnoRet`. */
export function otherwiseAnswered(
  document: unknown,
  denied: readonly DeniedInRuns[],
): readonly DeniedInRuns[] {
  if (!isObject(document) || fieldOf(document, 'defaultAction') !== 'SCMP_ACT_ERRNO') return []
  const errno = fieldOf(document, 'defaultErrnoRet')
  if (errno === undefined) return []
  const named = new Set(namesInProfile(document))
  return denied.filter(
    ({ name, answer, standing }) => standing !== 'own' && !named.has(name) && answer !== errno,
  )
}
