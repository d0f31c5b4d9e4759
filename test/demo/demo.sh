#!/bin/sh
# The main job of plimsoll in one go: learn a container live, write its seccomp profile, run the container under it, and show
# that what the profile does not allow is refused. Where nothing can be observed, a recorded trace is learned from instead.
# Run it through `make demo`. Leaves its results in a directory that it names, and nothing else.
set -eu

plimsoll() { node dist/cli/main.js "$@"; }

sh test/setup.sh demo

out=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-demo.XXXXXX")
image=localhost/plimsoll-demo:1

replay_instead() {
  echo
  echo "Nothing can be observed live here: $1"
  plimsoll doctor || true
  echo
  echo 'Learning from a recorded trace instead, through the same pipeline:'
  plimsoll replay --state "$out/state" test/fixtures/traces/demo.trace
  plimsoll profile plimsoll-demo --state "$out/state" --out "$out/demo.json"
  echo
  echo "The profile is $out/demo.json. It comes from the recorded trace, nothing was run under it."
  exit 0
}

plimsoll doctor >"$out/doctor.txt" || replay_instead 'this host cannot run the sensor.'
command -v podman >/dev/null || replay_instead 'there is no podman.'
command -v busybox >/dev/null || replay_instead 'there is no busybox to build an image from.'

# Plain podman where it works; else with what a host without systemd or without CAP_SYS_RESOURCE needs.
echo '== building a small image, without a registry'
root=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-demo-root.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh ls cat echo grep mkdir wc true; do ln -s busybox "$root/bin/$applet"; done
printf 'a container\nthat plimsoll learns\n' >"$root/etc/greeting"
tar -C "$root" -c . >"$out/root.tar"

runs() { podman $flags run --rm --network=none $limits "$image" /bin/true >/dev/null 2>"$out/podman.txt"; }
flags='' limits=''
podman import "$out/root.tar" "$image" >/dev/null 2>&1 ||
  podman --cgroup-manager=cgroupfs import "$out/root.tar" "$image" >/dev/null 2>&1 || true
rm -f "$out/root.tar"
if ! runs; then
  flags='--runtime runc --cgroup-manager=cgroupfs'
  limits='--pids-limit=-1 --ulimit nofile=1024:1024 --ulimit nproc=4096:4096'
  runs || replay_instead "podman cannot run a container: $(tail -n 1 "$out/podman.txt")"
fi
# shellcheck disable=SC2086 # lists of words
container() { podman $flags run --rm --network=none $limits "$@"; }

learned='cat /etc/greeting; ls /etc | wc -l; grep -c plimsoll /etc/greeting'

echo '== learning one container of it, live'
plimsoll learn --state "$out/state" --image "$image" --runs 1 --out "$out" >"$out/summary.txt" 2>"$out/learn.txt" &
learner=$!
until grep -q 'probes attached' "$out/learn.txt"; do
  kill -0 "$learner" 2>/dev/null || { cat "$out/learn.txt" >&2; exit 1; }
  sleep 0.1
done
container "$image" sh -c "$learned"
wait "$learner" || { cat "$out/learn.txt" >&2; exit 1; }
grep 'probes attached' "$out/learn.txt"
cat "$out/summary.txt"
profile=$(ls "$out"/*plimsoll-demo*.json | grep -v provenance)

echo '== running the same container under the profile'
container --security-opt seccomp="$profile" "$image" sh -c "$learned"
echo "it works (exit status 0)"

echo '== and with a call that it never made: mkdir'
if container --security-opt seccomp="$profile" "$image" sh -c "mkdir /tmp/made"; then
  echo 'mkdir was not refused' >&2
  exit 1
fi
echo "refused, as it should be"

podman $flags rmi "$image" >/dev/null 2>&1 || true
echo
echo "The profile is $profile; the baseline is in $out/state."
