import { readFileSync } from 'node:fs'
import t from 'tap'
import { clausesOf } from '../../src/sensor/clauses.js'
import { TRACEPOINTS } from '../../src/sensor/preflight.js'
import {
  DENIAL_PROBES,
  LEARNING_PROBES,
  PROBES,
  type ProbeName,
  programOf,
} from '../../src/sensor/program.js'
import { liveTest } from '../support/live/requirements.js'
import { run } from '../support/live/process.js'

const TEXTS = Object.fromEntries(
  PROBES.map((name) => [name, readFileSync(`probes/${name}.bt`, 'utf8')]),
) as Record<ProbeName, string>
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
    for (const name of PROBES) {
      const heads = clausesOf(TEXTS[name]).map(({ head }) => head)
      for (const head of ['BEGIN', 'END', 'interval:s:1']) {
        t.equal(heads.filter((h) => h === head).length, 1, `${name}: one ${head}`)
      }
      t.match(
        TEXTS[name],
        /^#!\/usr\/bin\/env bpftrace\n\/\*\n \* /,
        `${name}: starts with its header`,
      )
      t.match(TEXTS[name], new RegExp(`^ \\* ${name}\\.bt - `, 'm'), `${name}: and its name`)
      const cleared = clausesOf(TEXTS[name]).find(({ head }) => head === 'END')?.body ?? ''
      t.notMatch(
        cleared,
        /calls_|endpoints_|denials_|capped|sent|refused/,
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
    [DENIAL_PROBES, '@denials_a', '@calls_a'],
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
      if (letter === undefined || 'RHWCcb'.includes(letter)) return
      t.equal(
        lines[at - 1],
        `@sent[${letter.charCodeAt(0)}] = count();`,
        `${letter} in ${head.split('\n')[0]}`,
      )
    })
  }
})

t.test('every tracepoint of the probes is one that preflight looks for', async (t) => {
  const used = new Set(
    [...PROGRAM.matchAll(/tracepoint:(\w+):(\w+)/g)].map(([, a, b]) => `${a}/${b}`),
  )
  t.strictSame([...used].toSorted(), [...TRACEPOINTS].toSorted())
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
