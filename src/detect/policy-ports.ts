/** Ports of rules: numbers and ranges. Pure. */
import { PORT_LIMIT } from '../baseline/limits.js'

export interface PortRange {
  readonly from: number
  readonly to: number
}

/** The ports that `text` names, such as `443` or `8000-8099`, or what is wrong with it. */
export function parsePorts(
  text: string,
): { readonly ports: PortRange } | { readonly problem: string } {
  const [, first, last] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? []
  if (first === undefined) return { problem: 'is no port and no range of ports' }
  const from = Number(first)
  const to = last === undefined ? from : Number(last)
  if (to > PORT_LIMIT || from > PORT_LIMIT) return { problem: `is above ${PORT_LIMIT}` }
  if (from > to) return { problem: 'ends before it begins' }
  return { ports: { from, to } }
}
