/**
 * The record that podman's storage library keeps of each container: which image, which name. Reading it takes a
 * millisecond where the command line takes 60 to 140, which is as long as `podman run --rm` of a short program leaves the
 * container known (measured with podman 4.3: record and configuration are there when the cgroup appears).
 *
 * The files are podman's own and not an interface: whatever is unexpected here means "not known", and the caller asks
 * podman instead. Layout of containers/storage: `<root>/<driver>-containers/containers.json`, and since 1.46
 * `volatile-containers.json` for --rm containers; `<id>/userdata/config.json` is the OCI configuration. The record files are
 * replaced by rename, so a read sees a whole one.
 */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { elementsAt, memberAt, parseJson, stringAt, stringsAt } from './json-fields.js'
import { imageDigestOf } from './container-facts.js'

/** What the storage library and the OCI configuration say of a container. */
export interface StorageRecord {
  readonly imageDigest: string
  readonly imageName: string
  readonly name: string
  readonly args: readonly string[]
  readonly noNewPrivileges: boolean
}

const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Which image a container in the storage is of. */
export interface StoredImage {
  /** Empty for a container that was made of a directory (`--rootfs`). */
  readonly imageDigest: string
  readonly imageName: string
  readonly name: string
}

/** The record of that container below the storage `root`; undefined when it is not there or not understood. */
export async function readStorageRecord(
  root: string,
  containerId: string,
): Promise<StorageRecord | undefined> {
  const found = await findRecord(root, containerId)
  if (found === undefined) return undefined
  const image = imageIn(found.record)
  const config = await readJson(join(found.directory, containerId, 'userdata/config.json'))
  const args = stringsAt(config, 'process', 'args')
  if (image === undefined || image.imageDigest === '' || args.length === 0) return undefined
  const noNewPrivileges = memberAt(config, 'process', 'noNewPrivileges') === true
  return { ...image, args, noNewPrivileges }
}

/**
 * The same for a container that is being made, whose configuration is not on disk yet: which image it is of. Undefined
 * when the storage below `root` does not know it or the record is not understood.
 */
export async function readStoredImage(
  root: string,
  containerId: string,
): Promise<StoredImage | undefined> {
  const found = await findRecord(root, containerId)
  return found === undefined ? undefined : imageIn(found.record)
}

/** Annotations of the image's manifest, which engines hand on to its containers; undefined if they cannot be read. */
export async function readImageAnnotations(
  root: string,
  imageDigest: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const hex = imageDigest.replace(/^sha256:/, '')
  for (const directory of await directoriesOf(root, '-images')) {
    const manifest = await readJson(join(directory, hex, 'manifest'))
    if (manifest === undefined) continue
    const annotations = memberAt(manifest, 'annotations') ?? {}
    if (typeof annotations === 'object') return Object.fromEntries(Object.entries(annotations))
  }
  return undefined
}

async function findRecord(
  root: string,
  containerId: string,
): Promise<{ readonly directory: string; readonly record: unknown } | undefined> {
  for (const directory of await directoriesOf(root, '-containers')) {
    for (const file of ['containers.json', 'volatile-containers.json']) {
      const record = elementsAt({ all: await readJson(join(directory, file)) }, 'all').find(
        (element) => stringAt(element, 'id') === containerId,
      )
      if (record !== undefined) return { directory, record }
    }
  }
  return undefined
}

function imageIn(record: unknown): StoredImage | undefined {
  const metadata = parseJson(stringAt(record, 'metadata') ?? '')
  const id = stringAt(record, 'image') ?? stringAt(metadata, 'image-id') ?? ''
  const imageDigest = id === '' ? '' : imageDigestOf(id)
  const imageName = stringAt(metadata, 'image-name')
  const name = stringAt(metadata, 'name')
  if (imageDigest === undefined || imageName === undefined || name === undefined) return undefined
  return { imageDigest, imageName, name }
}

/** The storage has one for each driver: `overlay-containers`, `overlay-images`. */
async function directoriesOf(root: string, suffix: string): Promise<readonly string[]> {
  try {
    const names = await readdir(root)
    return names.filter((name) => name.endsWith(suffix)).map((name) => join(root, name))
  } catch {
    return []
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return undefined
    return parseJson(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}
