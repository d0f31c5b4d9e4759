/**
 * Two network namespaces joined by a pair of links: one for a container, one for who talks to it. With addresses of both
 * families, routes, and a permanent neighbour, so that there is something to restore. Nothing of the host's network is touched.
 */
import type { Test } from 'tap'
import { mustRun, run, start, type Running } from './process.js'
import { until } from './until.js'

export const INSIDE = '10.213.7.2'
export const PEER = '10.213.7.1'
const PEER6 = 'fd77:213::1'
const PORT = 7007

/** Accepts one connection and passes lines: from stdin to it, from it to stdout. */
const SERVER = `
const server = require('node:net').createServer((socket) => {
  socket.setEncoding('utf8').on('data', (text) => process.stdout.write(text))
  socket.on('close', () => process.stdout.write('closed\\n')).on('error', () => {})
  process.stdin.on('data', (line) => socket.write(line))
  process.stdout.write('connected\\n')
})
server.listen(${PORT}, '${PEER}', () => process.stdout.write('listening\\n'))
`

let pairs = 0

export class NetPair {
  readonly port = PORT
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  /** Makes the pair; it goes with the test. */
  static async make(t: Test): Promise<NetPair> {
    pairs += 1
    const pair = new NetPair(`plimsoll-${process.pid}-${pairs}`)
    const { inside, peer } = pair
    t.teardown(() => pair.#remove())
    await mustRun('ip', ['netns', 'add', inside])
    await mustRun('ip', ['netns', 'add', peer])
    const link = ['link', 'add', 'eth0', 'netns', inside, 'type', 'veth']
    await mustRun('ip', [...link, 'peer', 'name', 'peer0', 'netns', peer])
    for (const [namespace, name, v4, v6] of [
      [inside, 'eth0', INSIDE, 'fd77:213::2'],
      [peer, 'peer0', PEER, PEER6],
    ] as const) {
      const ip = ['-n', namespace]
      await mustRun('ip', [...ip, 'address', 'add', `${v4}/24`, 'dev', name])
      await mustRun('ip', [...ip, 'address', 'add', `${v6}/64`, 'dev', name, 'nodad'])
      await mustRun('ip', [...ip, 'link', 'set', name, 'up'])
      await mustRun('ip', [...ip, 'link', 'set', 'lo', 'up'])
    }
    const ip = ['-n', inside]
    await mustRun('ip', [...ip, 'route', 'add', 'default', 'via', PEER])
    await mustRun('ip', [...ip, '-6', 'route', 'add', 'default', 'via', PEER6])
    await mustRun('ip', [
      ...ip,
      'route',
      'add',
      '10.99.0.0/16',
      'via',
      PEER,
      'metric',
      '7',
      'table',
      '12',
    ])
    const neighbour = [
      '10.213.7.9',
      'lladdr',
      '02:00:00:00:00:09',
      'nud',
      'permanent',
      'dev',
      'eth0',
    ]
    await mustRun('ip', [...ip, 'neighbour', 'add', ...neighbour])
    return pair
  }

  get inside(): string {
    return `${this.#name}-in`
  }

  get peer(): string {
    return `${this.#name}-out`
  }

  /** Path of the container's namespace. */
  get path(): string {
    return `/run/netns/${this.inside}`
  }

  /** Who the container connects to; ends with the test. */
  async serve(t: Test): Promise<Running> {
    const server = start('ip', ['netns', 'exec', this.peer, process.execPath, '-e', SERVER])
    t.teardown(async () => {
      server.child.kill('SIGKILL')
      await server.exited
    })
    await until('the peer to listen', () => server.stdout().includes('listening'))
    return server
  }

  /** Whether a connection attempt of the peer is answered within a second; nobody listens on that port. */
  async isReachable(): Promise<boolean> {
    const connect = `require('node:net').connect(9, '${INSIDE}')
      .on('error', (error) => process.exit(error.code === 'ECONNREFUSED' ? 0 : 1))
      .setTimeout(1000, () => process.exit(1))`
    const asked = await run('ip', ['netns', 'exec', this.peer, process.execPath, '-e', connect])
    return asked.code === 0
  }

  /** Routes and addresses as `ip` prints them, without what is only a matter of time. */
  async state(): Promise<string> {
    const parts: string[] = []
    for (const question of [
      ['-4', 'route', 'show', 'table', 'all'],
      ['-6', 'route', 'show', 'table', 'main'],
      ['neighbour', 'show', 'nud', 'permanent'],
      ['-brief', 'address', 'show', 'dev', 'eth0'],
    ]) {
      parts.push((await mustRun('ip', ['-n', this.inside, ...question])).stdout)
    }
    return parts.join('--\n')
  }

  async #remove(): Promise<void> {
    for (const namespace of [this.inside, this.peer])
      await run('ip', ['netns', 'delete', namespace])
  }
}
