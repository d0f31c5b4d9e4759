/** The rows of the catalogue of errors that the service adds; `errors` puts them together. */
import type { ErrorRow } from './error-row.js'

export const SERVICE_ERRORS = {
  LISTEN_ADDRESS: {
    message: 'cannot listen on {address}: {problem}',
    hint: 'Give unix: and a path, for example --listen unix:/run/plimsoll/learn.sock.',
    exit: 2,
    grpc: 3,
  },
  LISTEN_NO_TCP: {
    message:
      'cannot listen on {address}: over TCP this needs TLS on both sides, which is not offered',
    hint: 'Listen on a socket with --listen unix:PATH; to reach it from elsewhere, forward it with `ssh -L`.',
    exit: 2,
    grpc: 12,
  },
  LISTEN_FAILED: {
    message: 'cannot listen on {path}: {problem}',
    hint: 'Choose another path with --listen unix:PATH, in a directory that only you can write to.',
    exit: 1,
    grpc: 9,
  },
  BAD_REQUEST: {
    message: '{field}: {problem}',
    hint: 'See proto/plimsoll/v1/baselines.proto for what the field takes.',
    exit: 1,
    grpc: 3,
  },
  TOO_MANY_WATCHERS: {
    message: '{count} clients watch already, no more are served at a time',
    hint: 'End one of them, or share one stream between its readers.',
    exit: 1,
    grpc: 8,
  },
  WATCHER_TOO_SLOW: {
    message: 'this reader fell behind by more than {count} events',
    hint: 'Go on from the cursor in the trailer plimsoll-cursor; nothing before it is lost.',
    exit: 1,
    grpc: 8,
  },
  STOPPING: {
    message: 'the service stops',
    hint: 'Connect again once it is back; go on from the last cursor.',
    exit: 1,
    grpc: 14,
  },
  CONTAINER_NOT_FOUND: {
    message: 'no container that is watched matches {ref}',
    hint: 'Give a name, an id or at least 12 digits of one, of a container that runs and is watched.',
    exit: 1,
    grpc: 5,
  },
  POLICY_CHANGED: {
    message: 'another policy is in force: its SHA-256 is {found}, not {given}',
    hint: 'Nothing was changed; look at the policy again and give its hash.',
    exit: 1,
    grpc: 9,
  },
  IDEMPOTENCY_KEY_USED: {
    message: 'the idempotency key was used for another request: {problem}',
    hint: 'Nothing was done; give each request a key of its own.',
    exit: 1,
    grpc: 6,
  },
  JOURNAL_UNREADABLE: {
    message: 'cannot read the journal {path}: {problem}',
    hint: 'Check the disk and the permissions of the state directory.',
    exit: 1,
    grpc: 14,
  },
  JOURNAL_UNWRITABLE: {
    message: 'cannot write the journal {path}: {problem}',
    hint: 'Check that the disk of the state directory has space and is writable; it goes on by itself once it is.',
    exit: 1,
    grpc: 14,
  },
  JOURNAL_IN_USE: {
    message: 'another plimsoll has the journal {path} open',
    hint: 'Only one plimsoll enforces with one state directory; ask it over its socket, or give another --state DIR.',
    exit: 1,
    grpc: 9,
  },
  AUDIT_UNWRITABLE: {
    message: 'cannot write the operator log {path}: {problem}',
    hint: 'Nothing was done, since it would not be on record; check that the disk has space and is writable.',
    exit: 1,
    grpc: 9,
  },
  AUDIT_UNREADABLE: {
    message: 'cannot read the operator log {path}: {problem}',
    hint: 'Check the permissions of the state directory.',
    exit: 1,
    grpc: 9,
  },
  UNAUTHENTICATED: {
    message: 'the caller is not known: {problem}',
    hint: 'Present a client certificate of the CA of this service, whose subject is in its file of roles.',
    exit: 1,
    grpc: 16,
  },
  NOT_PERMITTED: {
    message: '{caller} with the role {role} may not call {method}',
    hint: 'Ask an administrator for another role; docs/service.md has the table of permissions.',
    exit: 1,
    grpc: 7,
  },
  TLS_UNUSABLE: {
    message: 'cannot use {path} for TLS: {problem}',
    hint: '`plimsoll certs init` and `plimsoll certs issue` make files that work.',
    exit: 1,
    grpc: 9,
  },
  UNREACHABLE: {
    message: 'cannot reach {address}: {problem}',
    hint: 'Check that `plimsoll enforce` runs there and listens, and that you may open its socket.',
    exit: 1,
    grpc: 14,
  },
  CURSOR_UNUSABLE: {
    message: 'cannot go on from {path}: {problem}',
    hint: 'It was left as it is; move it away to begin anew, or name another file.',
    exit: 1,
    grpc: 15,
  },
  CALL_FAILED: {
    message: '{problem}',
    hint: 'The service answered with {code}, which this version does not know; see docs/service.md of its version.',
    exit: 1,
    grpc: 13,
  },
  REVISION_NOT_FOUND: {
    message: 'revision {revision} of {image} is not kept, only {kept}',
    hint: 'The latest revisions are kept; `plimsoll baseline ls` shows the newest.',
    exit: 1,
    grpc: 5,
  },
  LEARNING_FIXED: {
    message: 'what this session learns cannot be changed: {problem}',
    hint: 'Start another `plimsoll learn` for the image, or learn with --all.',
    exit: 1,
    grpc: 9,
  },
} as const satisfies Record<string, ErrorRow>
