/** A baseline in which everything that comes from outside is chosen to harm whoever prints it. */
import { Baseline } from '../../src/baseline/baseline.js'
import { byteStringOf, byteStringOfText } from '../../src/bytes.js'
import { runFacts } from './baseline-steps.js'

/** Escapes for terminals, line breaks, C1 controls, bidirectional overrides, quotes and a zero byte. */
const HARM = '\u001b[2J\r\n\u0000\u0007\u007f\u009b31m\u0085\u2028\u2029\u202e\u2066"\\\t x'

const SEEN = {
  cgroupId: 7,
  lineage: 'main',
  atMs: 1_500,
  atNs: 0,
  pid: 1,
  ppid: 0,
  uid: 0,
  truncated: true,
} as const

export function hostileBaseline(): Baseline {
  const bytes = byteStringOfText(`/bin/${HARM}`)
  const notText = byteStringOf(Uint8Array.of(0x2f, 0xff, 0x9b, 0xc2, 0x1b, 0x0a))
  const baseline = Baseline.empty({
    kind: 'container',
    digest: `sha256:${'ab'.repeat(32)}`,
    name: `web${HARM}`,
    entrypoint: [bytes, notText],
  })
  const run = baseline.startRun(
    runFacts(`run${HARM}`, {
      runtime: HARM,
      containerName: HARM,
      kernel: HARM,
      bpftrace: HARM,
      runtimeVersion: HARM,
      incompleteness: [{ reason: 'unresolved-image', count: 1, detail: HARM }],
    }),
  )
  for (const path of [bytes, notText]) {
    baseline.learnSyscall(run, 'main', 'x86_64', 1, 3, 1_500)
    baseline.learnProgram(run, 'main', 'x86_64', 1, path, 1_500)
    baseline.learnExec(
      run,
      {
        ...SEEN,
        kind: 'exec',
        path,
        exe: path,
        comm: path,
        inode: 1,
        links: 0,
        fsMagic: 1,
        upper: true,
      },
      path,
    )
    baseline.learnDenialProgram(run, 'main', 'x86_64', 83, path, 1_500)
    baseline.learnCapability(run, { ...SEEN, capability: 50, count: 1 }, path)
    baseline.learnUringOp(run, { ...SEEN, opcode: 200, count: 1 }, path)
    for (const kind of ['connect', 'listen'] as const) {
      const endpoint = { protocol: 'unix', address: path, port: 0, source: 'user' } as const
      baseline.learnEndpoint(run, { ...SEEN, kind, ...endpoint, count: 1 }, path)
    }
  }
  // A call that no table knows.
  baseline.learnSyscall(run, 'main', 'x86_64', 1023, 1, 1_500)
  return baseline
}
