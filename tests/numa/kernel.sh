# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Kernels for the guests, out of the distribution's packages: downloaded and unpacked into
# $kernels, never installed. Sourced by check_numa.sh and run_in_guest.sh.

kernels=${GUEST_KERNELS:-${top_builddir:?}/tests/numa/kernels}

# apt as it is set up here; or with the backports of this Debian, in a folder of our own.
kernel_apt() # own|backports TOOL ARGUMENT...
{
	local whose=$1 tool=$2

	shift 2
	if [ "$whose" = own ]; then
		"$tool" "$@"
	else
		"$tool" -o Dir::Etc::sourcelist="$kernels/apt/backports.sources" \
			-o Dir::Etc::sourceparts=- -o Dir::State::lists="$kernels/apt/lists" \
			-o Dir::Cache="$kernels/apt/cache" "$@"
	fi
}

kernel_add_backports()
{
	local codename

	[ -e "$kernels/apt/updated" ] && return
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release 2>/dev/null && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || return 1
	mkdir -p "$kernels/apt/lists/partial" "$kernels/apt/cache/archives/partial"
	cat >"$kernels/apt/backports.sources" <<-SOURCES
		Types: deb
		URIs: http://deb.debian.org/debian
		Suites: $codename $codename-backports
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	SOURCES
	kernel_apt backports apt-get update -qq >"$kernels/apt/log" 2>&1 && : >"$kernels/apt/updated"
}

# The newest image of the series. For machines of clouds: it has what qemu has, built in.
kernel_package() # own|backports SERIES
{
	kernel_apt "$1" apt-cache search --names-only "^linux-image-${2/./\\.}[.+-]" 2>/dev/null |
		awk '{ print $1 }' | grep -E -- '-cloud-amd64$' | sort -V | tail -n 1
}

kernel_unpack() # own|backports SERIES PACKAGE
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
kernel_find() # SERIES
{
	local series=$1 whose package

	kernel=$kernels/$series/vmlinuz
	[ -e "$kernel" ] && return
	kernel_reason="no apt-get to download a kernel with"
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	mkdir -p "$kernels" || return 1
	kernel_reason="no package of Linux $series is to be had from apt's sources and backports"
	for whose in own backports; do
		[ $whose = own ] || kernel_add_backports || return 1
		package=$(kernel_package $whose "$series")
		[ -n "$package" ] || continue
		kernel_reason="$package could not be downloaded and unpacked"
		kernel_unpack $whose "$series" "$package" && return
	done
	return 1
}
