/** `plimsoll ctl ...`: ask and change a running plimsoll, over its socket or the network. */
import type { Command } from 'commander'
import { command, type Context } from './context.js'
import { anomaliesCommand, anomalyCommand, timelineCommand } from './ctl-anomalies.js'
import { auditCommand } from './ctl-audit.js'
import { baselinesCommand } from './ctl-baselines.js'
import { callCommand } from './ctl-call.js'
import { modeCommand } from './ctl-mode.js'
import { policyCommand } from './ctl-policy.js'
import { releaseCommand, respondCommand } from './ctl-respond.js'
import { statusCommand } from './ctl-status.js'

export function ctlCommand(context: Context): Command {
  const ctl = command('ctl', 'ask and change a running plimsoll')
  for (const sub of [
    statusCommand(context),
    anomaliesCommand(context),
    anomalyCommand(context),
    timelineCommand(context),
    baselinesCommand(context),
    policyCommand(context),
    modeCommand(context),
    respondCommand(context),
    releaseCommand(context),
    auditCommand(context),
    callCommand(context),
  ]) {
    ctl.addCommand(sub)
  }
  return ctl
}
