/**
 * The images of the live tests, made without a registry. A recipe fills a root file system; the image is named after the
 * hash of that, so a second test, or a second run, finds it there and builds nothing.
 *
 * A variant puts its own name into the image. Two test files that use different variants have images of different
 * digests, so that neither learns the other's containers.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerRuntime } from './container-runtime.js'
import { mustRun } from './process.js'
import { buildPrograms } from './programs.js'
import { addBusybox, addProgram, contentHash, layOut, put } from './rootfs.js'

/** What goes into an image, and what it runs by default. */
export interface Recipe {
  readonly name: string
  fill(root: string): Promise<void>
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  /** Words of a health check that no shell runs, each second. podman imports no image with one. */
  readonly healthCheck?: readonly string[]
}

/** busybox alone; runs `true`. */
export const BUSYBOX: Recipe = {
  name: 'busybox',
  async fill(root) {
    addBusybox(root)
  },
  command: ['/bin/true'],
}

/** busybox beside strace, to see what a program of the busybox image does by another observer. */
export const BUSYBOX_STRACE: Recipe = {
  name: 'busybox-strace',
  async fill(root) {
    addBusybox(root)
    await addProgram(root, 'strace')
  },
}

/** The programs of test/fixtures/programs in /bin; nothing else, no shell. */
export const CALLS: Recipe = {
  name: 'calls',
  async fill(root) {
    await buildPrograms(join(root, 'bin'))
  },
}

/** nginx that serves what the test mounts; its configuration is mounted at /etc/nginx/nginx.conf. */
export const NGINX: Recipe = {
  name: 'nginx',
  async fill(root) {
    await addProgram(root, 'nginx')
    for (const dir of ['body', 'fastcgi', 'proxy', 'scgi', 'uwsgi']) {
      mkdirSync(join(root, 'var/lib/nginx', dir), { recursive: true })
    }
    mkdirSync(join(root, 'var/log/nginx'), { recursive: true })
    mkdirSync(join(root, 'etc/nginx'), { recursive: true })
    copyFileSync('/etc/nginx/mime.types', join(root, 'etc/nginx/mime.types'))
    put(root, '/srv/index.html', '<!doctype html><title>plimsoll</title><p>afloat\n')
  },
  entrypoint: ['/usr/sbin/nginx'],
}

/** The configuration for `NGINX`: one worker, one page, on loopback. */
export function nginxConf(port: number): string {
  return `daemon off;
user nobody nogroup;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
  include mime.types;
  access_log off;
  server { listen 127.0.0.1:${port}; root /srv; }
}
`
}

/** redis-server; the port comes as an argument. */
export const REDIS: Recipe = {
  name: 'redis',
  async fill(root) {
    await addProgram(root, 'redis-server')
  },
  entrypoint: ['/usr/bin/redis-server', '--bind', '127.0.0.1', '--save', '', '--dir', '/tmp'],
}

/** A recipe with more in it. `name` takes the place of the original's. */
export function extended(
  recipe: Recipe,
  name: string,
  more: (root: string) => Promise<void> | void,
): Recipe {
  return {
    ...recipe,
    name,
    async fill(root) {
      await recipe.fill(root)
      await more(root)
    },
  }
}

/**
 * The image's full name, `localhost/plimsoll-test-NAME:HASH`, after making sure that `runtime` has it. `variant` is the
 * name of the test file.
 */
export async function imageOf(
  runtime: ContainerRuntime,
  recipe: Recipe,
  variant: string,
): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'plimsoll-image-'))
  try {
    const root = join(work, 'root')
    layOut(root)
    put(root, '/etc/variant', `${variant}\n`)
    await recipe.fill(root)
    const image = `localhost/plimsoll-test-${recipe.name}:${contentHash(root).slice(0, 16)}`
    if (await runtime.hasImage(image)) return image
    const archive = join(work, 'root.tar')
    await mustRun('tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.'])
    await runtime.importImage(archive, image, changesOf(recipe))
    return image
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function changesOf(recipe: Recipe): readonly string[] {
  const changes: string[] = []
  if (recipe.entrypoint) changes.push(`ENTRYPOINT ${JSON.stringify(recipe.entrypoint)}`)
  if (recipe.command) changes.push(`CMD ${JSON.stringify(recipe.command)}`)
  if (recipe.healthCheck) {
    changes.push(`HEALTHCHECK --interval=1s CMD ${JSON.stringify(recipe.healthCheck)}`)
  }
  return changes
}
