/** Sources as JavaScript, for processes that a test starts many times: types are not checked, which takes longer than they live. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Files and folders of the repository, at the same places below `directory`, which must lie in the repository too. */
export function transpile(directory: string, paths: readonly string[]): void {
  for (const path of paths.flatMap(filesOf)) {
    const target = join(directory, path.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    if (!path.endsWith('.ts')) copyFileSync(join(ROOT, path), target)
    else writeFileSync(target, javaScriptOf(readFileSync(join(ROOT, path), 'utf8')))
  }
}

function filesOf(path: string): readonly string[] {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path]
  return readdirSync(join(ROOT, path)).flatMap((name) => filesOf(join(path, name)))
}

function javaScriptOf(text: string): string {
  const { ESNext } = ts.ModuleKind
  const compilerOptions = { module: ESNext, target: ts.ScriptTarget.ES2023 }
  return ts.transpileModule(text, { compilerOptions }).outputText
}
