#!/bin/sh
# Installs what the demo or the tests need and is missing, from the distribution's own packages, and mounts tracefs.
# Usage: setup.sh demo|tests. Does nothing where all is there. Where it cannot (not root, no apt-get), it says what is missing
# and succeeds: the demo then replays a recorded trace, and the tests say which of them could not run.
set -eu

needs_of() {
  case "$1" in
    demo) echo 'bpftrace:bpftrace podman:podman runc:runc busybox:busybox-static' ;;
    tests)
      needs_of demo
      echo 'strace:strace gcc:gcc nginx:nginx-light redis-server:redis-server redis-cli:redis-tools' \
        'dockerd:docker.io docker:docker-cli python3:python3 script:bsdutils' \
        'protoc:protobuf-compiler openssl:openssl' \
        'systemd-analyze:systemd scmp_sys_resolver:seccomp ip:iproute2 nsenter:util-linux'
      ;;
    *) echo "usage: setup.sh demo|tests" >&2; exit 2 ;;
  esac
}

PATH="$PATH:/usr/sbin:/sbin"
missing=''
for need in $(needs_of "${1:-}"); do
  command -v "${need%%:*}" >/dev/null 2>&1 || missing="$missing ${need##*:}"
done
# A C compiler without the C library's headers and archives cannot build static programs.
if [ "$1" = tests ] && [ ! -e /usr/include/stdio.h ]; then missing="$missing libc6-dev"; fi
if [ "$1" = tests ] && [ ! -e /usr/include/google/protobuf/field_mask.proto ]; then missing="$missing libprotobuf-dev"; fi
# The distribution's own Python, whatever else is first in PATH: it is the one that has the packages.
if [ "$1" = tests ] && ! /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null; then
  missing="$missing python3-grpcio python3-protobuf"
fi
if [ "$1" = tests ] && [ ! -e /usr/include/seccomp.h ]; then missing="$missing libseccomp-dev"; fi

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$missing" >&2
    # Packages must not start services here: tests and demo start what they need themselves.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod +x "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    # Until Debian 12 and Ubuntu 24.04 the client is part of docker.io.
    if ! apt-cache show docker-cli >/dev/null 2>&1; then
      missing=$(echo "$missing" | sed 's/docker-cli/docker.io/')
    fi
    # shellcheck disable=SC2086 # a list of words
    apt-get install -qq -y --no-install-recommends $missing >&2
  else
    echo "missing, and only root can install it with apt-get:$missing" >&2
  fi
fi

if [ "$(id -u)" = 0 ] && [ ! -e /sys/kernel/tracing/events ]; then
  mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null || echo 'tracefs could not be mounted' >&2
fi
