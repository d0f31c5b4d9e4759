/** One member changes; every other byte of the text stays, integers that no double can hold among them. */
import fc from 'fast-check'
import t from 'tap'
import { parseExact, withMember, withoutMember } from '../../src/workload/json-splice.js'

const BIG = '18446744073709551615'

t.test('a member is put in place of one that is there, and nothing else changes', async (t) => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['{"a":1,"b":2}', ['b'], '{"a":1,"b":NEW}'],
    ['{"a":{"b":[{"b":3}],"c":"}"},"b":2}', ['a', 'b'], '{"a":{"b":NEW,"c":"}"},"b":2}'],
    [`{"limit":${BIG},"a":{"s":null}}`, ['a', 's'], `{"limit":${BIG},"a":{"s":NEW}}`],
    ['{"a":"\\"b\\":1","b" : true }', ['b'], '{"a":"\\"b\\":1","b" : NEW }'],
    ['{"\\u0061":"x","b":1}', ['a'], '{"\\u0061":NEW,"b":1}'],
    ['{"a":-1.5e300\n}', ['a'], '{"a":NEW\n}'],
  ]
  for (const [text, path, changed] of cases) {
    t.same(withMember(text, path, 'NEW'), { text: changed }, text)
  }
})

t.test('a member that is not there is added in front, set out as its neighbours', async (t) => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['{"a":1}', ['b'], '{"b":NEW,"a":1}'],
    ['{\n  "a": 1\n}\n', ['b'], '{\n  "b": NEW,\n  "a": 1\n}\n'],
    ['{}', ['b'], '{"b": NEW}'],
    [' {"a":{}}', ['a', 'b'], ' {"a":{"b": NEW}}'],
  ]
  for (const [text, path, changed] of cases) {
    t.same(withMember(text, path, 'NEW'), { text: changed }, text)
    t.same(withoutMember(changed.replace('NEW', '[1,{"x":"]"}]'), path), { text }, `${text}: back`)
  }
})

t.test('a member goes with its comma, wherever it stands', async (t) => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['{"a":1,"b":2,"c":3}', ['a'], '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"c":3}', ['b'], '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', ['c'], '{"a":1,"b":2}'],
    ['{\n  "a": 1,\n  "b": 2\n}', ['b'], '{\n  "a": 1\n}'],
    ['{"a":1}', ['a'], '{}'],
    ['{"a":1}', ['b'], '{"a":1}'],
    ['{"a":1}', ['b', 'c'], '{"a":1}'],
  ]
  for (const [text, path, changed] of cases) {
    t.same(withoutMember(text, path), { text: changed }, text)
  }
})

t.test('what readers may understand in two ways is refused', async (t) => {
  t.same(withMember('{"a":1,"a":2}', ['a'], '3'), { problem: 'it has a twice' })
  t.same(withoutMember('{"x":{"a":1,"\\u0061":2}}', ['x', 'a']), { problem: 'it has x.a twice' })
  t.same(withMember('{"a":1}', ['x', 'y'], '3'), { problem: 'it has no object x' })
  t.same(withMember('{"a":1}', ['a', 'y'], '3'), { problem: 'it has no object a' })
})

t.test('any document changes in that member alone, whatever its layout', async (t) => {
  const document = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })
  const layout = fc.constantFrom(undefined, 1, 2, '\t')
  fc.assert(
    fc.property(document, fc.string(), fc.jsonValue(), layout, (object, name, value, indent) => {
      fc.pre(name !== '__proto__' && !Object.hasOwn(object, '__proto__'))
      const text = JSON.stringify(object, undefined, indent)
      const changed = withMember(text, [name], JSON.stringify(value))
      const removed = 'text' in changed ? withoutMember(changed.text, [name]) : changed
      if (!('text' in changed) || !('text' in removed)) return false
      const { [name]: _, ...others } = object
      const expected: unknown = JSON.parse(JSON.stringify({ ...object, [name]: value }))
      return (
        isSame(JSON.parse(changed.text), expected) &&
        isSame(JSON.parse(removed.text), others) &&
        (Object.hasOwn(object, name) || Object.keys(object).length === 0 || removed.text === text)
      )
    }),
  )
  t.pass('held for all')
})

function isSame(one: unknown, other: unknown): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(value, (_, item: unknown) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    )
  return sorted(one) === sorted(other)
}

t.test('integers that a double may not hold are read as their digits', async (t) => {
  const text = `{"a":${BIG},"b":[1,-2.5,1e3],"c":"${BIG}","d":"\\"${BIG}"}`
  t.same(parseExact(text), { a: BIG, b: [1, -2.5, 1000], c: BIG, d: `"${BIG}` })
  t.throws(() => parseExact('{"a":'), SyntaxError)
})
