/** Profiles in the formats of others: what they say, and that they never allow more than the profile does. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { buildProfile } from '../../src/seccomp/build.js'
import { exportSpo } from '../../src/seccomp/export-spo.js'
import { exportSystemd } from '../../src/seccomp/export-systemd.js'
import { REQUIRED } from '../../src/kernel/required-calls.js'
import { PROGRAM_START } from '../../src/seccomp/floor-tables.js'
import { isKubernetesName, kubernetesNameOf } from '../../src/seccomp/kubernetes-name.js'
import { problemsOf } from '../../src/seccomp/validate.js'
import { yamlText } from '../../src/seccomp/yaml.js'
import { liveTest, pathOf } from '../support/live/requirements.js'
import {
  answerOf,
  anyBuilt,
  built,
  knownNames,
  listOf,
  manifestOf,
  settingsOf,
  STRENGTHS,
} from '../support/profile-exports.js'
import { call, callWith, input } from '../support/profile-inputs.js'
import { readYaml } from '../support/yaml-reader.js'

t.test('a manifest has the fields of the resource, and no others', async (t) => {
  // properties of spec in the operator's deploy/base-crds/crds/seccompprofile.yaml, v1beta1, at v0.9.1 and v1.0.0
  const specFields = 'defaultAction architectures syscalls'.split(' ')
  const ruleFields = 'action errnoRet args names'.split(' ')
  const actions = /^SCMP_ACT_(ALLOW|ERRNO|KILL_PROCESS|LOG)$/
  for (const strength of STRENGTHS) {
    const { profile } = built(['mkdir', 'i386/socketcall'], { strength })
    const manifest = manifestOf(profile)
    t.same(Object.keys(manifest), ['apiVersion', 'kind', 'metadata', 'spec'])
    t.match(manifest, {
      apiVersion: 'security-profiles-operator.x-k8s.io/v1beta1',
      kind: 'SeccompProfile',
      metadata: { name: 'web' },
      spec: { defaultAction: profile.defaultAction, architectures: profile.architectures },
    })
    t.same(Object.keys(manifest.spec), specFields)
    for (const rule of manifest.spec.syscalls) {
      t.same(
        Object.keys(rule).filter((key) => !ruleFields.includes(key)),
        [],
      )
      t.match(rule.action, actions)
      t.ok(rule.names.length > 0 && new Set(rule.names).size === rule.names.length)
      if (rule.errnoRet !== undefined) t.ok(Number.isInteger(rule.errnoRet))
    }
    t.same(
      problemsOf(manifest.spec).filter(({ severity }) => severity === 'error'),
      [],
      `${strength}: its spec is a good OCI document`,
    )
  }
})

t.test(
  'without a default errno, each known call still gets the errno of the profile',
  async (t) => {
    const { profile } = built(['mkdir', 'clone'])
    const { spec } = manifestOf(profile)
    t.equal(answerOf(spec, 'clone3'), 'SCMP_ACT_ERRNO 38', 'glibc falls back to clone')
    t.equal(answerOf(spec, 'mount'), 'SCMP_ACT_ERRNO 1')
    t.equal(answerOf(spec, 'mkdir'), 'SCMP_ACT_ALLOW')
    t.equal(answerOf(spec, 'of_a_newer_kernel'), 'SCMP_ACT_ERRNO 1')
    t.match(exportSpo(profile, 'web').notes, [/no default errno.*EPERM/])
    const logging = built(['mkdir'], { strength: 'complain' }).profile
    t.same(exportSpo(logging, 'web').notes, [])
    t.equal(manifestOf(logging).spec.syscalls.length, 1)
  },
)

t.test('argument tests are part of a manifest; a drop-in allows the calls whole', async (t) => {
  const one = buildProfile(input([call('mkdir'), callWith('socket', [0x21, 0x22, 0x11])]))
  const { spec } = manifestOf(one.profile)
  t.same(
    spec.syscalls.filter((rule) => rule.names.includes('socket')),
    [1, 2].map((domain) => ({
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: 0xffff_ffff, valueTwo: domain }],
      names: ['socket'],
    })),
  )
  const spo = exportSpo(one.profile, 'web')
  t.same(spo.allowed, [...one.origins.keys()], 'each name once')
  t.match(spo.notes[1], /other arguments.*EPERM: socket$/)
  const unit = exportSystemd(one)
  t.ok(unit.allowed.includes('socket') && unit.allowed.includes('mkdir'))
  t.match(
    unit.notes.at(-1),
    /^allowed whatever their arguments.*: socket .*RestrictAddressFamilies=/,
  )
})

t.test('an object is named after its image, in a way that Kubernetes takes', async (t) => {
  const digest = `sha256:${'0123456789ab'.padEnd(64, 'f')}`
  const cases: readonly (readonly [string, string])[] = [
    ['localhost/web:1', 'web-1'],
    ['docker.io/library/nginx:1.25.3', 'nginx-1-25-3'],
    [`registry:5000/Team/App_Server@${digest}`, 'app-server'],
    ['command:/usr/bin/sh', 'sh'],
    ['localhost/--x--', 'x'],
    ['', 'image-0123456789ab'],
    ['localhost/:\u001b\u4e2d', 'image-0123456789ab'],
    ['x'.repeat(200), 'x'.repeat(63)],
    [`${'x'.repeat(62)}.1`, 'x'.repeat(62)],
  ]
  for (const [image, expected] of cases) t.equal(kubernetesNameOf(image, digest), expected, image)
  for (const good of ['a', 'web-1', 'a.b-c.d', '1', 'x'.repeat(253)]) {
    t.ok(isKubernetesName(good), good)
  }
  for (const bad of ['', 'Web', '-a', 'a-', 'a..b', 'a_b', 'a/b', 'a\n', 'x'.repeat(254)]) {
    t.notOk(isKubernetesName(bad), JSON.stringify(bad))
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 99 }), (image) => {
      const name = kubernetesNameOf(image, digest)
      return name.length <= 63 && isKubernetesName(name)
    }),
  )
})

t.test('what is no plain word is quoted, and reads back the same', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['web-1.x/y', 'a: web-1.x/y\n'],
    ['No', 'a: "No"\n'],
    ['null', 'a: "null"\n'],
    ['1e3', 'a: "1e3"\n'],
    ['', 'a: ""\n'],
    ['a: b #"\\', 'a: "a: b #\\"\\\\"\n'],
    ['\u001b\n\u2028\u{1f600}', 'a: "\\u001b\\u000a\\u2028\\U0001f600"\n'],
  ]
  for (const [value, expected] of cases) t.equal(yamlText({ a: value }), expected)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, number) => {
      const document = {
        a: text,
        list: [text, 'b'],
        items: [{ b: number, c: [text] }, { b: text }],
      }
      return JSON.stringify(readYaml(yamlText(document))) === JSON.stringify(document)
    }),
  )
})

t.test(
  'a drop-in lists what the application and a start need, not what a runtime needs',
  async (t) => {
    const { text, allowed, notes } = exportSystemd(built(['mkdir', 'runtime:sync', 'i386/socket']))
    t.same(listOf(text, 'SystemCallFilter'), allowed)
    t.ok(allowed.includes('mkdir') && allowed.includes('execve') && allowed.includes('exit_group'))
    t.same(
      ['sync', 'capset', 'setgroups', 'fchown'].filter((name) => allowed.includes(name)),
      [],
    )
    const settings = settingsOf(text)
    for (const key of ['SystemCallFilter', 'SystemCallArchitectures']) {
      t.same(
        settings.find(([name]) => name === key),
        [key, ''],
        `${key} starts empty`,
      )
    }
    t.same(listOf(text, 'SystemCallArchitectures'), ['x86-64', 'x86'])
    t.ok(settings.some(([key, value]) => key === 'SystemCallErrorNumber' && value === 'ENOSYS'))
    t.ok(text.split('\n').every((line) => line.length <= 100))
    t.ok(notes.some((note) => note.includes('ENOSYS, not EPERM')))
    t.same(listOf(exportSystemd(built(['x32/read'])).text, 'SystemCallArchitectures'), [
      'x86-64',
      'x32',
    ])
    t.same(listOf(exportSystemd(built(['aarch64/read'])).text, 'SystemCallArchitectures'), [
      'arm64',
    ])
  },
)

t.test(
  'a drop-in that only logs refuses nothing, one of a strict profile kills nothing',
  async (t) => {
    const calls = ['mkdir']
    const complain = exportSystemd(built(calls, { strength: 'complain' }))
    const settings = settingsOf(complain.text)
    t.same(new Set(settings.map(([key]) => key)), new Set(['SystemCallLog']))
    t.ok(
      settings.slice(1).every(([, value]) => value.startsWith('~')),
      'all but these',
    )
    t.same(listOf(complain.text, 'SystemCallLog'), complain.allowed)
    const enforce = exportSystemd(built(calls))
    const strict = exportSystemd(built(calls, { strength: 'strict' }))
    t.equal(strict.text, enforce.text)
    t.ok(strict.notes.some((note) => note.startsWith('nothing kills')))
    t.notOk(enforce.notes.some((note) => note.startsWith('nothing kills')))
  },
)

t.test('no format allows a name that the profile does not', async (t) => {
  fc.assert(
    fc.property(anyBuilt, (one) => {
      const { profile, origins } = one
      const { spec } = manifestOf(profile)
      const spo = exportSpo(profile, 'web').allowed
      const unit = exportSystemd(one)
      const key = profile.defaultAction === 'SCMP_ACT_LOG' ? 'SystemCallLog' : 'SystemCallFilter'
      return (
        spo.join() === [...origins.keys()].join() &&
        namesAllowedBy(spec.syscalls).join() === spo.join() &&
        namesAllowedBy(profile.syscalls).join() === spo.join() &&
        listOf(unit.text, key)?.join() === unit.allowed.join() &&
        unit.allowed.every((name) => origins.has(name)) &&
        [...PROGRAM_START, ...REQUIRED].every(
          (name) => !origins.has(name) || unit.allowed.includes(name),
        )
      )
    }),
    { numRuns: 60 },
  )
  t.pass('no counterexample')
})

function namesAllowedBy(rules: readonly { action: string; names: readonly string[] }[]): string[] {
  const names = rules.flatMap((rule) => (rule.action === 'SCMP_ACT_ALLOW' ? rule.names : []))
  return [...new Set(names)].toSorted()
}

t.test('a manifest answers every known call as the profile does', async (t) => {
  fc.assert(
    fc.property(anyBuilt, ({ profile }) => {
      const { spec } = manifestOf(profile)
      return knownNames(profile).every((name) => answerOf(spec, name) === answerOf(profile, name))
    }),
    { numRuns: 20 },
  )
  t.pass('no counterexample')
})

const SYSTEMD = 'systemd takes the drop-in: the settings, the architectures and the names'
liveTest(SYSTEMD, ['systemd-analyze'], async (t) => {
  const program = pathOf('systemd-analyze') ?? ''
  const calls = ['mkdir', 'i386/socketcall', 'x32/read']
  for (const strength of STRENGTHS) {
    const { text } = exportSystemd(built(calls, { strength }))
    t.ok(settingsOf(text).length > 3, strength)
    const complaints = complaintsOf(program, text)
    // The names of 335 and 336 are younger than many a systemd, which then says so.
    t.same(
      complaints.filter((line) => !/ignoring: (uprobe|uretprobe)$/.test(line)),
      [],
    )
  }
  const spoiled = exportSystemd(built(calls)).text.replace(' mkdir ', ' no_such_call ')
  t.match(complaintsOf(program, spoiled), [/no_such_call/], 'it does read the file')
  t.match(complaintsOf(program, '[Service]\nSystemCallArchitectures=z80\n'), [/z80/])
})

/** What `systemd-analyze verify` says about a unit with that drop-in, as far as it is about the drop-in. */
function complaintsOf(program: string, dropIn: string): readonly string[] {
  const directory = t.testdir({
    'web.service': '[Service]\nExecStart=/bin/true\n',
    'web.service.d': { '50-plimsoll.conf': dropIn },
  })
  const { stderr, error } = spawnSync(program, ['verify', join(directory, 'web.service')], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (error) throw error
  return stderr.split('\n').filter((line) => line.includes('50-plimsoll.conf'))
}
