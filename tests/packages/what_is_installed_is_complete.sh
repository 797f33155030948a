#!/bin/sh
# SPDX-License-Identifier: MIT
# `make install` brings documents, headers, examples, completions and a page for each public function;
# `make uninstall` takes all of it away.
set -u
. "$(dirname "$0")/install.sh"
install_tree

for file in include/hakmem/hakmem.h include/hakmem/hakmem.hpp include/hakmem/control.h \
	lib/pkgconfig/hakmem.pc lib/pkgconfig/hakmem-api.pc lib/cmake/hakmem/hakmem-config.cmake \
	lib/libhakmem.a lib/libhakmem-api.a share/aclocal/hakmem.m4 lib/tmpfiles.d/hakmem.conf \
	share/hakmem/grafana-dashboard.json share/hakmem/prometheus-alerts.yml \
	share/bash-completion/completions/hakctl share/zsh/site-functions/_hakctl \
	share/fish/vendor_completions.d/hakctl.fish share/man/man1/hakctl.1 share/man/man7/hakmem.7 \
	share/doc/hakmem/README.md share/doc/hakmem/LICENSE share/doc/hakmem/SECURITY.md \
	share/doc/hakmem/examples/docker/entry share/doc/hakmem/examples/sysctl.d/hakmem.conf; do
	case $file in
	share/man/man1/* | share/*/*hakctl* | lib/tmpfiles.d/*)
		[ -x "${HAKCTL:?}" ] || continue ;;
	esac
	[ -e "$tree/$file" ] || wrong "$file is not installed"
done
# Every function that a program may call has its page, and the page that it names tells of it.
nm -D --defined-only "${HAKMEM_LIB:?}" | sed -nE 's/.* (hak_[a-z_]+)@@.*/\1/p' |
	grep -vxE 'hak_(snapshot|outline)' >"$work/functions"
while read -r name; do
	grep -qx '.so man3/hakmem.3' "$tree/share/man/man3/$name.3" 2>/dev/null || wrong "$name has no page"
	grep -q "$name" "$tree/share/man/man3/hakmem.3" || wrong "hakmem(3) does not tell of $name"
done <"$work/functions"
[ "$(wc -l <"$work/functions")" -ge 30 ] || wrong "there are few functions"
# shellcheck disable=SC2016 # the backticks are text
# Documents name files that are installed beside them.
grep -oE '`(doc|examples)/[a-zA-Z0-9_./-]+`' "$tree/share/doc/hakmem/README.md" | tr -d '\140' | sort -u |
	while read -r file; do
		[ -e "$tree/share/doc/hakmem/$file" ] || [ -e "$tree/share/hakmem/${file#doc/}" ] ||
			[ -e "$tree/share/man/man${file##*.}/${file#doc/}" ] ||
			echo "README names $file, which is not installed"
	done >"$work/missing"
[ -s "$work/missing" ] && wrong "$(cat "$work/missing")"

make_here uninstall
find "$work/tree" ! -type d >"$work/left"
[ -s "$work/left" ] && wrong "left behind: $(cat "$work/left")"
exit $((failures > 0))
