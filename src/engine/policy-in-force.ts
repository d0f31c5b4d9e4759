/**
 * The policy that enforcement goes by: read at the start, read again when it is asked to, and replaced on a person's order.
 *
 *   --policy FILE, else STATE/policy.yaml if there is one, else the one that ships
 *
 * Replacing writes the first that may be written to: FILE, or STATE/policy.yaml. What was there is kept beside it as `.previous`.
 */
import { constants } from 'node:fs'
import { access, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { problemText } from '../detect/policy-problem.js'
import type { Policy } from '../detect/policy.js'
import { asProblem, failure, quoted } from '../errors.js'
import { sha256Of } from '../respond/manifest.js'
import type {
  PolicyChange,
  PolicyChanged,
  PolicyInForce as PolicyShown,
} from '../service/control/control-source.js'
import { writeWhole } from '../write-file.js'
import { textAt } from './owned-file.js'
import { DEFAULT_POLICY, loadPolicy, type LoadedPolicy, policyOf } from './policy-file.js'
import { allowedAmong, type Rejudging } from './policy-rejudge.js'

export interface PolicyInForceOptions {
  readonly stateDirectory: string
  /** Undefined: that of the state directory, or the one that ships. */
  readonly policyPath: string | undefined
  /** What sealed baselines say, for judging kept anomalies anew. */
  readonly sealedOf: Rejudging['sealedOf']
  /** What becomes of images without a sealed baseline, if the policy says so: that holds from start to end. */
  readonly startedWith?: Policy['unknownImages'] | undefined
  /** Another policy is in force from now on. */
  readonly changed: (policy: LoadedPolicy) => void
}

export class PolicyInForce {
  readonly #options: PolicyInForceOptions
  #policy: LoadedPolicy
  #working: Promise<unknown> = Promise.resolve()

  /** `policy` is in force already, see `findPolicy`. */
  constructor(policy: LoadedPolicy, options: PolicyInForceOptions) {
    this.#policy = policy
    this.#options = options
  }

  get current(): LoadedPolicy {
    return this.#policy
  }

  shown(): PolicyShown {
    const { text, path } = this.#policy
    return { yaml: text, sha256: sha256Of(text), path }
  }

  /** Reads the file again. Throws `FILE_UNREADABLE`, `POLICY_INVALID`; then what was in force stays. */
  reload(): Promise<LoadedPolicy> {
    return this.#afterwards(async () => {
      this.#hold(await findPolicy(this.#options))
      return this.#policy
    })
  }

  /** Checks the new policy, says what it would change, and puts it in force unless that is a dry run. */
  replace(change: PolicyChange): Promise<PolicyChanged> {
    return this.#afterwards(() => this.#replace(change))
  }

  async #replace(change: PolicyChange): Promise<PolicyChanged> {
    const { yaml, expectedSha256, dryRun, anomalies } = change
    const path = await this.#target()
    const before = await textAt(path)
    this.#requireExpected(expectedSha256, before)
    const policy = policyOf(path, yaml)
    const { sealedOf } = this.#options
    const allowed = await allowedAmong(anomalies, { policy: policy.compiled, sealedOf })
    if (!dryRun) {
      await write(path, yaml, before)
      this.#hold(policy)
    }
    return {
      sha256: sha256Of(yaml),
      warnings: [
        ...policy.warnings.map(problemText),
        ...this.#lateIn(policy.policy),
        ...allowed.warnings,
      ].map(quoted),
      allowedAnomalies: allowed.ids,
      allowedCount: allowed.count,
      applied: !dryRun,
    }
  }

  #lateIn({ unknownImages }: Policy): readonly string[] {
    const { startedWith } = this.#options
    if (startedWith === undefined || unknownImages === startedWith) return []
    return [`unknownImages: ${unknownImages} takes effect with the next start of enforce`]
  }

  /** Neither what is in force nor what somebody wrote to the file meanwhile is replaced unseen. */
  #requireExpected(given: string, before: string | undefined): void {
    if (given === '') return
    const inForce = sha256Of(this.#policy.text)
    if (inForce !== given) throw failure('POLICY_CHANGED', { found: inForce, given })
    if (before === undefined || this.#policy.path === DEFAULT_POLICY) return
    const onDisk = sha256Of(before)
    if (onDisk !== given) throw failure('POLICY_CHANGED', { found: `${onDisk} on disk`, given })
  }

  async #target(): Promise<string> {
    const { policyPath, stateDirectory } = this.#options
    if (policyPath === undefined) return statePolicyPath(stateDirectory)
    // A link stays a link.
    return realpath(policyPath).catch(() => policyPath)
  }

  #hold(policy: LoadedPolicy): void {
    this.#policy = policy
    this.#options.changed(policy)
  }

  #afterwards<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#working.then(work)
    this.#working = done.catch(() => undefined)
    return done
  }
}

/** The policy to go by. Throws `FILE_UNREADABLE`, `POLICY_INVALID`. */
export async function findPolicy({
  policyPath,
  stateDirectory,
}: Pick<PolicyInForceOptions, 'policyPath' | 'stateDirectory'>): Promise<LoadedPolicy> {
  if (policyPath !== undefined) return loadPolicy(policyPath)
  const path = statePolicyPath(stateDirectory)
  const isThere = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  )
  return loadPolicy(isThere ? path : DEFAULT_POLICY)
}

function statePolicyPath(stateDirectory: string): string {
  return join(stateDirectory, 'policy.yaml')
}

async function write(path: string, yaml: string, before: string | undefined): Promise<void> {
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  )
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw failure('FILE_UNWRITABLE', { path, problem: asProblem(thrown) }, thrown)
  }
  if (before !== undefined) await writeWhole(`${path}.previous`, before, mode)
  await writeWhole(path, yaml, mode)
}
