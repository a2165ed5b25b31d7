#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Twenty seconds of fuzzing for each target: that seeds are read, that targets reach what they are for, that nothing
# breaks at once, and that memory stays in proportion. `make fuzz` goes on from there. docs/testing.md
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

# Edges that the seeds alone reach, and that are lost when a target stops at its first check
my %edges = (insn => 200, policy => 60, report => 300, frame => 500, object => 400, relink => 2500, image => 1500,
	module => 90, symvers => 35, running => 100);
my $seconds = $ENV{FUZZ_TIME} // 20;

my $build = $ENV{BUILD} || 'build';
is_deeply([sort keys %edges], [sort map { m{/(\w+)\.c$} } glob 't/fuzz/*.c'], 'each target has its floor');
is(system('make', '-s', "BUILD=$build", 'fuzz-build'), 0, 'the targets build') or BAIL_OUT('no targets');
my ($status, $out, $err);

$ENV{BUILD} = "$build/fuzz";
for my $target (sort keys %edges) {
	local $ENV{FUZZ_TIME} = $seconds;
	($status, $out, $err) = run('t/fuzz/run', $target);
	is($status, 0, "$target: nothing breaks") or diag("$out$err");
	my ($runs, $found) = $out =~ /^$target: (?:broken: )?(\d+) runs, \d+ a second, (\d+) edges/;
	ok(($runs // 0) > 20 && ($found // 0) >= $edges{$target}, "$target: it reaches what it is for") or diag("$out$err");
}
done_testing;
