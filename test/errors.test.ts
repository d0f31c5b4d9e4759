import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { type ErrorCode, ERRORS } from '../src/error-catalogue.js'
import { asPlimsollError, asProblem, failure, PlimsollError, quoted } from '../src/errors.js'

const ROWS = Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][]

/** One call `failure('CODE', { ... })` in the sources; `fields` is undefined where they cannot be read off it. */
interface Call {
  readonly where: string
  readonly code: string
  readonly fields: readonly string[] | undefined
}

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(
    (path) =>
      path.endsWith('.ts') &&
      !path.startsWith('gen/') &&
      !/^(?:(?:service|enforce)-errors|error-catalogue)\.ts$/.test(path),
  )
  .map((path) => join('src', path))
  .map((path) =>
    ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2023, true),
  )

/** Every string literal of the sources, and every call of `failure` whose code is one. */
function readSources(): {
  readonly literals: ReadonlySet<string>
  readonly calls: readonly Call[]
} {
  const literals = new Set<string>()
  const calls: Call[] = []
  const visit = (node: ts.Node, source: ts.SourceFile): void => {
    if (ts.isStringLiteral(node)) literals.add(node.text)
    if (ts.isCallExpression(node) && node.expression.getText() === 'failure') {
      const [code, subject] = node.arguments
      const { line } = source.getLineAndCharacterOfPosition(node.getStart())
      const where = `${source.fileName}:${line + 1}`
      if (code !== undefined && ts.isStringLiteral(code)) {
        calls.push({ where, code: code.text, fields: fieldsOf(subject) })
      }
    }
    ts.forEachChild(node, (child) => visit(child, source))
  }
  for (const source of SOURCES) visit(source, source)
  return { literals, calls }
}

function fieldsOf(subject: ts.Expression | undefined): readonly string[] | undefined {
  if (subject === undefined || !ts.isObjectLiteralExpression(subject)) return undefined
  const names = subject.properties.map((property) => property.name?.getText())
  return names.every((name) => name !== undefined) ? names : undefined
}

function placeholdersOf(code: ErrorCode): readonly string[] {
  const { message, hint } = ERRORS[code]
  return [...`${message} ${hint}`.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
}

t.test(
  'every row can be shown: a message without, a hint with a full stop, known codes',
  async (t) => {
    for (const [code, row] of ROWS) {
      t.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/, code)
      t.notMatch(row.message, /\.$|\n|^[A-Z][a-z]/, `${code}: message`)
      t.match(row.hint, /^\{\w+\}$|^[^\n]+\.$/, `${code}: hint`)
      t.ok([1, 2, 3, 126, 127].includes(row.exit), `${code}: exit code`)
      t.ok(Number.isInteger(row.grpc) && row.grpc >= 1 && row.grpc <= 16, `${code}: gRPC status`)
      t.notMatch(
        `${row.message}${row.hint}`.replaceAll(/\{\w+\}/g, ''),
        /[{}]/,
        `${code}: placeholders`,
      )
    }
  },
)

t.test('every code is used, and every use fills the whole message and hint', async (t) => {
  const { literals, calls } = readSources()
  t.strictSame(
    ROWS.map(([code]) => code).filter((code) => code !== 'INTERNAL' && !literals.has(code)),
    [],
    'codes that nothing uses',
  )
  t.ok(calls.length > 20, 'the calls were found')
  for (const { where, code, fields } of calls) {
    if (!t.ok(Object.hasOwn(ERRORS, code), `${where}: ${code} is in the table`)) continue
    if (fields === undefined) continue
    const missing = placeholdersOf(code as ErrorCode).filter((name) => !fields.includes(name))
    t.strictSame(missing, [], `${where}: ${code} is given all its fields`)
  }
})

t.test('an error is its row, filled with its subject', async (t) => {
  const cause = new Error('EACCES')
  const error = failure('STORE_DAMAGED', { path: '/state/a.plb', problem: 'too short' }, cause)
  t.type(error, PlimsollError)
  t.match(error, {
    name: 'PlimsollError',
    code: 'STORE_DAMAGED',
    message: 'baseline file /state/a.plb is damaged: too short',
    hint: ERRORS.STORE_DAMAGED.hint,
    exit: 1,
    grpc: 15,
    cause,
  })
  t.notOk('cause' in failure('CGROUP2_MISSING', {}))
})

t.test('a subject is put in once and as it is: no field of it is read as a template', async (t) => {
  const { message } = failure('STORE_DAMAGED', { path: '{problem} $& $1', problem: '{path}' })
  t.equal(message, 'baseline file {problem} $& $1 is damaged: {path}')
  t.equal(
    failure('BASELINE_AMBIGUOUS', { ref: 'ab', count: 0, candidates: '' }).message.trim(),
    'ab matches 0 baselines:',
  )
  t.equal(failure('BAD_DIGEST', {}).message, 'not an image digest: {digest}')
})

t.test('foreign text stays on its line and cannot drive a terminal', async (t) => {
  const cases: readonly [name: string, text: string, shown: string][] = [
    ['plain text', 'sha256:abc "x" \\', 'sha256:abc "x" \\'],
    ['letters of other scripts', '\u00e9\u4e2d\u{1f600}', '\u00e9\u4e2d\u{1f600}'],
    ['a terminal sequence', '\u001b[2J', '\\u001b[2J'],
    ['line breaks', 'a\r\nb\u0085c\u2028d', 'a\\u000d\\u000ab\\u0085c\\u2028d'],
    ['an override of direction', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['delete and zero', '\u007f\u0000', '\\u007f\\u0000'],
  ]
  for (const [name, text, shown] of cases) {
    t.equal(quoted(text), shown, name)
    const error = failure('BAD_DIGEST', { digest: text })
    t.equal(error.message, `not an image digest: ${shown}`, `${name}, in a message`)
  }
  const { hint } = failure('NOT_READY', { problem: 'x', remedy: 'a\nb' })
  t.equal(hint, 'a\\u000ab', 'a hint is filled the same way')
})

t.test('anything thrown becomes an error of the table', async (t) => {
  const known = failure('CGROUP2_MISSING', {})
  t.equal(asPlimsollError(known), known)
  const foreign = new TypeError('x is not a function')
  t.match(asPlimsollError(foreign), {
    code: 'INTERNAL',
    message: 'unexpected failure: x is not a function',
    cause: foreign,
  })
  t.match(asPlimsollError('text'), { code: 'INTERNAL', message: 'unexpected failure: text' })
  t.match(asPlimsollError(undefined), { message: 'unexpected failure: undefined' })
})

t.test('a problem is the message without the code that Node puts in front', async (t) => {
  t.equal(asProblem(new Error('ENOENT: no such file, open x')), 'no such file, open x')
  t.equal(asProblem(new Error('bad: EACCES: y')), 'bad: EACCES: y')
  t.equal(asProblem('ERR_X: text'), 'text')
  t.equal(asProblem(7), '7')
})
