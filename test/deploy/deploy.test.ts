/** What ships for running plimsoll as a service is well-formed, as confined as it claims, and means the same everywhere. */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { pathOf } from '../support/live/requirements.js'
import { boundingSetOf, readUnit, valuesOf } from '../support/unit-file.js'

const UNIT = 'deploy/plimsoll-enforce.service'
/** Of 10, by `systemd-analyze security`; a service that does nothing special to protect itself has 9.6. */
const EXPOSURE = 3.7

const skip =
  pathOf('systemd-analyze') === undefined ? 'no systemd-analyze (apt-get install systemd)' : false

t.test('systemd finds nothing wrong with the unit', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'plim-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const text = readFileSync(UNIT, 'utf8')
  const path = join(directory, 'plimsoll-enforce.service')
  // It checks that the program is there.
  writeFileSync(path, text.replace('/usr/local/bin/plimsoll', process.execPath))
  const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', path], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('plimsoll'))
  t.same(ours, [])
  t.equal(status, 0)
})

t.test('the unit leaves little to attack', { skip }, async (t) => {
  const flags = ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE * 10}`]
  const { stdout, status } = spawnSync('systemd-analyze', [...flags, UNIT], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  const [, level = ''] = /Overall exposure level[^:]*: (\d+\.\d+)/.exec(stdout) ?? []
  t.comment(`exposure ${level}`)
  t.ok(Number(level) > 0 && Number(level) <= EXPOSURE, `${level} of at most ${EXPOSURE}`)
  t.equal(status, 0)
})

t.test('the unit lets it start, stop and come back', async (t) => {
  const unit = readUnit(UNIT)
  const of = (name: string): readonly string[] => valuesOf(unit, 'Service', name)
  t.same(of('Type'), ['notify'])
  t.same(of('NotifyAccess'), ['main'])
  t.same(of('KillMode'), ['mixed'], 'bpftrace is ended by plimsoll, not by systemd')
  t.same(of('ExecReload'), ['/bin/kill -HUP $MAINPID'])
  t.same(of('StateDirectory'), ['plimsoll'])
  t.same(of('RuntimeDirectory'), ['plimsoll'])
  t.ok(Number(of('TimeoutStopSec')[0]) >= 35, 'longer than the last counts and answers take')
  t.match(of('ExecStart')[0], /^\/usr\/local\/bin\/plimsoll enforce --all /)
  t.notOk(of('MemoryDenyWriteExecute').includes('yes'), 'JavaScript is compiled')
  t.ok(valuesOf(unit, 'Install', 'WantedBy').length > 0)
})

const Probe = z.strictObject({
  httpGet: z.strictObject({
    host: z.literal('127.0.0.1'),
    port: z.literal(9464),
    path: z.enum(['/readyz', '/healthz']),
  }),
  periodSeconds: z.number().min(1),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().min(1),
})

const Container = z.strictObject({
  name: z.literal('plimsoll'),
  image: z.string().regex(/^plimsoll:\d+\.\d+\.\d+$/),
  imagePullPolicy: z.literal('IfNotPresent'),
  args: z.array(z.string()),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.literal(9464) })),
  securityContext: z.strictObject({
    privileged: z.literal(false),
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    runAsUser: z.literal(0),
    runAsNonRoot: z.literal(false),
    capabilities: z.strictObject({
      drop: z.tuple([z.literal('ALL')]),
      add: z.array(z.string().regex(/^[A-Z_]+$/)),
    }),
    seccompProfile: z.strictObject({ type: z.literal('Unconfined') }),
    appArmorProfile: z.strictObject({ type: z.literal('Unconfined') }),
  }),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: Probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  volumeMounts: z.array(
    z.strictObject({
      name: z.string(),
      mountPath: z.string().startsWith('/'),
      readOnly: z.boolean().optional(),
    }),
  ),
})

const Volume = z.union([
  z.strictObject({
    name: z.string(),
    hostPath: z.strictObject({
      path: z.string().startsWith('/'),
      type: z.enum(['Directory', 'DirectoryOrCreate', 'Socket']),
    }),
  }),
  z.strictObject({
    name: z.string(),
    emptyDir: z.strictObject({ medium: z.literal('Memory'), sizeLimit: z.string() }),
  }),
])

const Labels = z.record(z.string(), z.string())

const Documents = z.tuple([
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Namespace'),
    metadata: z.strictObject({ name: z.literal('plimsoll'), labels: Labels }),
  }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ServiceAccount'),
    metadata: z.strictObject({ name: z.literal('plimsoll'), namespace: z.literal('plimsoll') }),
    automountServiceAccountToken: z.literal(false),
  }),
  z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('DaemonSet'),
    metadata: z.strictObject({
      name: z.literal('plimsoll'),
      namespace: z.literal('plimsoll'),
      labels: Labels,
    }),
    spec: z.strictObject({
      selector: z.strictObject({ matchLabels: Labels }),
      updateStrategy: z.strictObject({
        type: z.literal('RollingUpdate'),
        rollingUpdate: z.strictObject({ maxUnavailable: z.literal(1) }),
      }),
      template: z.strictObject({
        metadata: z.strictObject({ labels: Labels }),
        spec: z.strictObject({
          serviceAccountName: z.literal('plimsoll'),
          automountServiceAccountToken: z.literal(false),
          enableServiceLinks: z.literal(false),
          hostPID: z.literal(true),
          hostNetwork: z.literal(true),
          dnsPolicy: z.literal('ClusterFirstWithHostNet'),
          priorityClassName: z.string(),
          terminationGracePeriodSeconds: z.number().min(35),
          nodeSelector: Labels,
          tolerations: z.tuple([z.strictObject({ operator: z.literal('Exists') })]),
          containers: z.tuple([Container]),
          volumes: z.array(Volume),
        }),
      }),
    }),
  }),
])

t.test('the manifest has the fields that Kubernetes knows, and they fit together', async (t) => {
  const documents = parseAllDocuments(readFileSync('deploy/daemonset.yaml', 'utf8'), {
    strict: true,
    uniqueKeys: true,
  })
  t.same(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  )
  const parsed = Documents.parse(documents.map((document) => document.toJS() as unknown))
  const { spec } = parsed[2]
  t.same(spec.selector.matchLabels, spec.template.metadata.labels)
  const [container] = spec.template.spec.containers
  const mounted = container.volumeMounts.map(({ name }) => name).sort()
  t.same(spec.template.spec.volumes.map(({ name }) => name).sort(), mounted)
  const paths = container.volumeMounts.map(({ mountPath }) => mountPath)
  for (const path of ['/sys/kernel/tracing', '/sys/fs/cgroup', '/var/lib/plimsoll']) {
    t.ok(paths.includes(path), path)
  }
  t.equal(container.livenessProbe.httpGet.path, '/healthz')
  t.equal(container.readinessProbe.httpGet.path, '/readyz')
  t.equal(container.startupProbe.httpGet.path, '/readyz')
  const { capabilities } = container.securityContext
  const unit = boundingSetOf(readUnit(UNIT)).map((name) => name.replace(/^CAP_/, ''))
  t.same(capabilities.add.toSorted(), unit.toSorted(), 'those of the unit')
})

t.test('the Dockerfile copies what is there and runs what the unit runs', async (t) => {
  const text = readFileSync('deploy/Dockerfile', 'utf8').replaceAll(/\\\n/g, ' ')
  const instructions = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const known = /^(?:FROM|WORKDIR|COPY|RUN|VOLUME|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD|\s+CMD) /
  t.same(
    instructions.filter((line) => !known.test(line)),
    [],
  )
  const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
  for (const line of instructions) {
    const [, sources = ''] = /^COPY (?!--from)(.*) \S+$/.exec(line) ?? []
    for (const source of sources.split(' ').filter(Boolean)) {
      t.ok(existsSync(source), source)
      t.ok(ignored.includes(`!${source}`), `${source} is sent to the builder`)
    }
  }
  const shipped = (JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] }).files
  for (const name of shipped) t.match(text, new RegExp(`COPY .*\\b${name}\\b`), `${name} is in it`)
  const command = instructions.findLast((line) => line.startsWith('CMD ')) ?? ''
  const args = JSON.parse(command.slice('CMD '.length)) as readonly string[]
  const [start = ''] = valuesOf(readUnit(UNIT), 'Service', 'ExecStart')
  const ofUnit = start.replaceAll('%S', '/var/lib').replaceAll('%t', '/run').split(' ').slice(1)
  t.same(args, ofUnit)
  t.notMatch(text, /https?:|curl|wget/, 'nothing is fetched but from the registries')
})

t.test('what ships here can be read by everybody and run by nobody', async (t) => {
  for (const name of readdirSync('deploy'))
    t.equal(statSync(join('deploy', name)).mode & 0o133, 0, name)
})
