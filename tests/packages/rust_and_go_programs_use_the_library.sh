#!/bin/sh
# SPDX-License-Identifier: MIT
# The Rust crate is a global allocator, with the shared library and with the archive, and the Go package gives
# memory beside Go's. Neither asks a registry.
set -u
. "$(dirname "$0")/install.sh"
grep -qE '__[at]san_init' "${HAKMEM_LIB:?}" && skip "such a library is not for other programs"
command -v cargo >/dev/null || command -v go >/dev/null || skip "neither cargo (Debian: cargo) nor go (golang-go)"
install_tree
export PKG_CONFIG_SYSROOT_DIR="$work/tree" PKG_CONFIG_PATH="$tree/lib/pkgconfig" LD_LIBRARY_PATH="$tree/lib"

if command -v cargo >/dev/null; then
	cp -R "$top_srcdir/bindings/rust" "$work/rust" && cd "$work/rust" || exit 99
	export CARGO_NET_OFFLINE=true
	CARGO_TARGET_DIR="$work/shared" cargo test --offline -q >"$work/log" 2>&1 ||
		wrong "Rust: $(tail -n 30 "$work/log")"
	HAKMEM_STATIC=1 HAKMEM_LIB_DIR="$tree/lib" CARGO_TARGET_DIR="$work/static" \
		cargo test --offline -q --test global >"$work/log" 2>&1 ||
		wrong "Rust, with the archive: $(tail -n 30 "$work/log")"
fi
if command -v go >/dev/null; then
	cp -R "$top_srcdir/examples/go" "$work/go" && cd "$work/go" || exit 99
	export GOCACHE="$work/cache" GOPATH="$work/path" GOPROXY=off GOTOOLCHAIN=local
	go vet . >"$work/log" 2>&1 || wrong "Go, vet: $(tail -n 30 "$work/log")"
	go test . >"$work/log" 2>&1 || wrong "Go: $(tail -n 30 "$work/log")"
fi
exit $((failures > 0))
