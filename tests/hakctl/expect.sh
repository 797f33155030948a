# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For the tests in this folder: run a command, compare its exit code and what it printed.
# They source this file, call expect as often as they like, and end with expect_end.

: "${HAKCTL:?}" "${HAKMEM_LIB:?}"
failures=0
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
unset LD_PRELOAD HAKMEM_OPTIONS
export LC_ALL=C.UTF-8

# expect CODE TEXT COMMAND...: TEXT stands somewhere in the output or the messages.
expect()
{
	wanted_code=$1
	wanted_text=$2
	shift 2
	"$@" >"$work/output" 2>&1 </dev/null
	code=$?
	if [ "$code" -eq "$wanted_code" ]; then
		[ -z "$wanted_text" ] && return
		grep -qF -- "$wanted_text" "$work/output" && return
	fi
	failures=$((failures + 1))
	echo "$*"
	echo "  exits with $code, wanted $wanted_code; should say: $wanted_text; says:"
	sed 's/^/  | /' "$work/output"
}

expect_end()
{
	exit $((failures > 0))
}

skip()
{
	echo "skipped: $1"
	exit 77
}

# A library that is built with a sanitizer cannot be preloaded at all.
skip_if_library_has_a_sanitizer()
{
	if nm -D "$HAKMEM_LIB" | grep -qE '__(asan|tsan|ubsan)_'; then
		skip "the library is built with a sanitizer"
	fi
}

# compile OUTPUT FLAGS...: a C program from standard input, or no test.
compile()
{
	output=$1
	shift
	compiler=${CC:-cc}
	command -v "${compiler%% *}" >/dev/null || skip "no C compiler"
	# shellcheck disable=SC2086 # it may be of several words, as configure takes it
	$compiler -x c -o "$output" - "$@" || skip "the compiler cannot make $output ($*)"
}
