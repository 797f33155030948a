# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For an arm64 guest: the library and programs, cross-built in $foreign_build, and the libraries
# that they want, out of Debian's packages: downloaded and unpacked into $foreign_root, never
# installed. Sourced by check_numa.sh, after kernel.sh; its programs are made.

foreign_build=${top_builddir:?}/tests/numa/arm64
foreign_root=$kernels/arm64-root
foreign_libraries=$foreign_root/usr/lib/aarch64-linux-gnu
foreign_packages=(libc6 libgcc-s1 busybox-static liburing2 liburing-dev libnuma1 libnuma-dev check
	libsubunit0 libsubunit-dev libjson-c5 libjson-c-dev libtinfo6 libncurses6 libncursesw6
	libncurses-dev)

foreign_unpack()
{
	local folder=$foreign_root.part archive link

	rm -rf "$folder"
	mkdir -p "$folder/deb" "$folder/usr/lib" && ln -s usr/lib "$folder/lib" || return 1
	(cd "$folder/deb" && kernel_apt arm64 apt-get download -qq "${foreign_packages[@]}") \
		>"$folder/log" 2>&1 || return 1
	for archive in "$folder"/deb/*.deb; do
		dpkg-deb --fsys-tarfile "$archive" |
			tar -x -C "$folder" --keep-directory-symlink || return 1
	done
	# What a development package links to by an absolute path is here.
	find "$folder" -type l -lname '/*' | while read -r link; do
		ln -sfn "$foreign_root$(readlink "$link")" "$link"
	done
	rm -rf "$folder/deb" && mv "$folder" "$foreign_root"
}

# Fails, with foreign_reason, where nothing for arm64 can be built or run.
foreign_find()
{
	local command

	for command in aarch64-linux-gnu-gcc qemu-system-aarch64; do
		foreign_reason="no $command (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-system-arm)"
		command -v $command >/dev/null || return 1
	done
	[ -e "$foreign_root" ] && return
	foreign_reason="no apt-get to download libraries for arm64 with"
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	foreign_reason="libraries for arm64 could not be downloaded and unpacked: no such Debian"
	mkdir -p "$kernels" && kernel_add_backports arm64 && foreign_unpack
}

foreign_configure()
{
	PKG_CONFIG_LIBDIR=$foreign_libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$foreign_root \
		"$(realpath "${top_srcdir:?}")/configure" --host=aarch64-linux-gnu \
		CPPFLAGS="-isystem $foreign_root/usr/include" \
		LDFLAGS="-L$foreign_libraries -Wl,-rpath-link,$foreign_libraries"
}

# The library, and the programs that the guest shall run.
foreign_make()
{
	mkdir -p "$foreign_build" || return 1
	(
		cd "$foreign_build" || exit 1
		unset MAKEFLAGS MFLAGS MAKELEVEL
		[ -e Makefile ] || foreign_configure || exit 1
		# shellcheck disable=SC2046 # words
		make -j"$(nproc)" libhakmem.la tests/contract/plugin.la \
			tests/contract/audit_library.la $(programs)
	) >"$foreign_build/log" 2>&1
}

foreign_strip() # FILE
{
	aarch64-linux-gnu-strip "$1" 2>/dev/null
}

# Those that it names, and those that they name, into the guest.
foreign_add_libraries() # FILE
{
	local name from

	aarch64-linux-gnu-readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		while read -r name; do
			[ -e "$work/root/lib/$name" ] && continue
			from=$foreign_libraries/$name
			[ -e "$from" ] || from=$foreign_build/tests/contract/.libs/$name	# a test's own
			install -D "$from" "$work/root/lib/$name" || return 1
			foreign_add_libraries "$from"
		done
}
