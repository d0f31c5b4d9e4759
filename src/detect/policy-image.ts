/**
 * The names by which rules may mean an image. Engines spell one image in several ways (`nginx`,
 * `docker.io/library/nginx:1.27`, `localhost/nginx`), and people write the shortest. Pure.
 */

/** In front of a name that an engine completed. */
const DEFAULT_REGISTRIES = ['docker.io/library/', 'docker.io/', 'localhost/']

/**
 * The name as it is, without the registry that goes without saying, and in full; each with its tag (`latest` where it has
 * none), and without. Any other registry is part of every form.
 */
export function imageForms(imageName: string): readonly string[] {
  const [named = '', digest] = imageName.split('@', 2)
  // A colon before the last slash belongs to the registry's port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const name = colon < 0 ? named : named.slice(0, colon)
  const tag = colon < 0 ? (digest === undefined ? 'latest' : '') : named.slice(colon + 1)
  const forms = new Set([imageName])
  for (const base of nameForms(name)) {
    forms.add(base)
    if (tag !== '') forms.add(`${base}:${tag}`)
  }
  return [...forms]
}

function nameForms(name: string): readonly string[] {
  const short = DEFAULT_REGISTRIES.find((registry) => name.startsWith(registry))
  if (short !== undefined) return [name, name.slice(short.length)]
  const first = name.slice(0, Math.max(name.indexOf('/'), 0))
  if (first === 'localhost' || /[.:]/.test(first)) return [name]
  return [name, name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`]
}
