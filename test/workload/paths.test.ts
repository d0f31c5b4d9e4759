/** What can be told from text alone: mount tables, cgroup paths, references, process status, exit status. */
import fc from 'fast-check'
import t from 'tap'
import { parseCgroupMount } from '../../src/workload/cgroup-mount.js'
import { ownerOf } from '../../src/workload/command-cgroup.js'
import { imageDigestOf } from '../../src/workload/container-facts.js'
import { containerOf } from '../../src/workload/container-path.js'
import { dockerSocketOf } from '../../src/workload/docker.js'
import { exitStatusOf } from '../../src/workload/exit-status.js'
import { containerMatches, referenceMatches } from '../../src/workload/image-reference.js'
import { parseProcessStat } from '../../src/workload/process-stat.js'
import { isForeground } from '../../src/workload/terminal.js'

const ID = '0d9a4c'.padEnd(64, '7')
const OTHER = 'f00ba2'.padEnd(64, '1')
const POD = 'pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9'

void t.test('the cgroup2 mount is found in every usual layout', (t) => {
  const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate'
  const tmpfs = '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755'
  const v1 = '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu'
  const unified = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw'
  const inChroot = '55 45 0:38 / /srv/root/sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'
  const cases: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['pure v2', [v2], '/sys/fs/cgroup'],
    ['several optional fields', [v2.replace('shared:9', 'shared:9 master:1')], '/sys/fs/cgroup'],
    ['hybrid', [tmpfs, v1, unified], '/sys/fs/cgroup/unified'],
    ['hybrid with a chroot listed first', [inChroot, tmpfs, v1, unified], '/sys/fs/cgroup/unified'],
    ['only in a chroot', [inChroot], '/srv/root/sys/fs/cgroup/unified'],
    [
      'a part of the tree is second to the whole',
      [v2.replace(' / ', ' /a '), inChroot],
      '/srv/root/sys/fs/cgroup/unified',
    ],
    ['elsewhere, with a space', ['9 1 0:5 / /mnt/c\\040g rw - cgroup2 none rw'], '/mnt/c g'],
    ['v1 only', [tmpfs, v1], undefined],
    ['nothing', [''], undefined],
    ['not a mount table', ['cgroup2 - cgroup2', '- cgroup2'], undefined],
  ]
  for (const [name, lines, expected] of cases) {
    t.equal(parseCgroupMount(lines.join('\n')), expected, name)
  }
  t.end()
})

void t.test('the container is read off the paths of all runtimes and drivers', (t) => {
  const burst = '/kubepods.slice/kubepods-burstable.slice'
  const cases: readonly (readonly [string, string, string])[] = [
    ['docker', `/system.slice/docker-${ID}.scope`, ''],
    ['docker', `/docker/${ID}`, ''],
    ['docker', `/docker/${ID}`, '/init/deeper'],
    ['docker', `/docker/${ID}`, `/docker/${OTHER}`],
    ['docker', `/docker/${ID}`, `/kubelet.slice/cri-containerd-${OTHER}.scope`],
    ['docker', `/actions_job/${ID}`, ''],
    ['docker', `/system.slice:docker:${ID}`, ''],
    ['docker', `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`, ''],
    ['docker', `/kubepods/besteffort/${POD}/docker-${ID}.scope`, ''],
    ['podman', `/machine.slice/libpod-${ID}.scope`, ''],
    ['podman', `/machine.slice/libpod-${ID}.scope`, '/container'],
    ['podman', `/libpod_parent/libpod-${ID}`, ''],
    ['podman', `/libpod_parent/libpod-${ID}`, '/container/system.slice/app.service'],
    ['podman', `/libpod_parent/${OTHER}/libpod-${ID}`, ''],
    ['podman', `/machine.slice/machine-libpod_pod_${OTHER}.slice/libpod-${ID}.scope`, ''],
    ['podman', `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`, ''],
    ['podman', `/system.slice/web.service/libpod-payload-${ID}`, ''],
    ['containerd', `${burst}/kubepods-burstable-${POD}.slice/cri-containerd-${ID}.scope`, ''],
    ['containerd', `/kubepods/burstable/${POD}/${ID}`, ''],
    ['containerd', `/kubelet/kubepods/burstable/${POD}/${ID}`, '/sub'],
    ['containerd', `/system.slice/kubepods-${POD}.slice:cri-containerd:${ID}`, ''],
    ['containerd', `/k8s.io/${ID}`, ''],
    ['containerd', `/default/${ID}`, ''],
    ['containerd', `/system.slice/nerdctl-${ID}.scope`, ''],
    ['crio', `${burst}/kubepods-burstable-${POD}.slice/crio-${ID}.scope`, ''],
    ['crio', `${burst}/kubepods-burstable-${POD}.slice/crio-${ID}.scope`, '/container'],
    ['crio', `/kubepods/burstable/${POD}/crio-${ID}`, ''],
  ]
  for (const [runtime, scopePath, below] of cases) {
    t.same(
      containerOf(scopePath + below),
      { runtime, containerId: ID, scopePath },
      scopePath + below,
    )
  }
  t.end()
})

void t.test('what only looks like a container is none', (t) => {
  const paths = [
    '',
    '/',
    '/system.slice/docker.service',
    `/machine.slice/libpod-conmon-${ID}.scope`,
    `/libpod_parent/libpod-conmon-${ID}`,
    `/kubepods.slice/crio-conmon-${ID}.scope`,
    `/libpod_parent/${ID}`,
    `/libpod_parent/conmon`,
    `/machine.slice/machine-libpod_pod_${ID}.slice`,
    `/docker/buildkit/9x8y7z`,
    `/system.slice/docker-${ID.slice(1)}.scope`,
    `/system.slice/docker-${ID}0.scope`,
    `/system.slice/docker-${ID.toUpperCase()}.scope`,
    `/system.slice/docker-${ID}.scope\n`,
    `/system.slice/constructor-${ID}.scope`,
    `/plimsoll/run-4026531836-12-345-0`,
  ]
  for (const path of paths) t.equal(containerOf(path), undefined, JSON.stringify(path))
  t.end()
})

void t.test('any cgroup below a container is that container, whatever it is called', (t) => {
  const segment = fc
    .string({ minLength: 1, maxLength: 80, unit: 'binary' })
    .map((s) => s.replaceAll('/', '_'))
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 4 }), (segments) => {
      const scopePath = `/machine.slice/libpod-${ID}.scope`
      const found = containerOf([scopePath, ...segments].join('/'))
      return found?.containerId === ID && found.scopePath === scopePath
    }),
  )
  t.end()
})

void t.test('--image finds an image by any of its spellings', (t) => {
  const digest = `sha256:${ID}`
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['nginx', 'nginx', true],
    ['nginx', 'docker.io/library/nginx:1.27', true],
    ['nginx:1.27', 'docker.io/library/nginx:1.27', true],
    ['nginx:1.27', 'nginx:1.28', false],
    ['nginx:latest', 'nginx', true],
    ['docker.io/library/nginx', 'nginx:1', true],
    ['docker.io/nginx', 'nginx', true],
    ['docker.io/nginx', 'localhost/nginx', false],
    ['web', 'localhost/web:1', true],
    ['localhost/web', 'localhost/web:1', true],
    ['localhost/web', 'web:1', false],
    ['team/web', 'docker.io/team/web:3', true],
    ['team/web', 'localhost/team/web:3', true],
    ['web', 'docker.io/team/web', false],
    ['registry:5000/web', 'registry:5000/web:2', true],
    ['registry:5000/web:1', 'registry:5000/web:2', false],
    ['ngin', 'nginx', false],
    ['', 'nginx', false],
    [':1', 'nginx:1', false],
    [digest, 'nginx', true],
    [ID.slice(0, 6), 'nginx', true],
    [`sha256:${ID.slice(0, 12)}`, 'nginx', true],
    [ID.slice(0, 5), 'nginx', false],
    [OTHER, 'nginx', false],
    [`nginx@${digest}`, 'nginx', true],
    [`nginx@sha256:${OTHER}`, `nginx@sha256:${OTHER}`, true],
    [`nginx@sha256:${OTHER}`, 'nginx', false],
  ]
  for (const [reference, imageName, expected] of cases) {
    const facts = { imageName, imageDigest: digest }
    t.equal(referenceMatches(reference, facts), expected, `${reference} / ${imageName}`)
  }
  t.end()
})

void t.test('--container finds a container by name, id or a prefix of at least six digits', (t) => {
  const facts = { name: 'web', containerId: ID }
  for (const reference of ['web', ID, ID.slice(0, 6)])
    t.ok(containerMatches(reference, facts), reference)
  for (const reference of ['', 'we', ID.slice(0, 5), OTHER]) {
    t.notOk(containerMatches(reference, facts), reference)
  }
  t.notOk(containerMatches('', { name: '', containerId: ID }), 'no name is not the empty name')
  t.end()
})

void t.test('an image id is normalised, and nothing else passes for one', (t) => {
  t.equal(imageDigestOf(ID), `sha256:${ID}`)
  t.equal(imageDigestOf(`sha256:${ID}`), `sha256:${ID}`)
  for (const id of [
    '',
    'sha256:',
    ID.slice(1),
    `${ID}0`,
    ID.toUpperCase(),
    `sha512:${ID}`,
    `${ID}\n`,
  ]) {
    t.equal(imageDigestOf(id), undefined, JSON.stringify(id))
  }
  t.end()
})

void t.test('a process is told by pid and start time even if its name imitates the format', (t) => {
  const tail = 'S 7 42 42 34816 42 4194560 1 0 0 0 1 2 0 0 20 0 1 0 987654 1 1'
  for (const name of ['sh', 'a b', ') S 1 1 1 (', '(((', 'x)']) {
    t.same(
      parseProcessStat(`1234 (${name}) ${tail}\n`),
      { pid: 1234, processGroup: 42, terminal: 34816, foregroundGroup: 42, startTime: 987654 },
      name,
    )
  }
  for (const text of ['', '12', '12 (sh) S 1', 'x (sh) y'])
    t.equal(parseProcessStat(text), undefined, text)
  t.end()
})

void t.test('only the foreground group of a terminal is in the foreground', (t) => {
  const stat = { pid: 1, processGroup: 42, terminal: 34816, foregroundGroup: 42, startTime: 1 }
  t.equal(isForeground(stat), true)
  t.equal(isForeground({ ...stat, foregroundGroup: 43 }), false, 'background job')
  t.equal(isForeground({ ...stat, terminal: 0, foregroundGroup: -1 }), false, 'no terminal')
  t.end()
})

void t.test('the name of a command cgroup tells its maker, and only in that form', (t) => {
  t.same(ownerOf('run-4026531836-12-345-0'), { pidNamespace: 4026531836, pid: 12, startTime: 345 })
  for (const name of [
    'run-1-2-3',
    'run-1-2-3-4-5',
    'run-a-2-3-4',
    'xrun-1-2-3-4',
    'run-1-2-3-4\n',
    '',
  ]) {
    t.equal(ownerOf(name), undefined, JSON.stringify(name))
  }
  t.end()
})

void t.test('an exit is one number, as a shell gives it', (t) => {
  t.equal(exitStatusOf({ code: 0, signal: null }), 0)
  t.equal(exitStatusOf({ code: 7, signal: null }), 7)
  t.equal(exitStatusOf({ code: null, signal: 'SIGKILL' }), 137)
  t.equal(exitStatusOf({ code: null, signal: 'SIGTERM' }), 143)
  t.equal(exitStatusOf({ code: null, signal: 'SIGINT' }), 130)
  t.end()
})

void t.test('DOCKER_HOST names a socket of this host or none', (t) => {
  t.equal(dockerSocketOf(undefined), '/var/run/docker.sock')
  t.equal(dockerSocketOf(''), '/var/run/docker.sock')
  t.equal(dockerSocketOf('unix:///run/d.sock'), '/run/d.sock')
  t.equal(dockerSocketOf('tcp://10.0.0.1:2376'), undefined)
  t.equal(dockerSocketOf('ssh://user@host'), undefined)
  t.end()
})
