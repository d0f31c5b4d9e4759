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

/** The record of that container below the storage `root`; undefined when it is not there or not understood. */
export async function readStorageRecord(
  root: string,
  containerId: string,
): Promise<StorageRecord | undefined> {
  for (const directory of await containerDirectories(root)) {
    for (const file of ['containers.json', 'volatile-containers.json']) {
      const record = elementsAt({ all: await readJson(join(directory, file)) }, 'all').find(
        (element) => stringAt(element, 'id') === containerId,
      )
      if (record === undefined) continue
      return complete(record, await readJson(join(directory, containerId, 'userdata/config.json')))
    }
  }
  return undefined
}

function complete(record: unknown, config: unknown): StorageRecord | undefined {
  const metadata = parseJson(stringAt(record, 'metadata') ?? '')
  const imageDigest = imageDigestOf(stringAt(record, 'image') ?? '')
  const imageName = stringAt(metadata, 'image-name')
  const name = stringAt(metadata, 'name')
  const args = stringsAt(config, 'process', 'args')
  if (imageDigest === undefined || imageName === undefined || name === undefined) return undefined
  if (args.length === 0) return undefined
  const noNewPrivileges = memberAt(config, 'process', 'noNewPrivileges') === true
  return { imageDigest, imageName, name, args, noNewPrivileges }
}

async function containerDirectories(root: string): Promise<readonly string[]> {
  try {
    const names = await readdir(root)
    return names.filter((name) => name.endsWith('-containers')).map((name) => join(root, name))
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
