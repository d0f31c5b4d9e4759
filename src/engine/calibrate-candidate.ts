/** Which runtimes of this host can be measured: installed, and able to start a container here. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runtime } from '../seccomp/floor-tables.js'
import { PACKAGE_ROOT } from '../version.js'
import { makeRoot } from '../workload/bundle.js'
import { findOciRuntime, type FoundRuntime } from '../workload/find-oci-runtime.js'
import { OciRuntime, RuntimeError } from '../workload/oci-runtime.js'
import { CalibrationContainers } from './calibrate-containers.js'
import type { Filter, FilteredWorkshop } from './calibrate-measure.js'

/** A runtime that starts containers here, or why it does not. */
export type Candidate =
  | {
      readonly kind: 'usable'
      readonly found: FoundRuntime<Runtime>
      readonly workshop: FilteredWorkshop
    }
  | { readonly kind: 'unavailable'; readonly runtime: Runtime; readonly problem: string }

/** Where bundles and cgroups are made. */
export type Place = Pick<FilteredWorkshop, 'mount' | 'cgroup' | 'directory'>

/** Tries the runtime out: whether it likes this host is known only when it has started a container. */
export async function candidateOf(
  runtime: Runtime,
  place: Place,
  path: string | undefined,
): Promise<Candidate> {
  try {
    const found = await findOciRuntime(runtime, path)
    const home = join(place.directory, runtime)
    const root = join(home, 'root')
    await mkdir(root, { recursive: true })
    await makeRoot(root)
    const workshop = {
      ...place,
      runtime: new OciRuntime(found.program, home),
      directory: home,
      root,
      seccomp: await learningFilter(),
    }
    await (await CalibrationContainers.open(workshop)).close()
    return { kind: 'usable', found, workshop }
  } catch (thrown) {
    if (!(thrown instanceof RuntimeError)) throw thrown
    return { kind: 'unavailable', runtime, problem: thrown.message }
  }
}

async function learningFilter(): Promise<Filter> {
  const path = join(PACKAGE_ROOT, 'profiles', 'learning.json')
  return JSON.parse(await readFile(path, 'utf8')) as Filter
}
