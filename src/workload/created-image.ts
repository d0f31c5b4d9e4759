/**
 * Which image a container that is about to be made is of. The engine holds its lock on the container then and cannot be
 * asked, so this reads the files that the engine keeps: the record of containers/storage (podman, CRI-O), config.v2.json
 * (Docker). They are found from the paths in the configuration, because a storage may lie anywhere. Seen with podman 4.3 and
 * Docker 20.10.
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { imageDigestOf } from './container-facts.js'
import type { CreatedContainer } from './created-container.js'
import { parseJson, stringAt } from './json-fields.js'
import { readImageAnnotations, readStoredImage } from './podman-storage.js'

/** `none`: it is of no image, so that no profile can be meant for it. */
export type CreatedImage =
  | { readonly kind: 'image'; readonly digest: string; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly problem: string }

/** Root's own storage, for containers whose paths all lie elsewhere. */
const DEFAULT_STORAGE = '/var/lib/containers/storage'
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** What CRI-O says of a container of its own: pods have a first container that is nobody's image. */
const CRIO = {
  type: 'io.kubernetes.cri-o.ContainerType',
  imageId: 'io.kubernetes.cri-o.ImageRef',
  imageName: 'io.kubernetes.cri-o.ImageName',
} as const

/** The image of that container. Never rejects. */
export async function createdImage(container: CreatedContainer): Promise<CreatedImage> {
  if (container.containerId === '') {
    return { kind: 'unknown', problem: 'the configuration names no container' }
  }
  switch (container.manager) {
    case 'podman':
      return (await storedImage(container)) ?? notFound('its record in the storage of podman')
    case 'crio':
      return crioImage(container)
    case 'docker':
      return (
        (await dockerImage(container)) ?? notFound('its config.v2.json below the data of Docker')
      )
    case 'other':
      return { kind: 'unknown', problem: 'neither podman nor CRI-O nor Docker made it' }
  }
}

/** Whether the annotation of that name was brought by the image itself; so it is taken where that cannot be told. */
export async function isImageAnnotation(
  container: CreatedContainer,
  digest: string,
  name: string,
): Promise<boolean> {
  for (const root of storageRoots(container)) {
    const annotations = await readImageAnnotations(root, digest)
    if (annotations !== undefined) return Object.hasOwn(annotations, name)
  }
  return true
}

function notFound(what: string): CreatedImage {
  return { kind: 'unknown', problem: `${what} is not there or not understood` }
}

async function crioImage(container: CreatedContainer): Promise<CreatedImage> {
  const { annotations } = container
  if (stringAt(annotations, CRIO.type) === 'sandbox') return { kind: 'none' }
  const stored = await storedImage(container)
  if (stored !== undefined) return stored
  const digest = imageDigestOf(stringAt(annotations, CRIO.imageId) ?? '')
  if (digest === undefined) return notFound('its record in the storage of CRI-O')
  return { kind: 'image', digest, name: stringAt(annotations, CRIO.imageName) ?? '' }
}

async function storedImage(container: CreatedContainer): Promise<CreatedImage | undefined> {
  for (const root of storageRoots(container)) {
    const found = await readStoredImage(root, container.containerId)
    if (found === undefined) continue
    if (found.imageDigest === '') return { kind: 'none' }
    return { kind: 'image', digest: found.imageDigest, name: found.imageName }
  }
  return undefined
}

/** `ROOT/overlay/LAYER/merged` and `ROOT/overlay-containers/ID/userdata/shm`: the nearest first, each once. */
function storageRoots({ containerId, rootPath, sources }: CreatedContainer): readonly string[] {
  const own = sources.filter((source) => source.includes(`-containers/${containerId}/`))
  return [...new Set([...[rootPath, ...own].flatMap(ancestorsOf), DEFAULT_STORAGE])]
}

/** `DATA/vfs/dir/LAYER`, `DATA/overlay2/LAYER/merged`, `DATA/rootfs/overlayfs/ID`; bind mounts of Docker's own come last. */
async function dockerImage(container: CreatedContainer): Promise<CreatedImage | undefined> {
  const { containerId, rootPath, sources } = container
  const directory = join('containers', containerId)
  const own = sources.filter((source) => dirname(source).endsWith(`/${directory}`))
  const places = [
    ...ancestorsOf(rootPath).map((data) => join(data, directory)),
    ...own.map(dirname),
  ]
  for (const place of places) {
    const config = await readJson(join(place, 'config.v2.json'))
    if (stringAt(config, 'ID') !== containerId) continue
    const digest = imageDigestOf(stringAt(config, 'Image') ?? '')
    if (digest === undefined) return undefined
    return { kind: 'image', digest, name: stringAt(config, 'Config', 'Image') ?? '' }
  }
  return undefined
}

/** The directories above the path, the nearest first. */
function ancestorsOf(path: string): readonly string[] {
  const above: string[] = []
  if (!path.startsWith('/')) return above
  for (let at = dirname(path); at !== '/'; at = dirname(at)) above.push(at)
  return above
}

async function readJson(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return undefined
    return parseJson(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}
