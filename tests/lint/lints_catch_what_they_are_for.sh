#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the backticks are text
# Each lint is shown a small tree with one thing wrong, and has to say so.
set -u
lints=$(cd "$(dirname "$0")" && pwd) || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
top_srcdir=$work/source
top_builddir=$work/build
HAKMEM_LIB=$top_builddir/library.so
export top_srcdir top_builddir HAKMEM_LIB
failures=0

fresh_tree()
{
	rm -rf "$top_srcdir" "$top_builddir"
	mkdir -p "$top_srcdir/lib/front" "$top_srcdir/lib/back" "$top_srcdir/lib/os" \
		"$top_srcdir/m4" "$top_srcdir/doc" "$top_srcdir/.ci" "$top_srcdir/include/hakmem" \
		"$top_srcdir/hakctl/completion" "$top_builddir/.libs"
	for file in lib/os/vm.h lib/back/large.h lib/front/malloc.c configure.ac Makefile.am \
		quickstart .ci/run m4/hakmem_flags.m4 hakctl/completion/hakctl; do
		printf '/* SPDX-License-Identifier: MIT */\n' >"$top_srcdir/$file"
	done
	printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\ntrue\n' >"$top_srcdir/quickstart"
	printf '# shellcheck shell=sh\n' >"$top_srcdir/hakctl/completion/hakctl"
	printf '#include "back/large.h"\n' >>"$top_srcdir/lib/front/malloc.c"
	printf '#include "os/vm.h"\n' >>"$top_srcdir/lib/back/large.h"
	printf 'See `large.h` and lib/os/vm.h. A block.\n' >"$top_srcdir/README.md"
	printf '| block | what malloc returns | lump |\n' >"$top_srcdir/doc/glossary.md"
	printf '/* SPDX-License-Identifier: MIT */\nint hak_ready(void);\n' >"$top_srcdir/include/hakmem/hakmem.h"
}

passes() # LINT
{
	"$lints/$1.sh" >"$work/output" 2>&1 && return
	echo "$1 finds fault with a good tree:"
	cat "$work/output"
	failures=$((failures + 1))
}

# The lint exits with 1 and prints TEXT; else this test has failed.
catches() # LINT TEXT
{
	"$lints/$1.sh" >"$work/output" 2>&1
	code=$?
	[ $code -eq 1 ] && grep -qF -- "$2" "$work/output" && return
	echo "$1 exits with $code and does not say \"$2\", but:"
	cat "$work/output"
	failures=$((failures + 1))
}

fresh_tree
passes rooms_never_include_upwards
passes files_are_short_and_have_a_head
passes paths_in_documents_exist
passes shared_structures_have_a_table
passes comments_name_what_is_there
passes words_are_those_of_the_glossary
passes lines_fit_in_100_columns

echo 'struct large { _Atomic int units; };' >>"$top_srcdir/lib/back/large.h"
catches shared_structures_have_a_table 'lib/back/large.h'
fresh_tree
echo '#include "front/thread_cache.h"' >>"$top_srcdir/lib/back/large.h"
catches rooms_never_include_upwards 'back/large.h includes "front/thread_cache.h": front is above back'
fresh_tree
echo '#include "large.h"' >>"$top_srcdir/lib/back/populate.h"
catches rooms_never_include_upwards 'not of the form "room/name.h"'
fresh_tree
echo '#include "back/populate.h"' >>"$top_srcdir/lib/back/large.h"
echo '#include "back/large.h"' >>"$top_srcdir/lib/back/populate.h"
catches rooms_never_include_upwards 'in a circle: '
fresh_tree
echo '#include "kmod-free-helpers/staging.h"' >>"$top_srcdir/lib/back/large.h"
catches rooms_never_include_upwards 'only populate may'
fresh_tree
echo '#include <kmod-free-helpers/madvise_ring.h>' >>"$top_srcdir/lib/back/populate.c"
catches rooms_never_include_upwards 'only release may'
fresh_tree
mkdir "$top_srcdir/hakctl/output"
echo '#include "hakctl/client/look.h"' >"$top_srcdir/hakctl/output/text.c"
catches rooms_never_include_upwards 'client is not below output'

# Small rooms with lists that are true; then one has a file more, and one a file that tells otherwise.
fresh_tree
cp "$lints/../../lib/list_files" "$top_srcdir/lib/"
mkdir "$top_srcdir/kmod-free-helpers"
for room in front back os; do
	printf '# A room\n\n| file | what it is |\n' >"$top_srcdir/lib/$room/README.md"
	(cd "$top_srcdir" && lib/list_files "lib/$room" write)
done
: >"$top_srcdir/kmod-free-helpers/ring.h"
printf '| `ring` |\n' >"$top_srcdir/kmod-free-helpers/README.md"
passes rooms_list_their_files
: >"$top_srcdir/lib/os/lock.h"
catches rooms_list_their_files 'lib/os/README.md (lib/list_files lib/os write mends it)'
rm "$top_srcdir/lib/os/lock.h"
printf '/* X */\n/*\n * vm.h - system calls. More.\n */\n' >"$top_srcdir/lib/os/vm.h"
catches rooms_list_their_files '> | `vm` | system calls |'
: >"$top_srcdir/kmod-free-helpers/vector.h"
catches rooms_list_their_files 'kmod-free-helpers/README.md: vector is not listed'

fresh_tree
yes '' | head -n 460 >>"$top_srcdir/lib/os/vm.h"
catches files_are_short_and_have_a_head 'lib/os/vm.h: 461 lines'
fresh_tree
{ printf 'int vm_map(void)\n{\n'; yes '' | head -n 41; echo '}'; } >>"$top_srcdir/lib/os/vm.h"
catches files_are_short_and_have_a_head 'lib/os/vm.h: 41 lines: int vm_map(void)'
fresh_tree
echo 'int vm;' >"$top_srcdir/lib/os/vm.c"
catches files_are_short_and_have_a_head 'lib/os/vm.c: no SPDX line'

fresh_tree
echo 'See lib/os/lock.h.' >>"$top_srcdir/README.md"
catches paths_in_documents_exist 'README.md: lib/os/lock.h is not there'
fresh_tree
echo 'See `slab.c`.' >>"$top_srcdir/README.md"
catches paths_in_documents_exist 'README.md: slab.c is not there'
fresh_tree
echo 'See [this](guide.md).' >>"$top_srcdir/README.md"
catches paths_in_documents_exist 'README.md: guide.md is not there'

fresh_tree
printf '\t%093d\n' 0 >>"$top_srcdir/lib/os/vm.h"
catches lines_fit_in_100_columns 'lib/os/vm.h:2: over 100 columns'
fresh_tree
echo 'Two lumps of memory.' >>"$top_srcdir/README.md"
catches words_are_those_of_the_glossary 'README.md:2:lumps: the glossary has another word'
fresh_tree
echo '| bin | a stack of blocks | |' >>"$top_srcdir/doc/glossary.md"
catches words_are_those_of_the_glossary '"bin" is used nowhere'

fresh_tree
echo '/* release: pairs with vm_unmap */' >>"$top_srcdir/lib/os/vm.h"
catches comments_name_what_is_there 'lib/os/vm.h:2: pairs with vm_unmap, which is not there'
fresh_tree
printf '/* x.h - Called by malloc.c alone. */\n' >>"$top_srcdir/lib/os/vm.h"
catches comments_name_what_is_there 'lib/back/large.h includes lib/os/vm.h'

fresh_tree
printf '#include "back/large.h"\n' >"$top_srcdir/lib/back/large.c"
mkdir "$top_srcdir/tests" "$top_srcdir/tests/lint" && : >"$top_srcdir/tests/lint/single_users.txt"
catches units_have_a_reason 'lib/back/large lib/front/malloc: the only user'

fresh_tree
printf 'static void take(int of,\n\t\t int by)\n{\n}\n' | tee "$top_srcdir/lib/back/large.c" >"$top_srcdir/lib/os/vm.c"
catches static_functions_have_names_of_their_own 'lib/back/large.c and lib/os/vm.c: take()'

fresh_tree
passes links_are_made_by_name
echo 'int vm_next(int link) { return link - 1; }' >>"$top_srcdir/lib/os/vm.h"
catches links_are_made_by_name 'lib/os/vm.h:2: index_from_link() makes an index of a link'
fresh_tree
printf '\tuint32_t first;\t/* unit + 1 */\n' >>"$top_srcdir/lib/os/vm.h"
catches links_are_made_by_name 'lib/os/vm.h:2: call it a link'
fresh_tree
printf 'heap->counts[slab->class_mark - 1]\n' >>"$top_srcdir/lib/os/vm.h"
catches links_are_made_by_name 'lib/os/vm.h:2: slab_class_number() reads'

if command -v shellcheck >/dev/null; then
	fresh_tree
	passes scripts_pass_shellcheck
	echo 'echo $1' >>"$top_srcdir/quickstart"
	catches scripts_pass_shellcheck SC2086
fi

compiler=${CC:-cc}
if command -v "$compiler" >/dev/null; then
	fresh_tree
	echo 'int vm_map(void) { return 0; } int map_vm(void) { return 0; }' |
		"$compiler" -x c -c -o "$work/vm.o" - &&
		ar rc "$top_builddir/.libs/libhakmem-core.a" "$work/vm.o"
	catches symbols_begin_with_their_file 'vm.c defines map_vm'
	grep -q vm_map "$work/output" && echo "and it minds vm_map" && failures=$((failures + 1))

	printf 'int vm_map(void)\n{\n}\n' >"$top_srcdir/lib/os/vm.c"
	catches nothing_is_there_for_tests_alone 'vm.c: nothing but tests uses vm_map'

	echo '__thread char room[65]; int malloc_too(void) { return room[0]; }' |
		"$compiler" -x c -fPIC -shared -o "$HAKMEM_LIB" - -Wl,--no-as-needed -lm
	catches library_is_light_to_load 'has 65 bytes of static thread-local storage'
	catches library_is_light_to_load 'can be unloaded'
	catches library_is_light_to_load 'brings another library with it: libm.so.6'
	catches exports_are_the_committed_ones 'exported without need: malloc_too'
	catches exports_are_the_committed_ones 'not exported: malloc'
	catches exports_are_the_committed_ones 'not exported: hak_ready@@HAKMEM_1'
fi

exit $((failures > 0))
