/** `AnomalyFilters` as the proto words them, without regard to cost: the twin of `compiled-filters`. Takes valid filters. */
import ipaddr from 'ipaddr.js'
import type { plimsoll } from '../../src/gen/plimsoll.js'

type Anomaly = plimsoll.v1.Anomaly.$Properties
type Filter = plimsoll.v1.AnomalyFilter.$Properties

export function naiveMatches(
  { allow, deny }: plimsoll.v1.AnomalyFilters.$Properties,
  { anomaly }: plimsoll.v1.WatchResponse.$Properties,
): boolean {
  if (!anomaly) return true
  const isAllowed = !allow?.length || allow.some((filter) => holds(filter, anomaly))
  return isAllowed && !deny?.some((filter) => holds(filter, anomaly))
}

function holds(filter: Filter, anomaly: Anomaly): boolean {
  const { workload, subject, process } = anomaly
  const programs = [subject?.path, subject?.exe, process?.path, process?.exe]
  const one = <Value>(
    values: readonly Value[] | null | undefined,
    is: (value: Value) => boolean,
  ): boolean => !values?.length || values.some(is)
  return (
    one(filter.kinds, (kind) => kind === anomaly.kind) &&
    (anomaly.severity ?? 0) >= (filter.minSeverity ?? 0) &&
    one(filter.states, (state) => state === anomaly.state) &&
    one(filter.images, (image) =>
      image.startsWith('sha256:')
        ? workload?.imageDigest?.startsWith(image) === true
        : like(image, workload?.imageName),
    ) &&
    one(
      filter.containers,
      (container) =>
        (/^[0-9a-f]{12,}$/.test(container) && workload?.containerId?.startsWith(container)) ||
        like(container, workload?.containerName),
    ) &&
    one(filter.cgroupIds, (id) => Number(id) === Number(workload?.cgroupId)) &&
    one(filter.attack, (wanted) =>
      (anomaly.attack ?? []).some((found) => found === wanted || found.startsWith(`${wanted}.`)),
    ) &&
    one(filter.syscalls, (name) => name === subject?.syscall) &&
    one(filter.programs, (path) => programs.some((program) => like(path, program))) &&
    one(filter.addresses, (network) => isWithin(network, subject?.address)) &&
    one(filter.lineages, (lineage) => lineage === process?.lineage) &&
    one(filter.incidents, (incident) => incident === anomaly.incident)
  )
}

function like(pattern: string, text: string | null | undefined): boolean {
  if (!text) return false
  const pieces = pattern.split('*').map((piece) => piece.replaceAll(/[^\w]/g, String.raw`\$&`))
  return new RegExp(`^${pieces.join('[^]*')}$`).test(text)
}

function isWithin(network: string, text: string | null | undefined): boolean {
  if (!text || !ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  const [base, bits] = network.includes('/')
    ? ipaddr.parseCIDR(network)
    : ([ipaddr.process(network), 128] as const)
  if (base.kind() !== address.kind()) return false
  return network.includes('/')
    ? address.match(base as ipaddr.IPv4, bits)
    : address.toString() === base.toString()
}
