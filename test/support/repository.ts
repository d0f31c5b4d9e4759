/** Where tests find what is not compiled: they run from `build/`, their fixtures stay where they are. */
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../src/version.js'

export const REPOSITORY: string = PACKAGE_ROOT
export const MAIN: string = join(REPOSITORY, 'dist/cli/main.js')
export const FIXTURES: string = join(REPOSITORY, 'test/fixtures')
/** A recording of one container, for everything that replays. */
export const DEMO_TRACE: string = join(FIXTURES, 'traces/demo.trace')
