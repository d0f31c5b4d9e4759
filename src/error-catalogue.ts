/** The catalogue of errors: one row per code with its message, hint, exit code and gRPC status. Codes never change. */
import { ENFORCE_ERRORS } from './enforce-errors.js'
import type { ErrorRow } from './error-row.js'
import { SERVICE_ERRORS } from './service-errors.js'

export const ERRORS = {
  USAGE: {
    message: '{problem}',
    hint: 'See `plimsoll --help` or `plimsoll COMMAND --help`.',
    exit: 2,
    grpc: 3,
  },
  INTERNAL: {
    message: 'unexpected failure: {problem}',
    hint: 'This is a defect in plimsoll; run again with --debug and report the stack trace.',
    exit: 1,
    grpc: 13,
  },
  NOT_READY: {
    message: 'this host cannot run the sensor: {problem}',
    hint: '{remedy}',
    exit: 1,
    grpc: 9,
  },
  NO_BPFTRACE: {
    message: 'cannot run {path}: {problem}',
    hint: 'Install bpftrace 0.17 or newer (apt-get install bpftrace), or name another with $PLIMSOLL_BPFTRACE.',
    exit: 1,
    grpc: 9,
  },
  SENSOR_FAILED: {
    message: 'the sensor did not start: {problem}',
    hint: 'Run plimsoll doctor; if all its checks pass, report the bpftrace version and this message.',
    exit: 1,
    grpc: 14,
  },
  STORE_DAMAGED: {
    message: 'baseline file {path} is damaged: {problem}',
    hint: 'The file was left as it is; move it away and import a good copy with `plimsoll baseline import FILE`.',
    exit: 1,
    grpc: 15,
  },
  STORE_UNWRITABLE: {
    message: 'cannot write {path}: {problem}',
    hint: 'Check that the directory exists, is writable and has space, or choose another with --state DIR.',
    exit: 1,
    grpc: 9,
  },
  BAD_DIGEST: {
    message: 'not an image digest: {digest}',
    hint: 'A digest is `sha256:` and 64 lower-case hexadecimal digits.',
    exit: 1,
    grpc: 3,
  },
  RUN_STARTED_TWICE: {
    message: 'run {run} is already part of the baseline',
    hint: 'A run is learned once only, so that nothing in it counts twice; this one was left out.',
    exit: 1,
    grpc: 9,
  },
  BASELINE_NOT_FOUND: {
    message: 'no baseline matches {ref}',
    hint: 'See `plimsoll baseline ls`; give a name, a digest or at least 6 digits of one, and the --state DIR it was learned in.',
    exit: 1,
    grpc: 5,
  },
  BASELINE_AMBIGUOUS: {
    message: '{ref} matches {count} baselines: {candidates}',
    hint: 'Give the digest or more digits of it; `plimsoll baseline ls` shows them.',
    exit: 1,
    grpc: 3,
  },
  BASELINE_CONFLICT: {
    message:
      'baseline of {image} was saved by another process: revision {found} is stored, this one continues {expected}',
    hint: 'Nothing was overwritten; let only one plimsoll learn an image at a time, and run again.',
    exit: 1,
    grpc: 9,
  },
  STORE_UNREADABLE: {
    message: 'cannot read {path}: {problem}',
    hint: 'Check its permissions, or choose another directory with --state DIR.',
    exit: 1,
    grpc: 9,
  },
  KEPT_ASIDE: {
    message: 'what was learned of {image} could not be added to its baseline: {problem}',
    hint: 'It was kept in {path}; once the baseline is in order, add it with `plimsoll baseline import {path}`.',
    exit: 1,
    grpc: 9,
  },
  IMAGES_DIFFER: {
    message: 'baselines of different images cannot be merged: {one} and {other}',
    hint: 'Merge the baselines of each image apart; to see what differs, use `plimsoll baseline diff`.',
    exit: 1,
    grpc: 3,
  },
  DECISIONS_FULL: {
    message: 'the decision was not kept: {problem}',
    hint: 'Nothing was changed, so that no earlier decision is lost; seal or reject fewer items.',
    exit: 1,
    grpc: 9,
  },
  CONTENT_CHANGED: {
    message:
      'the baseline of {image} changed since it was looked at: its content is {found}, not {given}',
    hint: 'Nothing was decided; look again with `plimsoll baseline candidates` and give the hash that it prints.',
    exit: 1,
    grpc: 9,
  },
  ITEM_UNKNOWN: {
    message: '{item} is no item of the baseline of {image}, and no system call',
    hint: 'Name items as `plimsoll baseline candidates` prints them: chmod, i386:chmod, socket:AF_ALG,SOCK_SEQPACKET, exec:/bin/sh.',
    exit: 1,
    grpc: 5,
  },
  PROFILE_INVALID: {
    message: 'the profile was not written to {path}: {problem}',
    hint: 'Nothing was changed; report this profile and the baseline that it was made from.',
    exit: 1,
    grpc: 13,
  },
  PROFILE_UNUSABLE: {
    message: 'the profile at {path} cannot be used: {problem}',
    hint: 'Nothing was run; `plimsoll profile check {path}` lists all that is wrong with it.',
    exit: 3,
    grpc: 9,
  },
  PROFILE_ERRNO_ONLY: {
    message: 'the profile at {path} would change in its errnos alone',
    hint: 'crun caches compiled filters and would go on with the old one; write it under another name.',
    exit: 1,
    grpc: 9,
  },
  NOT_SEALED: {
    message: 'the baseline of {image} is not sealed, so that its profile was not applied',
    hint: 'Look at it with `plimsoll baseline candidates {image}` and seal it, or apply it as it is with --unsealed.',
    exit: 1,
    grpc: 9,
  },
  NO_CONTAINER_IMAGE: {
    message: '{image} is a command and no image of containers',
    hint: 'Write its profile with `plimsoll profile`; only profiles of container images are applied.',
    exit: 1,
    grpc: 3,
  },
  NOT_APPLIED: {
    message: 'no applied profile matches {ref}',
    hint: 'See `plimsoll apply ls`; give a name, a digest or at least 6 digits of one, and the --state DIR of the hook.',
    exit: 1,
    grpc: 5,
  },
  APPLIED_AMBIGUOUS: {
    message: '{ref} matches {count} applied profiles: {candidates}',
    hint: 'Give the digest or more digits of it; `plimsoll apply ls` shows them.',
    exit: 1,
    grpc: 3,
  },
  APPLIED_DAMAGED: {
    message: 'the applied profile {path} is damaged: {problem}',
    hint: 'Containers of its image are refused, or start without it, as the hook was told; apply it again.',
    exit: 1,
    grpc: 15,
  },
  DOCKER_CONFIG: {
    message: 'cannot change {path}: {problem}',
    hint: 'Nothing was changed; put the file in order first, and run again.',
    exit: 1,
    grpc: 9,
  },
  NOTHING_LEARNED: {
    message: 'nothing was learned: {problem}',
    hint: '{remedy}',
    exit: 1,
    grpc: 5,
  },
  NOTHING_JUDGED: {
    message: 'the policy was not tested on {path}: {problem}',
    hint: 'Record containers, as `plimsoll record FILE --all` does, and learn and seal their images first.',
    exit: 1,
    grpc: 5,
  },
  FILE_UNREADABLE: {
    message: 'cannot read {path}: {problem}',
    hint: 'Check the path and its permissions.',
    exit: 1,
    grpc: 5,
  },
  FILE_UNWRITABLE: {
    message: 'cannot write {path}: {problem}',
    hint: 'Check that the directory exists, is writable and has space.',
    exit: 1,
    grpc: 9,
  },
  TRACE_UNREADABLE: {
    message: 'cannot read trace {path}: {problem}',
    hint: 'Check the path; a trace is made with `plimsoll record FILE`.',
    exit: 1,
    grpc: 5,
  },
  TRACE_UNWRITABLE: {
    message: 'cannot write trace {path}: {problem}',
    hint: 'Choose a file that does not exist yet, in a directory that is writable and has space.',
    exit: 1,
    grpc: 9,
  },
  TRACE_DAMAGED: {
    message: 'trace {path} is damaged: {problem}',
    hint: 'Nothing was learned from it; record again with `plimsoll record FILE`.',
    exit: 1,
    grpc: 15,
  },
  PROFILE_EMPTY: {
    message: 'no profile can be built: {problem}',
    hint: 'Learn from at least one run of the workload first, for example with `plimsoll learn -- COMMAND`.',
    exit: 1,
    grpc: 9,
  },
  CGROUP2_MISSING: {
    message: 'no cgroup v2 hierarchy is mounted',
    hint: 'Mount one with `mount -t cgroup2 none /sys/fs/cgroup/unified`, or boot with systemd.unified_cgroup_hierarchy=1.',
    exit: 1,
    grpc: 9,
  },
  CGROUP_FAILED: {
    message: 'cannot use cgroup {path}: {problem}',
    hint: 'Run as root, on a host (or in a container) where the cgroup v2 hierarchy is writable.',
    exit: 1,
    grpc: 9,
  },
  COMMAND_NOT_FOUND: {
    message: '{command}: command not found',
    hint: 'Nothing was started; check the name and PATH.',
    exit: 127,
    grpc: 5,
  },
  COMMAND_NOT_EXECUTABLE: {
    message: '{command}: cannot be executed: {problem}',
    hint: 'Nothing was started; check that it is a program, its permissions, and the working directory.',
    exit: 126,
    grpc: 9,
  },
  IMAGE_NOT_FOUND: {
    message: 'no container engine of this host has the image {image}: {problem}',
    hint: 'Pull or build it first; `podman images` and `docker images` show what is there.',
    exit: 1,
    grpc: 5,
  },
  NOTHING_VERIFIED: {
    message: 'nothing was verified: {problem}',
    hint: '{remedy}',
    exit: 1,
    grpc: 9,
  },
  CALIBRATION_FAILED: {
    message: 'the floor of {runtime} was not measured: {problem}',
    hint: '{remedy}',
    exit: 1,
    grpc: 9,
  },
  FLOOR_DAMAGED: {
    message: 'floor {path} is damaged: {problem}',
    hint: 'Remove the file, and measure again with `plimsoll calibrate`.',
    exit: 1,
    grpc: 15,
  },
  ...ENFORCE_ERRORS,
  ...SERVICE_ERRORS,
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS
