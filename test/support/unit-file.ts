/** A unit file of systemd, as far as the tests read it. */
import { readFileSync } from 'node:fs'

/** The assignments of each section, in their order. */
export type Unit = ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>

/** Reads the file; throws for a line that is neither a section, an assignment nor a comment. */
export function readUnit(path: string): Unit {
  const unit = new Map<string, (readonly [string, string])[]>()
  let section: (readonly [string, string])[] | undefined
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, title] = /^\[(\w+)\]$/.exec(line) ?? []
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (title !== undefined) unit.set(title, (section = []))
    else if (name === undefined || section === undefined) throw new Error(`${path}: ${line}`)
    else section.push([name, value ?? ''])
  }
  return unit
}

/** All values of that name in the section. */
export function valuesOf(unit: Unit, section: string, name: string): readonly string[] {
  return (unit.get(section) ?? []).flatMap(([each, value]) => (each === name ? [value] : []))
}

/** The capabilities that the service keeps. */
export function boundingSetOf(unit: Unit): readonly string[] {
  return valuesOf(unit, 'Service', 'CapabilityBoundingSet').flatMap((value) =>
    value.split(' ').filter(Boolean),
  )
}
