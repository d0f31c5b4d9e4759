/** Policies and the severity table on disk: yours, and those that ship. Whoever imports this file loads zod and yaml with it. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { type CompiledPolicy, compilePolicy } from '../detect/policy-compile.js'
import { type PolicyProblem, problemText } from '../detect/policy-problem.js'
import { readPolicy } from '../detect/policy-read.js'
import { POLICY_BYTES, type Policy } from '../detect/policy.js'
import { CompiledSeverity } from '../detect/severity.js'
import { readSeverityTable } from '../detect/severity-read.js'
import { asProblem, failure, type PlimsollError } from '../errors.js'
import { PACKAGE_ROOT } from '../version.js'

/** The policy that holds where no other is given. */
export const DEFAULT_POLICY: string = join(PACKAGE_ROOT, 'profiles', 'policy.yaml')
const SEVERITY_TABLE = join(PACKAGE_ROOT, 'profiles', 'severity.yaml')

export interface LoadedPolicy {
  readonly path: string
  /** The file, as it was read. */
  readonly text: string
  readonly policy: Policy
  readonly compiled: CompiledPolicy
  readonly warnings: readonly PolicyProblem[]
}

/** `POLICY_INVALID`, with everything that is wrong with the file. */
export type PolicyError = PlimsollError & { readonly problems: readonly PolicyProblem[] }

/** What `plimsoll policy check` finds: the policy or errors, and warnings. Throws `FILE_UNREADABLE`. */
export async function checkPolicy(path: string): Promise<{
  readonly policy: Policy | undefined
  readonly problems: readonly PolicyProblem[]
}> {
  const text = await textOf(path)
  return typeof text === 'string' ? readPolicy(text) : { policy: undefined, problems: [text] }
}

/** The policy of the file, ready to be asked. Throws `FILE_UNREADABLE`, or a `PolicyError` that names the first error. */
export async function loadPolicy(path: string = DEFAULT_POLICY): Promise<LoadedPolicy> {
  const text = await textOf(path)
  if (typeof text !== 'string') throw invalid(path, [text])
  return policyOf(path, text)
}

/** The policy of that text, which is or will be in the file at `path`. Throws a `PolicyError`. */
export function policyOf(path: string, text: string): LoadedPolicy {
  if (Buffer.byteLength(text, 'utf8') > POLICY_BYTES) throw invalid(path, [TOO_LONG])
  const { policy, problems } = readPolicy(text)
  if (policy === undefined) throw invalid(path, problems)
  return { path, text, policy, compiled: compilePolicy(policy), warnings: problems }
}

/** The severity table of the file, ready to be asked. Throws as `loadPolicy` does. */
export async function loadSeverityTable(path: string = SEVERITY_TABLE): Promise<CompiledSeverity> {
  const text = await textOf(path)
  const read = typeof text === 'string' ? readSeverityTable(text) : { problems: [text] }
  if ('problems' in read) throw invalid(path, read.problems)
  return new CompiledSeverity(read.table)
}

function invalid(path: string, problems: readonly PolicyProblem[]): PolicyError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  const problem = `${first === undefined ? 'is not readable' : problemText(first)}${more}`
  return Object.assign(failure('POLICY_INVALID', { path, problem }), { problems })
}

const TOO_LONG = wholeFile(`is longer than ${POLICY_BYTES} bytes`)

/** The file's text, or what keeps it from being one. Of a file beyond the bound no more is read than shows that. */
async function textOf(path: string): Promise<string | PolicyProblem> {
  const chunks: Buffer[] = []
  try {
    // `end` is the last byte that is read, so this is one more than the bound.
    const stream = createReadStream(path, { end: POLICY_BYTES })
    for await (const chunk of stream) chunks.push(chunk as Buffer)
  } catch (thrown) {
    throw failure('FILE_UNREADABLE', { path, problem: asProblem(thrown) }, thrown)
  }
  const bytes = Buffer.concat(chunks)
  if (bytes.length > POLICY_BYTES) return TOO_LONG
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return wholeFile('is no text in UTF-8')
  }
}

function wholeFile(problem: string): PolicyProblem {
  return { severity: 'error', line: 0, column: 0, field: '', problem, expected: '' }
}
