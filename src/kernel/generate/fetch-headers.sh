#!/bin/sh
# Puts the kernel's user-space headers of every architecture into DIR, as the syscall table generator reads them.
#
#   fetch-headers.sh DIR [SUITE]
#
# SUITE is sid unless given: the tables must know the calls of kernels newer than any release's own. trixie is the
# oldest suite that will do, because kernel 6.11 was the first to generate the arm64 header like the others.
#
# Downloads Debian's linux-libc-dev from the mirror this host already uses. Nothing is installed and the host's own
# apt state is not touched: sources, lists and caches live in a temporary directory. Needs apt, dpkg-deb and
# debian-archive-keyring. Afterwards DIR holds linux/uapi/ARCH/asm/unistd*.h and DIR/VERSION the package version.
set -eu

[ $# -ge 1 ] || { echo "usage: fetch-headers.sh DIR [SUITE]" >&2; exit 2; }
out=$1
suite=${2:-sid}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || { echo "fetch-headers: install debian-archive-keyring" >&2; exit 1; }

# The mirror is the host's first archive with Debian's main component; security archives have other suites.
mirror=$(apt-get indextargets --format '$(COMPONENT)|$(ORIGIN)|$(REPO_URI)' 'Identifier: Packages' |
  awk -F'|' '$1 == "main" && $2 == "Debian" && $3 !~ /security/ { print $3; exit }')
[ -n "$mirror" ] || { echo "fetch-headers: no Debian mirror among this host's apt sources" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"

# The sandbox user of apt could not write below a private temporary directory. The package is Architecture: all, but
# only an index of some architecture lists it.
private_apt() {
  apt-get -qq \
    -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::Status=/dev/null \
    -o APT::Get::List-Cleanup=false -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

private_apt update
(cd "$work" && private_apt download linux-libc-dev)
deb=$(echo "$work"/linux-libc-dev_*.deb)
dpkg-deb -x "$deb" "$work/tree"
[ -d "$work/tree/usr/lib/linux/uapi" ] || {
  echo "fetch-headers: linux-libc-dev of $suite does not hold all architectures; use trixie or newer" >&2
  exit 1
}
mkdir -p "$out"
rm -rf "$out/linux"
cp -R "$work/tree/usr/lib/linux" "$out/linux"
dpkg-deb -f "$deb" Version >"$out/VERSION"
