/** Baselines as a command line names them: in the store, or in a file. */
import { stat } from 'node:fs/promises'
import type { Baseline } from '../baseline/baseline.js'
import type { BaselineStore } from '../baseline/store.js'
import { readBaselineFile } from './baseline-file.js'

/** What such an argument may be, for the help. */
export const FILE_OR_REFERENCE =
  'a baseline as `baseline ls` shows it, or an exported file (*.plb, /..., ./... or one that exists)'

/** The baseline that `ref` means. Throws as `readBaselineFile` or `BaselineStore.load` does. */
export async function loadBaseline(store: BaselineStore, ref: string): Promise<Baseline> {
  return (await isFile(ref)) ? readBaselineFile(ref) : store.load(ref)
}

/** A slash in the middle does not make a file: most image names have one. None begins with a slash or a dot. */
async function isFile(ref: string): Promise<boolean> {
  if (ref.endsWith('.plb') || /^\.{0,2}\//.test(ref)) return true
  const found = await stat(ref).catch(() => undefined)
  return found?.isFile() ?? false
}
