/** Why a service cannot be reached: for a socket, whether it is there and who may open it. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '../../errors.js'
import { PlimsollClientError } from './client-error.js'
import { addressText, type ServerAddress } from './server-address.js'

/** The error for it; `said` is what gRPC says. Transient unless a permission is missing. Never rejects. */
export async function unreachable(
  address: ServerAddress,
  said: string,
  cause: unknown,
): Promise<PlimsollClientError> {
  const found = address.kind === 'unix' ? await socketProblem(address.path, said) : undefined
  const problem = found?.problem ?? connectionProblem(said)
  const error = failure('UNREACHABLE', { address: addressText(address), problem }, cause)
  return new PlimsollClientError({
    code: error.code,
    grpc: error.grpc,
    message: error.message,
    hint: error.hint,
    isTransient: found?.isForbidden !== true,
    cause,
  })
}

interface SocketProblem {
  readonly problem: string
  readonly isForbidden?: true
}

async function socketProblem(path: string, said: string): Promise<SocketProblem> {
  try {
    const found = await stat(path)
    if (!found.isSocket()) return { problem: 'the file there is no socket' }
    if (!/\b(?:EACCES|EPERM)\b/.test(said)) {
      return { problem: 'the socket is there, but nothing answers on it' }
    }
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    const problem = `you may not open the socket: it belongs to uid ${found.uid}, gid ${found.gid}, mode ${mode}`
    return { problem, isForbidden: true }
  } catch (thrown) {
    return missing(path, (thrown as NodeJS.ErrnoException).code)
  }
}

async function missing(path: string, code: string | undefined): Promise<SocketProblem> {
  if (code === 'EACCES') {
    return { problem: `you may not look into ${dirname(path)}`, isForbidden: true }
  }
  const hasDirectory = await stat(dirname(path)).then(
    () => true,
    () => false,
  )
  return { problem: hasDirectory ? 'no socket is there' : `there is no directory ${dirname(path)}` }
}

/** `No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ` and the like. */
function connectionProblem(said: string): string {
  const last = /Last error: (.*?)(?:\. Resolution note:.*)?$/s.exec(said)?.[1]
  return (last ?? said).replace(/^Error(?: \[\w+\])?: /, '').trim() || 'no answer'
}
