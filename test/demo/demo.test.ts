/** The demo on a machine on which nothing can be observed: it says what is missing, and learns from the recorded trace. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import t from 'tap'
import { REPOSITORY } from '../support/repository.js'

t.test('without a working bpftrace the demo says so and replays a trace', (t) => {
  const said = execFileSync('sh', ['test/demo/demo.sh'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    env: { ...process.env, PLIMSOLL_BPFTRACE: '/nonexistent/bpftrace' },
  })
  t.match(said, 'Nothing can be observed live here: this host cannot run the sensor.')
  t.match(said, /^FAIL {2}bpftrace +not installed$/m)
  t.match(said, 'Learning from a recorded trace instead')
  t.match(said, /^localhost\/plimsoll-demo:1: 1 run, full$/m)
  t.match(said, /^ {2}system calls {2}30 /m)
  const [, profile = ''] = /^The profile is (\S+)\/demo\.json\. It comes from/m.exec(said) ?? []
  t.not(profile, '')
  if (profile.includes('plimsoll-demo.')) rmSync(profile, { recursive: true })
  t.end()
})
