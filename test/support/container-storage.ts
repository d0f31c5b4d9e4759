/** What engines have on disk of a container that is being made, and the configuration that they give to the runtime. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const CONTAINER = 'c'.repeat(64)
export const IMAGE = '1'.repeat(64)
export const DIGEST = `sha256:${IMAGE}`

/** An integer that `JSON.parse` would change, as the configuration of `--ulimit core=-1:-1` has it. */
const LIMIT = '18446744073709551615'

/** Of podman, below `home/storage`: a record of the container, and the manifest of its image. */
export function podmanStorage(
  home: string,
  { image = IMAGE, annotations = {} }: { image?: string; annotations?: object } = {},
): void {
  const storage = join(home, 'storage')
  const metadata = JSON.stringify({
    'image-name': 'localhost/web:1',
    'image-id': image,
    name: 'web',
  })
  put(join(storage, 'overlay-containers/containers.json'), [
    { id: 'd'.repeat(64), image: '2'.repeat(64) },
    { id: CONTAINER, ...(image === '' ? {} : { image }), metadata },
  ])
  put(join(storage, 'overlay-images', IMAGE, 'manifest'), { schemaVersion: 2, annotations })
}

/** The configuration that podman 4.3 would give for it. */
export function podmanConfig(
  home: string,
  annotations: object = {},
  noNewPrivileges = false,
): string {
  return configText({
    root: join(home, 'storage/overlay/layer/merged'),
    cgroup: `/libpod_parent/libpod-${CONTAINER}`,
    annotations: { 'io.container.manager': 'libpod', ...annotations },
    noNewPrivileges,
    source: join(home, `storage/overlay-containers/${CONTAINER}/userdata/shm`),
  })
}

/** Of Docker, below `home/docker`. */
export function dockerData(home: string): void {
  put(join(home, 'docker/containers', CONTAINER, 'config.v2.json'), {
    ID: CONTAINER,
    Image: DIGEST,
    Config: { Image: 'localhost/web:1' },
  })
}

/** The configuration that Docker 20.10 would give for it. */
export function dockerConfig(home: string, annotations?: object): string {
  return configText({
    root: join(home, 'docker/overlay2/layer/merged'),
    cgroup: `/docker/${CONTAINER}`,
    annotations,
    noNewPrivileges: false,
    source: join(home, 'docker/containers', CONTAINER, 'hostname'),
  })
}

function configText(facts: {
  root: string
  cgroup: string
  annotations: object | undefined
  noNewPrivileges: boolean
  source: string
}): string {
  return (
    `{"ociVersion":"1.0.2-dev","process":{"args":["sh"],"noNewPrivileges":${facts.noNewPrivileges},` +
    `"rlimits":[{"type":"RLIMIT_CORE","hard":${LIMIT},"soft":${LIMIT}}]},` +
    `"root":{"path":${JSON.stringify(facts.root)}},` +
    `"mounts":[{"source":"proc"},{"source":${JSON.stringify(facts.source)}}],` +
    (facts.annotations === undefined ? '' : `"annotations":${JSON.stringify(facts.annotations)},`) +
    `"linux":{"cgroupsPath":"${facts.cgroup}","seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},"resources":{}}}`
  )
}

function put(path: string, value: unknown): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, JSON.stringify(value))
}
