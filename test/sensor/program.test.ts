import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { clausesOf } from '../../src/sensor/clauses.js'
import type { Version } from '../../src/sensor/dialect.js'
import { TRACEPOINTS } from '../../src/sensor/preflight.js'
import { OPTIONAL_PROBES, probeFileOf } from '../../src/sensor/probe-files.js'
import {
  DENIAL_PROBES,
  ENFORCE_PROBES,
  LEARNING_PROBES,
  LEARNING_PROBES_IOCTL,
  PROBES,
  type ProbeName,
  programOf,
} from '../../src/sensor/program.js'
import { liveTest } from '../support/live/requirements.js'
import { run } from '../support/live/process.js'

/** Every probe file. */
const FILES = readdirSync('probes').map((file) => file.replace(/\.bt$/, ''))
const textOf = (file: string): string => readFileSync(`probes/${file}.bt`, 'utf8')
const TEXTS = Object.fromEntries(PROBES.map((name) => [name, textOf(name)])) as Record<
  ProbeName,
  string
>
const PROGRAM = programOf(TEXTS)

/** The program of some of the files. */
function partOf(names: readonly ProbeName[]): string {
  return programOf(Object.fromEntries(names.map((name) => [name, TEXTS[name]])))
}

t.test('a program is taken apart at its outer braces only', async (t) => {
  const cases: readonly [
    name: string,
    program: string,
    clauses: readonly (readonly [string, string])[],
  ][] = [
    ['nothing', '', []],
    ['only a comment', '#!/usr/bin/env bpftrace\n/* { */\n// }\n', []],
    ['one clause', 'BEGIN { @a = 1; }', [['BEGIN', '@a = 1;']]],
    ['a predicate', 'interval:s:1\n/@a == 1/\n{ }', [['interval:s:1\n/@a == 1/', '']]],
    ['several probes', 'a:b,\nc:d { x }', [['a:b,\nc:d', 'x']]],
    [
      'inner braces',
      'a { if (x) { y } else { z } } b { }',
      [
        ['a', 'if (x) { y } else { z }'],
        ['b', ''],
      ],
    ],
    ['braces in strings', 'a { printf("} { \\" }"); }', [['a', 'printf("} { \\" }");']]],
    ['braces in comments', 'a { /* } */ x // }\n }', [['a', '/* } */ x // }']]],
    ['strings in predicates', 'a /comm == "{"/ { x }', [['a /comm == "{"/', 'x']]],
    [
      'comments between clauses',
      'a { }\n/* b { } */\nc { }',
      [
        ['a', ''],
        ['c', ''],
      ],
    ],
    ['a comment that never ends', 'a { } /* b', [['a', '']]],
  ]
  for (const [name, program, clauses] of cases) {
    t.strictSame(
      clausesOf(program).map(({ head, body }) => [head, body]),
      clauses,
      name,
    )
  }
})

t.test('a program whose braces do not match is refused', async (t) => {
  for (const program of ['a {', 'a { }}', '} a {', 'a { "}', 'a { } b', 'a { } "']) {
    t.throws(() => clausesOf(program), SyntaxError, program)
  }
})

t.test(
  'every probe file runs on its own: it begins, ends, beats and clears its maps',
  async (t) => {
    for (const name of FILES) {
      const text = textOf(name)
      const heads = clausesOf(text).map(({ head }) => head)
      for (const head of ['BEGIN', 'END', 'interval:s:1']) {
        t.equal(heads.filter((h) => h === head).length, 1, `${name}: one ${head}`)
      }
      t.match(text, /^#!\/usr\/bin\/env bpftrace\n\/\*\n \* /, `${name}: starts with its header`)
      t.match(text, new RegExp(`^ \\* ${name}\\.bt - `, 'm'), `${name}: and its name`)
      const cleared = clausesOf(text).find(({ head }) => head === 'END')?.body ?? ''
      t.notMatch(
        cleared,
        /calls_|endpoints_|denials_|capped|caps_|uring_|sent|refused/,
        `${name}: the truth is not cleared at the end`,
      )
    }
  },
)

t.test('together they are one program, framed and ready last', async (t) => {
  const clauses = clausesOf(PROGRAM)
  const count = (head: string): number => clauses.filter((clause) => clause.head === head).length
  t.equal(count('BEGIN'), 1)
  t.equal(count('END'), 1)
  t.equal(count('interval:s:1'), 1, 'one heartbeat')
  t.equal(clauses[0]?.head, 'BEGIN')
  t.match(clauses.at(-1)?.body, /printf\("R %llu\\n", nsecs\);/, 'readiness is the last clause')
  t.equal(PROGRAM.split('printf("R ').length, 2, 'and said once')
  const texts = clauses.map(({ head, body }) => `${head} ${body}`)
  t.equal(new Set(texts).size, texts.length, 'no clause comes twice')
})

t.test('a program is of the files that a mode needs, and ready last as well', async (t) => {
  for (const [names, isThere, isNot] of [
    [LEARNING_PROBES, '@calls_a', '@denials_a'],
    [LEARNING_PROBES, '@calls_a', '@requests'],
    [LEARNING_PROBES_IOCTL, '@requests', '@denials_a'],
    [ENFORCE_PROBES, '@denials_a', '@requests'],
    [DENIAL_PROBES, '@denials_a', '@calls_a'],
    [ENFORCE_PROBES, '@denials_a', '@nothing'],
    [ENFORCE_PROBES, '@uring_a', '@nothing'],
  ] as const) {
    const program = partOf(names)
    t.match(program, isThere)
    t.notMatch(program, isNot)
    t.match(clausesOf(program).at(-1)?.body, /printf\("R /)
  }
  t.ok(
    PROBES.indexOf('denials') < PROBES.indexOf('exec'),
    'exec forgets the lineage of a task that ends, denials asks for it before',
  )
})

t.test('no clause and no statement of a probe file is lost', async (t) => {
  const together = clausesOf(PROGRAM)
  for (const name of PROBES) {
    for (const { head, body } of clausesOf(TEXTS[name])) {
      const same = together.filter((clause) => clause.head === head)
      if (head !== 'BEGIN' && head !== 'END') {
        t.ok(
          same.some((clause) => clause.body === body),
          `${name}: ${head}`,
        )
        continue
      }
      const statements = new Set(same[0]?.body.split('\n'))
      const missing = body.split('\n').filter((line) => !statements.has(line.trim()))
      t.strictSame(missing, [], `${name}: ${head}`)
    }
  }
})

t.test('each record that carries facts is counted just before it is printed', async (t) => {
  for (const { head, body } of clausesOf(PROGRAM)) {
    const lines = body.split('\n').map((line) => line.trim())
    lines.forEach((line, at) => {
      const letter = /^printf\("([A-Za-z]) /.exec(line)?.[1]
      if (letter === undefined || 'RHWCcbku'.includes(letter)) return
      t.equal(
        lines[at - 1],
        `@sent[${letter.charCodeAt(0)}] = count();`,
        `${letter} in ${head.split('\n')[0]}`,
      )
    })
  }
})

/** Tracepoints of a program, as their paths below `events`. */
function tracepointsOf(program: string): readonly string[] {
  const found = [...program.matchAll(/^tracepoint:(\w+):(\w+)/gm)].map(([, a, b]) => `${a}/${b}`)
  return [...new Set(found)].toSorted()
}

t.test('every tracepoint of the probes is one that preflight looks for', async (t) => {
  const optional = OPTIONAL_PROBES.flatMap(({ files }) => files)
  const needed = PROBES.filter((name) => !OPTIONAL_PROBES.some(({ probe }) => probe === name))
  t.strictSame(tracepointsOf(partOf(needed)), [...TRACEPOINTS].toSorted())
  for (const { file, tracepoint } of optional) {
    t.strictSame(tracepointsOf(textOf(file)), [tracepoint], file)
  }
})

t.test('an optional probe is left out where the host has no tracepoint for it', async (t) => {
  const debian12 = { major: 0, minor: 17 }
  const debian13 = { major: 0, minor: 23 }
  const cases: readonly [ProbeName, Version, readonly string[], string | undefined][] = [
    ['capability', debian12, ['capability/cap_capable'], 'capability'],
    ['capability', debian12, [], undefined],
    ['io-uring', debian12, ['io_uring/io_uring_submit_req'], 'io-uring'],
    ['io-uring', debian13, ['io_uring/io_uring_submit_sqe'], 'io-uring-sqe'],
    [
      'io-uring',
      debian13,
      ['io_uring/io_uring_submit_sqe', 'io_uring/io_uring_submit_req'],
      'io-uring',
    ],
    ['io-uring', debian13, ['io_uring/io_uring_complete'], undefined],
    ['cgroup', debian12, [], 'cgroup'],
    ['cgroup', debian13, [], 'cgroup-raw'],
    ['exec', debian13, [], 'exec'],
  ]
  for (const [probe, version, there, file] of cases) {
    t.equal(
      probeFileOf(probe, version, (tracepoint) => there.includes(tracepoint)),
      file,
    )
  }
  const without = partOf(PROBES.filter((name) => name !== 'capability'))
  t.notMatch(without, 'cap_capable')
  t.match(clausesOf(without).at(-1)?.body, /printf\("R /, 'and the rest is a program')
})

t.test('the siblings of a probe say the same of what they see', async (t) => {
  const bodies = (file: string): readonly string[] =>
    clausesOf(textOf(file)).map(({ body }) => body)
  t.strictSame(bodies('io-uring-sqe'), bodies('io-uring'))
})

for (const [name, program] of [
  ...Object.entries(TEXTS),
  ['all probes together', PROGRAM] as const,
  ['those that learn', partOf(LEARNING_PROBES)] as const,
  ['those that see denials', partOf(DENIAL_PROBES)] as const,
]) {
  liveTest(`bpftrace accepts ${name}`, ['root', 'bpf'], async (t) => {
    const bpftrace = process.env['PLIMSOLL_BPFTRACE'] ?? 'bpftrace'
    const finished = await run(bpftrace, ['-d', '-', '0', '0'], { input: program })
    t.equal(finished.code, 0, finished.stderr)
    t.match(finished.stdout, /^AST/m)
  })
}
