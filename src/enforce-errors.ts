/** The rows of the catalogue of errors about policies, anomalies and incidents; `error-catalogue` puts them together. */
import type { ErrorRow } from './error-row.js'

export const ENFORCE_ERRORS = {
  INCIDENT_NOT_FOUND: {
    message: 'no incident matches {ref}',
    hint: 'See `plimsoll incident ls`; give an id or the beginning of one, and the --state DIR it was recorded in.',
    exit: 1,
    grpc: 5,
  },
  INCIDENT_AMBIGUOUS: {
    message: '{ref} matches {count} incidents: {candidates}',
    hint: 'Give more of the id; `plimsoll incident ls` shows them.',
    exit: 1,
    grpc: 3,
  },
  INCIDENT_DAMAGED: {
    message: 'the record of an incident, {path}, is damaged: {problem}',
    hint: "It was left as it is; if its container is frozen, write 0 to cgroup.freeze of the container's cgroup.",
    exit: 1,
    grpc: 15,
  },
  POLICY_INVALID: {
    message: 'the policy {path} cannot be used: {problem}',
    hint: '`plimsoll policy check {path}` lists all that is wrong with it.',
    exit: 1,
    grpc: 3,
  },
  ANOMALY_NOT_FOUND: {
    message: 'no anomaly has the id {id}',
    hint: 'See `plimsoll anomaly ls`; give the --state DIR of the `enforce` that found it. Old ones are let go.',
    exit: 1,
    grpc: 5,
  },
} as const satisfies Record<string, ErrorRow>
