/**
 * With which command lines a runtime starts a container's health check, by its inspect answer. Pure. Fields: Docker Engine
 * API 1.41 and podman 4.3, `Config.Healthcheck.Test` and `Config.Shell`.
 */
import type { ContainerRuntime } from './container-path.js'
import { elementsAt, stringsAt } from './json-fields.js'

/** More than any health check says; images choose theirs, and every word would go into traces. */
const WORD_LIMIT = 256
const LENGTH_LIMIT = 16 * 1024

/**
 * The command lines, any of which may be used; none where the container has no health check, or none that is understood.
 *
 *   ["CMD", word...]       the words
 *   ["CMD-SHELL", text]    the shell and the text: docker takes the container's `Shell` if it was given one
 *   ["NONE"]               switched off, as it may be for one container of an image
 *   [word...]              the words, under podman; nothing under docker
 */
export function healthChecksOf(
  answer: unknown,
  runtime: ContainerRuntime,
): readonly (readonly string[])[] {
  const test = elementsAt(answer, 'Config', 'Healthcheck', 'Test')
  if (!test.every((word) => typeof word === 'string') || test.length > WORD_LIMIT) return []
  if (test.join(' ').length > LENGTH_LIMIT) return []
  const [kind, ...words] = test
  switch (kind) {
    case undefined:
    case '':
    case 'NONE':
      return []
    case 'CMD':
      return words.length === 0 ? [] : [words]
    case 'CMD-SHELL': {
      if (words.length === 0) return []
      const shell = stringsAt(answer, 'Config', 'Shell')
      if (runtime === 'docker') return [[...(shell.length > 0 ? shell : SHELLS[0]), ...words]]
      return SHELLS.map((shell) => [...shell, words.join(' ')])
    }
    default:
      return runtime === 'podman' ? [test] : []
  }
}

/** The second was podman's before it took the first. */
const SHELLS = [
  ['/bin/sh', '-c'],
  ['sh', '-c'],
] as const
