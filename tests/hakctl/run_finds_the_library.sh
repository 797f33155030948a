#!/bin/sh
# SPDX-License-Identifier: MIT
# libhakmem.so is found beside hakctl, wherever the two are moved; --lib goes before that.
# shellcheck disable=SC2016 # the inner shells expand these
set -u
. "$(dirname "$0")/expect.sh"
skip_if_library_has_a_sanitizer
show='echo "<$LD_PRELOAD>"'

expect 0 "<$(realpath "$(dirname "$HAKMEM_LIB")")/libhakmem.so>" "$HAKCTL" run -- sh -c "$show"

mkdir -p "$work/usr/bin" "$work/usr/lib" "$work/one" "$work/lone" "$work/a b"
cp "$HAKCTL" "$work/usr/bin/hakctl"
cp "$HAKMEM_LIB" "$work/usr/lib/libhakmem.so"
expect 0 "<$work/usr/lib/libhakmem.so>" "$work/usr/bin/hakctl" run -- sh -c "$show"
expect 0 "library $work/usr/lib/libhakmem.so" "$work/usr/bin/hakctl" version

# Where nobody builds programs there is no link without a number.
mkdir -p "$work/plain/bin" "$work/plain/lib"
cp "$HAKCTL" "$work/plain/bin/hakctl"
cp "$HAKMEM_LIB" "$work/plain/lib/libhakmem.so.1"
expect 0 "<$work/plain/lib/libhakmem.so.1>" "$work/plain/bin/hakctl" run -- sh -c "$show"

# By a symbolic link to the tool, too.
ln -s "$work/usr/bin/hakctl" "$work/linked"
expect 0 "<$work/usr/lib/libhakmem.so>" "$work/linked" run -- sh -c "$show"

cp "$HAKCTL" "$HAKMEM_LIB" "$work/one"
expect 0 "<$work/one/libhakmem.so>" "$work/one/hakctl" run -- sh -c "$show"

# --lib, also relative; then nothing is searched.
cd "$work/one" || exit 99
expect 0 "<$work/one/libhakmem.so>" "$work/usr/bin/hakctl" run --lib libhakmem.so -- sh -c "$show"
expect 1 "the library ./gone.so: No such file" "$HAKCTL" run -l ./gone.so -- true

# What is given but is no library: the loader's refusal is not passed over.
echo text >"$work/text.so"
expect 1 "does not preload $work/text.so" "$HAKCTL" run -l "$work/text.so" -- true

# A path that LD_PRELOAD cannot hold.
cp "$HAKMEM_LIB" "$work/a b/libhakmem.so"
expect 1 'cannot hold a path with a space or a colon' "$HAKCTL" run -l "$work/a b/libhakmem.so" -- true

# Nowhere, unless this build has been installed.
cp "$HAKCTL" "$work/lone"
if "$work/lone/hakctl" version | grep -q 'library not found'; then
	expect 1 'libhakmem.so is neither beside hakctl nor in' "$work/lone/hakctl" run -- true
	expect 1 '--lib PATH says where it is' "$work/lone/hakctl" run -- true
fi
expect_end
