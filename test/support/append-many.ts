/** Run by a test as a process of its own: appends to the operator log of a state directory. Arguments: it, a name, how often. */
import { OperatorLog } from '../../src/service/audit/operator-log.js'

const [state = '', name = '', times = '0'] = process.argv.slice(2)
const log = new OperatorLog(state, { nowMs: () => Date.now() })
for (let n = 0; n < Number(times); n++) {
  const intent = { actor: `cli:${name}`, action: 'Try', target: `${n}`, reason: 'to see' }
  const begun = await log.begin(intent)
  await begun.end('done')
}
