/**
 * A server of stub services as a process of its own, for floods: `fork`ed with the directory of certificates and the path of a
 * socket. Tells its port once, and four times a second how it is doing.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ServerCounts, startServer } from '../../src/service/server.js'
import { unixAddress } from './served-learning.js'
import { MovedClock } from './served-stubs.js'
import { stubServices } from './stub-services.js'

/** What it tells. */
export interface ServerNews {
  readonly port: number
  readonly memoryBytes: number
  /** The longest that its loop was held up since it last told. */
  readonly delayMs: number
  readonly counts: readonly ServerCounts[]
}

const TELL_MS = 250

const [directory = '', path = ''] = process.argv.slice(2)
const file = (name: string): string => `${directory}/${name}`
const tls = {
  cert: file('server.pem'),
  key: file('server.key'),
  ca: file('ca.pem'),
  roles: file('roles.yaml'),
}
const server = await startServer({
  addresses: [{ kind: 'tcp', host: '0.0.0.0', port: 0, tls, reflection: false }, unixAddress(path)],
  services: stubServices(() => undefined),
  clock: new MovedClock(),
})
const port = Number(server.addresses()[0]?.split(':').at(-1))
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
setInterval(() => {
  const news: ServerNews = {
    port,
    memoryBytes: process.memoryUsage.rss(),
    delayMs: delay.max / 1e6,
    counts: server.counts(),
  }
  delay.reset()
  process.send?.(news)
}, TELL_MS)
process.on('disconnect', () => process.exit())
