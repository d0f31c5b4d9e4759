import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Notifier, type NotifierOptions, openNotifier } from '../../src/engine/notify.js'
import { pathOf } from '../support/live/requirements.js'
import { until } from '../support/live/until.js'

/** A service manager's socket; prints a JSON line per message: the pid that it is from, as the kernel says, and its text. */
const LISTENER = `
import json, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
print(json.dumps({"bound": True}), flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, 256)
    pid = 0
    for level, kind, value in ancillary:
        if kind == socket.SCM_RIGHTS:
            for (fd,) in struct.iter_unpack("i", value): os.close(fd)
        elif kind == 2: pid = struct.unpack("3i", value)[0]
    print(json.dumps({"pid": pid, "text": data.decode()}), flush=True)
`

interface Message {
  readonly pid: number
  readonly text: string
}

class Manager {
  readonly path: string
  readonly #child: ChildProcess
  #said = ''

  constructor(t: Test) {
    const directory = mkdtempSync(join(tmpdir(), 'plim-'))
    this.path = join(directory, 'notify')
    this.#child = spawn('python3', ['-c', LISTENER, this.path], { stdio: ['ignore', 'pipe', 2] })
    this.#child.stdout?.on('data', (bytes) => (this.#said += String(bytes)))
    t.teardown(() => {
      this.#child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    })
  }

  bound(): Promise<unknown> {
    return until('the socket', () => existsSync(this.path) && this.#said !== '')
  }

  /** Without the barriers by which the program waits until it was heard. */
  messages(): readonly Message[] {
    return this.#said
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line) as Message)
      .filter(({ text }) => text !== 'BARRIER=1')
  }
}

function notifierFor(options: Partial<NotifierOptions>): {
  notifier: Notifier
  problems: string[]
} {
  const problems: string[] = []
  const notifier = openNotifier({
    env: {},
    pid: process.pid,
    isAlive: () => true,
    failed: (problem) => void problems.push(problem),
    ...options,
  })
  return { notifier, problems }
}

const missing = ['python3', 'systemd-notify'].filter((name) => pathOf(name) === undefined)
const skip = missing.length === 0 ? false : `no ${missing.join(', no ')}`

t.test(
  'a service manager hears all of it, in order, from the service itself',
  { skip },
  async (t) => {
    const manager = new Manager(t)
    await manager.bound()
    const env = {
      NOTIFY_SOCKET: manager.path,
      WATCHDOG_USEC: '400000',
      WATCHDOG_PID: String(process.pid),
      HOME: '/root',
    }
    let alive = true
    const { notifier, problems } = notifierFor({
      env,
      isAlive: () => alive,
      monotonicNs: () => 123_456_789n,
    })
    t.same(env, { HOME: '/root' }, 'nothing that is started can speak for it')
    notifier.ready()
    notifier.status('watching 3 containers\n\u001b[31mREADY=1')
    await until('the watchdog', () =>
      manager.messages().some(({ text }) => /WATCHDOG=1/.test(text)),
    )
    alive = false
    notifier.reloading()
    notifier.ready()
    notifier.stopping()
    await notifier.close()
    await until('the last', () => manager.messages().some(({ text }) => /STOPPING/.test(text)))
    const messages = manager.messages()
    t.ok(
      messages.every(({ pid }) => pid === process.pid || process.getuid?.() !== 0),
      'in its name',
    )
    const texts = messages
      .map(({ text }) => text.replace(/^MAINPID=\d+\n/, ''))
      .filter((text) => text !== 'WATCHDOG=1')
    t.same(texts, [
      'READY=1',
      'STATUS=watching 3 containers\\u000a\\u001b[31mREADY=1',
      'RELOADING=1\nMONOTONIC_USEC=123456',
      'READY=1',
      'STOPPING=1',
    ])
    t.same(problems, [])
  },
)

t.test('without a manager nothing is started', async (t) => {
  const { notifier, problems } = notifierFor({
    env: { WATCHDOG_USEC: '1000' },
    run: () => Promise.reject(new Error('must not run')),
  })
  notifier.ready()
  notifier.reloading()
  notifier.status('x')
  notifier.stopping()
  await notifier.close()
  t.same(problems, [])
})

t.test('what cannot be sent is said once, and the service goes on', async (t) => {
  const env = { NOTIFY_SOCKET: '/nonexistent/notify' }
  const failing: readonly [name: string, code: number | undefined, stderr: string, said: string][] =
    [
      ['the program is missing', 127, 'env: ...', 'systemd-notify is not installed'],
      ['the socket is gone', 1, 'No such file', 'No such file'],
      ['it hung and was killed', undefined, '', 'systemd-notify failed'],
    ]
  for (const [name, code, problem, said] of failing) {
    const run = async (): Promise<{
      code: number | undefined
      stdout: string
      problem: string
    }> => ({
      code,
      stdout: '',
      problem,
    })
    const { notifier, problems } = notifierFor({ env: { ...env }, run })
    notifier.ready()
    notifier.status('x')
    await notifier.close()
    t.same(problems, [said], name)
  }
  const { notifier, problems } = notifierFor({ env: { ...env } })
  notifier.ready()
  await notifier.close()
  t.equal(problems.length, 1, problems.join())
})

t.test('what waits is bounded, and of two states the later is told', async (t) => {
  const sent: string[] = []
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const { notifier } = notifierFor({
    env: { NOTIFY_SOCKET: '/run/notify' },
    run: async (_file, args) => {
      sent.push(args.at(-1) ?? '')
      await held
      return { code: 0, stdout: '', problem: '' }
    },
  })
  notifier.ready()
  for (let at = 0; at < 10_000; at++) notifier.status(`state ${at}`)
  notifier.stopping()
  release()
  await notifier.close()
  t.same(sent, ['READY=1', 'STATUS=state 9999', 'STOPPING=1'])
})

t.test('the watchdog is for the process that was meant, and only with a sane time', async (t) => {
  for (const [usec, pid] of [
    ['400000', '1'],
    ['0', ''],
    ['-5', ''],
    ['x', ''],
    ['999999999999999999', ''],
  ] as const) {
    let asked = 0
    const { notifier } = notifierFor({
      env: { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: usec, WATCHDOG_PID: pid },
      isAlive: () => ++asked > 0,
      run: async () => ({ code: 0, stdout: '', problem: '' }),
    })
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(asked, 0, usec)
    await notifier.close()
  }
})
