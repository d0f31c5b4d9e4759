/** Who is at the terminal, as the operator log and incidents have it. */
import { userInfo } from 'node:os'

/** `cli:USER`; behind sudo, who called it. */
export function actorOf(env: NodeJS.ProcessEnv): string {
  return `cli:${env['SUDO_USER'] || userNameOf(env)}`
}

function userNameOf(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username
  } catch {
    // A uid without an entry in the user database.
    return env['USER'] || String(process.getuid?.() ?? '')
  }
}
