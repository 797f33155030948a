#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc and clang with the library make the same objects as without it, byte by byte, and the
# program that they link runs. C, and C++ with templates if there is a compiler for it.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"

cat >"$work/program.c" <<'SOURCE'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define TWICE(x) x x
#define MANY(x) TWICE(TWICE(TWICE(TWICE(TWICE(x)))))
struct node { struct node *left, *right; int key; double weight; };
static struct node *insert(struct node *node, int key)
{
	if (!node) {
		node = calloc(1, sizeof(*node));
		node->key = key;
		node->weight = sqrt(key);
	} else if (key < node->key) {
		node->left = insert(node->left, key);
	} else {
		node->right = insert(node->right, key);
	}
	return node;
}
static double sum(const struct node *node)
{
	return node ? node->weight + sum(node->left) + sum(node->right) : 0;
}
static unsigned mix(unsigned x)
{
	MANY(x ^= x << 13; x ^= x >> 17; x ^= x << 5; x += 0x9e3779b9;)
	return x;
}
int main(void)
{
	struct node *root = NULL;
	unsigned x = 1;
	for (int i = 0; i < 20000; i++)
		root = insert(root, (int)((x = mix(x)) % 1000000));
	printf("%u %.3f\n", x, sum(root));
	return 0;
}
SOURCE
cat >"$work/program.cc" <<'SOURCE'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
template <int N> struct depth { static std::map<std::string, std::vector<int>> value() {
	auto map = depth<N - 1>::value(); map[std::to_string(N)].assign(N, N); return map; } };
template <> struct depth<0> { static std::map<std::string, std::vector<int>> value() { return {}; } };
int main()
{
	std::unordered_map<std::string, std::shared_ptr<std::vector<std::string>>> words;
	for (int i = 0; i < 5000; i++) {
		auto &list = words[std::to_string(i % 97)];
		if (!list) list = std::make_shared<std::vector<std::string>>();
		list->push_back(std::regex_replace(std::to_string(i), std::regex("1"), "one"));
	}
	size_t sum = 0;
	for (auto &[key, list] : words) for (auto &word : *list) sum += word.size() * key.size();
	std::cout << sum << " " << depth<60>::value().size() << "\n";
}
SOURCE

found=
check() # COMPILER SOURCE OPTIONS...
{
	command -v "$1" >/dev/null || return 0
	found="$found $1"
	"$@" -c -o expected.o || fail "$1 itself"
	preloaded "$@" -c -o found.o || fail "$*: exit $?"
	expect_same expected.o found.o "the object of $*"
	"$1" expected.o -o expected -lm || fail "$1 itself"
	preloaded "$1" found.o -o found -lm || fail "$*: linking"
	./expected >expected.txt || fail "the program itself"
	preloaded ./found >found.txt || fail "the program: exit $?"
	expect_same expected.txt found.txt "the output of what $* made"
}

cd "$work" || exit 99
for compiler in gcc clang; do
	command -v $compiler >/dev/null && expect_mapped_in $compiler -S -x c -o /dev/null -
done
for compiler in gcc clang; do
	check $compiler program.c -O0
	check $compiler program.c -O3 -g
done
check g++ program.cc -std=c++17 -O1
check clang++ program.cc -std=c++17 -O1
[ -n "$found" ] || skip "no compiler (Debian: gcc g++ clang)"
for compiler in gcc g++ clang; do
	command -v $compiler >/dev/null || echo "not tried: $compiler (Debian: $compiler)"
done
