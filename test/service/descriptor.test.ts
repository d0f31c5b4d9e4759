/** The committed descriptor of the `.proto` files, and what a change to them may be. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DescriptorIndex } from '../../src/service/descriptor-index.js'
import { breakingChanges } from '../../src/service/generate/breaking-changes.js'
import { filesOf } from '../../src/service/generate/descriptor-set.js'

const COMMITTED = 'proto/descriptor.binpb'

const missing = missingThing()
const options = missing === undefined || process.env['CI'] === 'true' ? {} : { skip: missing }

function missingThing(): string | undefined {
  try {
    execFileSync('protoc', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'protoc is missing (protobuf-compiler)'
  }
}

function workDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What protoc makes of the files below `path`. */
function compiled(t: Test, path: string, files: readonly string[]): Buffer {
  const out = join(workDirectory(t), 'out')
  const args = [`--proto_path=${path}`, '--include_imports', `--descriptor_set_out=${out}`]
  execFileSync('protoc', [...args, ...files])
  return readFileSync(out)
}

t.test(
  'the committed descriptor is what the .proto files say (make descriptor)',
  options,
  async (t) => {
    const files = readdirSync('proto', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.proto'))
      .sort()
    const [made, committed] = [compiled(t, 'proto', files), readFileSync(COMMITTED)].map(
      (bytes) => new Map(filesOf(bytes).map((file) => [file.name, file])),
    )
    t.same(new Set(made?.keys()), new Set(committed?.keys()))
    for (const file of files) t.same(committed?.get(file), made?.get(file), file)
  },
)

const BEFORE = `syntax = "proto3";
package a;
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; reserved 5 to 7; reserved "COLOUR_BLUE"; }
message Other {}
message Thing {
  reserved 10 to 12, 20;
  reserved "gone";
  string name = 1;
  optional uint32 size = 2;
  repeated string tags = 3;
  oneof kind { string left = 4; string right = 5; }
  Colour colour = 6;
  message Inner { bool is_it = 1; }
  Inner inner = 7;
  map<string, string> labels = 8;
}
service Store {
  rpc Get(Thing) returns (Thing);
  rpc Watch(Thing) returns (stream Thing);
}
`

t.test(
  'a change that breaks clients is named, and one that does not is let pass',
  options,
  async (t) => {
    const directory = workDirectory(t)
    const described = (text: string): Buffer => {
      writeFileSync(join(directory, 'a.proto'), text)
      return compiled(t, directory, ['a.proto'])
    }
    const before = described(BEFORE)
    const cases: readonly [
      change: string,
      from: string,
      to: string,
      ...lines: readonly RegExp[],
    ][] = [
      ['nothing', '', ''],
      ['a comment', 'enum Colour', '// Of paint.\nenum Colour'],
      ['a field more', 'string name = 1;', 'string name = 1; bytes more = 9;'],
      ['a oneof more', 'string name = 1;', 'string name = 1; oneof x { bytes more = 9; }'],
      ['one more in a oneof', 'string right = 5;', 'string right = 5; string middle = 9;'],
      ['a value more', 'COLOUR_RED = 1;', 'COLOUR_RED = 1; COLOUR_GREEN = 2;'],
      ['a method more', 'service Store {', 'service Store { rpc Put(Thing) returns (Thing);'],
      ['a message more', 'message Other {}', 'message Other {} message More {}'],
      ['more reserved', 'reserved 10 to 12, 20;', 'reserved 10, 11 to 15, 18 to 20;'],
      ['another order', 'message Other {}\nmessage Thing {', 'message Thing {'],
      ['a field removed', 'string name = 1;', '', /^a.Thing.name: it is gone$/],
      ['and reserved', 'string name = 1;', 'reserved 1; reserved "name";', /name: it is gone/],
      [
        'renamed',
        'string name = 1;',
        'string title = 1;',
        /^a.Thing.name: name was name and is title$/,
      ],
      ['renumbered', 'string name = 1;', 'string name = 9;', /name: it is gone/],
      [
        'of another type',
        'string name = 1;',
        'bytes name = 1;',
        /type was TYPE_STRING and is TYPE_BYTES/,
      ],
      ['of another message', 'Inner inner = 7;', 'Other inner = 7;', /is TYPE_MESSAGE .a.Other/],
      ['repeated now', 'string name = 1;', 'repeated string name = 1;', /label was LABEL_OPTIONAL/],
      [
        'no map any more',
        'map<string, string> labels = 8;',
        'string labels = 8;',
        /LabelsEntry: this/,
        /type/,
        /label/,
      ],
      ['presence gained', 'string name = 1;', 'optional string name = 1;', /presence was implicit/],
      [
        'presence lost',
        'optional uint32 size',
        'uint32 size',
        /presence was explicit and is implicit/,
      ],
      [
        'moved into a oneof',
        'string name = 1;\n',
        'oneof n { string name = 1; }\n',
        /oneof was none and is n/,
      ],
      [
        'moved out of it',
        'string right = 5; }',
        '} string right = 5;',
        /right: oneof was kind and is none/,
      ],
      ['a value removed', 'COLOUR_RED = 1;', '', /^a.Colour.COLOUR_RED: it is gone$/],
      ['renumbered', 'COLOUR_RED = 1;', 'COLOUR_RED = 2;', /^a.Colour.COLOUR_RED: it is gone$/],
      ['a method removed', 'rpc Get(Thing) returns (Thing);', '', /^a.Store.Get: it is gone$/],
      [
        'streaming now',
        'returns (Thing)',
        'returns (stream Thing)',
        /response was .a.Thing and is stream/,
      ],
      ['of another request', 'Get(Thing)', 'Get(Other)', /request was .a.Thing and is .a.Other/],
      ['a message renamed', 'message Other', 'message Others', /^a.Other: this message is gone$/],
      [
        'a nested one gone',
        'message Inner { bool is_it = 1; }\n  Inner inner',
        'Other inner',
        /type/,
        /Inner: this/,
      ],
      ['a service gone', 'service Store', 'service Shop', /^a.Store: this service is gone$/],
      ['another package', 'package a;', 'package b;', /./, /./, /./, /./, /./, /./],
      [
        'a reserved number',
        'string name = 1;',
        'string name = 1; bytes x = 11;',
        /^a.Thing.x: its number 11 was/,
      ],
      [
        'a reserved name',
        'string name = 1;',
        'string name = 1; bytes gone = 9;',
        /^a.Thing.gone: its name was/,
      ],
      [
        'of an enum',
        'COLOUR_RED = 1;',
        'COLOUR_RED = 1; COLOUR_X = 7;',
        /COLOUR_X: its number 7 was/,
      ],
      ['named again', 'COLOUR_RED = 1;', 'COLOUR_RED = 1; COLOUR_BLUE = 2;', /BLUE: its name was/],
      [
        'less reserved',
        'reserved 10 to 12, 20;',
        'reserved 10 to 11, 20;',
        /10 to 12 is not reserved any more/,
      ],
      ['a name less', 'reserved "gone";', '', /the name gone is not reserved any more/],
    ]
    for (const [change, from, to, ...lines] of cases) {
      let text = BEFORE.replace(from, to)
      // What is used again is no longer declared as reserved, or protoc refuses it.
      if (/bytes x = 11/.test(to)) text = text.replace('reserved 10 to 12, 20;', '')
      if (/bytes gone/.test(to)) text = text.replace('reserved "gone";', '')
      if (/COLOUR_X/.test(to)) text = text.replace('reserved 5 to 7;', 'reserved 5 to 6;')
      if (/COLOUR_BLUE/.test(to)) text = text.replace('reserved "COLOUR_BLUE";', '')
      if (change === 'another order') text += 'message Other {}\n'
      const changes = breakingChanges(before, described(text))
      if (lines.length === 0) t.same(changes, [], `${change}: breaks nothing`)
      for (const line of lines) {
        t.ok(
          changes.some((each) => line.test(each)),
          `${change}: ${line.source}`,
        )
      }
    }
  },
)

t.test('files and symbols are found in the descriptor, with all that they import', async (t) => {
  const index = new DescriptorIndex(readFileSync(COMMITTED))
  const names = (files: readonly { readonly name: string }[]): string[] =>
    files.map(({ name }) => name)
  t.same(names(index.declaring('plimsoll.v1.Monitor')).slice(0, 2), [
    'plimsoll/v1/monitor.proto',
    'google/protobuf/field_mask.proto',
  ])
  for (const symbol of [
    'plimsoll.v1.Monitor.Watch',
    'plimsoll.v1.WatchRequest',
    'plimsoll.v1.WatchRequest.after_cursor',
    'plimsoll.v1.WatchRequest.start',
    'plimsoll.v1.GAP_CAUSE_EPOCH',
    'google.protobuf.FieldMask.paths',
    'grpc.health.v1.HealthCheckResponse.ServingStatus',
    'grpc.health.v1.HealthCheckResponse.NOT_SERVING',
  ]) {
    t.ok(index.declaring(symbol).length > 0, symbol)
  }
  for (const symbol of ['', 'constructor', '__proto__', 'plimsoll', 'plimsoll.v1', 'Monitor']) {
    t.same(index.declaring(symbol), [], symbol)
  }
  t.same(names(index.withImports('google/protobuf/field_mask.proto')), [
    'google/protobuf/field_mask.proto',
  ])
  const declared = filesOf(readFileSync(COMMITTED)).flatMap(({ package: scope, service = [] }) =>
    service.map(({ name }) => `${scope}.${name}`),
  )
  t.same(
    index.files.flatMap(({ services }) => services),
    declared,
  )
  t.throws(() => new DescriptorIndex(Buffer.of(0xff, 0xff)))
})
