# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Kernels for the guests, out of the distribution's packages: downloaded and unpacked into
# $kernels, never installed. Sourced by check_numa.sh and run_in_guest.sh.

kernels=${GUEST_KERNELS:-${top_builddir:?}/tests/numa/kernels}

# apt as it is set up here; or, in a folder of our own, with the backports of this Debian, for
# this machine or for arm64.
kernel_apt() # own|backports|arm64 TOOL ARGUMENT...
{
	local whose=$1 tool=$2 folder=$kernels/apt-$1 foreign=()

	shift 2
	if [ "$whose" = own ]; then
		"$tool" "$@"
		return
	fi
	[ "$whose" = arm64 ] && foreign=(-o APT::Architecture=arm64 -o APT::Architectures=arm64
		-o Dir::State::status="$folder/status")
	"$tool" "${foreign[@]}" -o Dir::Etc::sourcelist="$folder/backports.sources" \
		-o Dir::Etc::sourceparts=- -o Dir::State::lists="$folder/lists" \
		-o Dir::Cache="$folder/cache" "$@"
}

kernel_add_backports() # backports|arm64
{
	local codename folder=$kernels/apt-$1

	[ -e "$folder/updated" ] && return
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release 2>/dev/null && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || return 1
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" && : >"$folder/status"
	cat >"$folder/backports.sources" <<-SOURCES
		Types: deb
		URIs: http://deb.debian.org/debian
		Suites: $codename $codename-backports
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	SOURCES
	kernel_apt "$1" apt-get update -qq >"$folder/log" 2>&1 && : >"$folder/updated"
}

# The newest image of the series; flavours have what qemu has, built in.
kernel_package() # own|backports|arm64 SERIES FLAVOUR
{
	kernel_apt "$1" apt-cache search --names-only "^linux-image-${2/./\\.}[.+-]" 2>/dev/null |
		awk '{ print $1 }' | grep -E -- "-$3\$" | sort -V | tail -n 1
}

kernel_unpack() # own|backports|arm64 NAME PACKAGE
{
	local folder=$kernels/$2.part archive

	rm -rf "$folder"
	mkdir -p "$folder/deb" || return 1
	(cd "$folder/deb" && kernel_apt "$1" apt-get download -qq "$3") >"$folder/log" 2>&1 || return 1
	archive=("$folder"/deb/*.deb)
	dpkg-deb --fsys-tarfile "${archive[0]}" |
		tar -x -C "$folder" --wildcards --strip-components=2 './boot/vmlinuz-*' || return 1
	mv "$folder"/vmlinuz-* "$folder/vmlinuz" && rm -rf "$folder/deb" && mv "$folder" "$kernels/$2"
}

# Sets kernel to a file, or kernel_reason to why there is none.
kernel_find() # SERIES [FLAVOUR]
{
	local series=$1 flavour=${2:-cloud-amd64} name=$1 whose package places=(own backports)

	if [[ $flavour == *arm64* ]]; then
		name=$series-$flavour
		places=(arm64)
	fi
	kernel=$kernels/$name/vmlinuz
	[ -e "$kernel" ] && return
	kernel_reason="no apt-get to download a kernel with"
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	mkdir -p "$kernels" || return 1
	kernel_reason="no package of Linux $series ($flavour) is to be had from apt's sources and backports"
	for whose in "${places[@]}"; do
		[ "$whose" = own ] || kernel_add_backports "$whose" || return 1
		package=$(kernel_package "$whose" "$series" "$flavour")
		[ -n "$package" ] || continue
		kernel_reason="$package could not be downloaded and unpacked"
		kernel_unpack "$whose" "$name" "$package" && return
	done
	return 1
}
