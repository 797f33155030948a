#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the backticks are text
# Where the library would silently not be used, hakctl says why and does not start the program.
set -u
. "$(dirname "$0")/expect.sh"
skip_if_library_has_a_sanitizer
ran=$work/ran
# By whatever name it is called: not one of those programs that are many.
program=$(realpath "$(command -v gnutouch || command -v touch)")

refuses() # REASON PROGRAM: exit code 1, and it never ran
{
	expect 1 "$1" "$HAKCTL" run -- "$2" "$ran"
	if [ -e "$ran" ]; then
		echo "and yet it started $2"
		failures=$((failures + 1))
	fi
}

# copy NAME: a program of its own; patch NAME OFFSET BYTES: changes it.
copy()
{
	cp "$program" "$work/$1" && chmod 755 "$work/$1"
}
patch()
{
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$3" | dd of="$work/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

copy good
expect 0 '' "$HAKCTL" run -- "$work/good" "$work/made"
[ -e "$work/made" ] || { echo "a copy of touch does not run"; exit 1; }

# No such program: 3.
expect 3 'no-such-program-here: no such program in PATH' "$HAKCTL" run -- no-such-program-here
expect 3 './no/such: No such file or directory' "$HAKCTL" run -- ./no/such
expect 3 'no such program in PATH' "$HAKCTL" run -- ''

copy plain && chmod 644 "$work/plain"
refuses 'plain: not executable; `chmod +x` makes it so' "$work/plain"
expect 1 'plain: not executable' env PATH="$work" "$HAKCTL" run -- plain
refuses 'is a directory, not a program' "$work"

copy setuid && chmod 4755 "$work/setuid"
refuses 'is set-uid; nothing can be preloaded into it' "$work/setuid"
copy setgid && chmod 2755 "$work/setgid"
refuses 'is set-gid; nothing can be preloaded into it' "$work/setgid"
if copy capable && PATH=$PATH:/sbin:/usr/sbin setcap cap_net_raw=ep "$work/capable" 2>/dev/null; then
	refuses 'has file capabilities; nothing can be preloaded into it' "$work/capable"
fi

# The byte at 4 is the class (1: 32 bits), the two at 18 the machine (0xf3: RISC-V).
copy narrow && patch narrow 4 '\001'
refuses 'is a 32-bit program; hakmem is for 64-bit ones' "$work/narrow"
copy foreign && patch foreign 18 '\363\000'
refuses 'is a program for another architecture' "$work/foreign"

# Cut off in the middle of its headers, and with a table that points outside the file.
head -c 40 "$program" >"$work/cut" && chmod 755 "$work/cut"
refuses 'is a 32-bit program' "$work/cut"
copy wild && patch wild 32 '\377\377\377\377\377\377\377\177'
refuses 'is linked statically' "$work/wild"

echo 'int main(void) { return 0; }' | compile "$work/static" -static
refuses 'is linked statically; nothing can be preloaded into it' "$work/static"
echo 'int main(void) { return 0; }' | compile "$work/static-pie" -static-pie
refuses 'is linked statically' "$work/static-pie"

echo 'int main(void) { return 0; }' |
	compile "$work/musl" -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1
refuses 'is built for musl; hakmem is for glibc' "$work/musl"
echo 'int main(void) { return 0; }' |
	compile "$work/unloadable" -Wl,--dynamic-linker=/lib/no-such-loader.so
refuses 'its loader /lib/no-such-loader.so: No such file or directory' "$work/unloadable"

# A note that Go's compiler leaves.
go_note='__asm__(".section .note.go.buildid,\"a\"\n.balign 4\n.long 4, 4, 4\n.asciz \"Go\"\n.balign 4\n"
	".long 1\n.previous");'
printf '%s\nint main(void) { return 0; }\n' "$go_note" | compile "$work/go" -static
refuses 'is linked statically; nothing can be preloaded into it, and Go has an allocator' "$work/go"
printf '%s\nint main(void) { return 0; }\n' "$go_note" | compile "$work/cgo"
expect 0 "what Go allocates is not hakmem's, what C allocates in it is" "$HAKCTL" run -v -- "$work/cgo"

# A snap is a link to what starts snaps; flatpak makes scripts.
cp "$program" "$work/snap" && ln -s snap "$work/some-snap"
refuses 'some-snap: is a snap, which starts without LD_PRELOAD' "$work/some-snap"
printf '#!/bin/sh\nexec /usr/bin/flatpak run --branch=stable org.example.App "$@"\n' >"$work/flat"
chmod 755 "$work/flat"
refuses 'flat: starts a flatpak, which is without LD_PRELOAD' "$work/flat"

# Other allocators under names that hakmem does not have: told, not refused.
printf 'void *%s(unsigned long n);\nvoid *%s(unsigned long n) { (void)n; return 0; }\n' \
	je_malloc je_malloc _rjem_malloc _rjem_malloc mi_heap_new mi_heap_new \
	MallocExtension_GetStats MallocExtension_GetStats | compile "$work/libothers.so" -shared -fPIC
echo 'int main(void) { return 0; }' |
	compile "$work/others" "-L$work" "-Wl,-rpath,$work" -Wl,--no-as-needed -x none "$work/libothers.so"
for told in "je_malloc's blocks are not hakmem's, but of the jemalloc in" \
	"Rust's blocks are not hakmem's" 'asks an idle tcmalloc' "blocks of mi_* are not hakmem's"; do
	expect 0 "$told" "$HAKCTL" run -v -- "$work/others"
done

# Programs with a malloc of their own: defined in the program, or in a library bound to it.
own_malloc='#include <stddef.h>
static char room[1 << 16]; static size_t used;
void *malloc(size_t n); void free(void *p);
void *malloc(size_t n) { used += (n + 15) & ~15ul; return room + used; }
void free(void *p) { (void)p; }'
printf '%s\nint main(void) { return malloc(1) == 0; }\n' "$own_malloc" |
	compile "$work/own" -rdynamic
refuses 'has an allocator of its own (it defines malloc)' "$work/own"

printf '%s\nint library(void); int library(void) { return malloc(1) == 0; }\n' "$own_malloc" |
	compile "$work/libsymbolic.so" -shared -fPIC -Wl,-Bsymbolic
printf 'int library(void); int main(void) { return library(); }\n' |
	compile "$work/symbolic" "-L$work" "-Wl,-rpath,$work" -Wl,--no-as-needed -x none "$work/libsymbolic.so"
refuses 'libsymbolic.so is bound to a malloc of its own' "$work/symbolic"

# A library that only offers malloc is no obstacle: the preloaded one goes before it.
printf '%s\nint library(void); int library(void) { return 0; }\n' "$own_malloc" |
	compile "$work/liboffers.so" -shared -fPIC
printf 'int library(void); int main(void) { return library(); }\n' |
	compile "$work/offered" "-L$work" "-Wl,-rpath,$work" -Wl,--no-as-needed -x none "$work/liboffers.so"
expect 0 'hakmem goes before the malloc of' "$HAKCTL" run -v -- "$work/offered"

rm "$work/liboffers.so"
refuses 'the loader cannot load it' "$work/offered"
expect_end
