/** Who is at the terminal, as the operator log and decisions have it. */
import { userInfo } from 'node:os'

/** `cli:USER`; behind sudo, who called it: an auditor asks who, and root is nobody. */
export function actorOf(env: NodeJS.ProcessEnv): string {
  return `cli:${env['SUDO_USER'] || userName()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A uid that no user database knows, as in a minimal container.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
