#!/bin/sh
# SPDX-License-Identifier: MIT
# perl with the library computes what it computes without: hashes, regular expressions,
# sorting, strings that grow, pipes and fork.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need perl perl
PERL_HASH_SEED=0
export PERL_HASH_SEED

cat >"$work/script.pl" <<'SCRIPT'
use strict;
use warnings;
my ($state, %count, @lists, $text) = (42);
sub number { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return $state >> 8 }
sub sum { my $sum = 5381; $sum = ($sum * 33 + ord $_) & 0xffffffff for split //, shift; return $sum }
$text = "";
for my $i (0 .. 60000) {
	my $word = join "", map { chr(97 + number() % 26) } 1 .. 1 + number() % 9;
	$count{$word}{times}++;
	push @{ $count{$word}{places} }, $i if length $word < 3;
	$text .= "$word ";
}
print scalar(keys %count), " words\n";
print join(",", map { "$_:$count{$_}{times}" }
	(sort { $count{$b}{times} <=> $count{$a}{times} || $a cmp $b } keys %count)[0 .. 40]), "\n";
(my $changed = $text) =~ s/\b([a-z])([a-z]*)\b/ucfirst($1) . reverse($2)/ge;
print length($changed), " ", sum(substr $changed, 0, 100000), "\n";
my @sorted = sort { $a <=> $b } map { number() } 1 .. 50000;
print "$sorted[0] $sorted[25000] $sorted[-1]\n";
for my $size (map { $_ * 997 } 1 .. 300) { $lists[$size % 50] = [ ("x$size") x ($size % 400) ] }
print sum(join "|", map { $_ ? scalar(@$_) : "-" } @lists), "\n";
for my $child (1 .. 5) {
	my $pid = open(my $pipe, "-|") // die;
	if (!$pid) { my %own = map { $_ => $_ * $child } 1 .. 5000; print $own{4999}, "\n"; exit }
	print scalar <$pipe>;
	close $pipe or die;
}
SCRIPT

# shellcheck disable=SC2016 # perl's variables
preloaded perl -e 'open my $maps, "<", "/proc/self/maps"; exit !grep { index($_, $ARGV[0]) >= 0 } <$maps>' \
	"$(readlink -f "$library")" || fail "perl does not have the library"
perl "$work/script.pl" >"$work/expected" || fail "the script itself"
preloaded perl "$work/script.pl" >"$work/found" || fail "exit $?"
expect_same "$work/expected" "$work/found" "the output of the script"
