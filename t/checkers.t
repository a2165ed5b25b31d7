#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Programs that read source find nothing: clang-tidy (.clang-tidy says what it is asked), gcc -fanalyzer, and for the
# loader the kernel's W=1 and sparse.
#
#	CHECKERS_ALL=1	-fanalyzer over everything; `make analyze`. It takes a minute of processor time.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $all = $ENV{CHECKERS_ALL};
chomp(my $flags = `make -s show-flags SANITIZE= CFLAGS=`);
my @sources = sort glob('elfkit/*.c disasm/*.c relink/*.c');
# What reads and writes files: where a checker has found the most
my @first = $all ? @sources : grep { m{/(?:cmd_load|err|image|kmsg|loaded|mapping|memory|modfile|output|running|symvers|module|object|object_refs|manifest)\.c$} } @sources;

sub findings {
	my ($what, $command) = @_;
	my $said = `$command 2>&1`;
	my @found = grep { /(?:warning|error):/ } split /\n/, $said;
	ok($? == 0 && !@found, $what) or diag(@found ? join "\n", @found : $said);
}

findings('clang-tidy', "clang-tidy --quiet @sources -- $flags");

# Not optimized, as the analyzer takes what the optimizer has left out for missing
for my $file (@first) {
	findings("gcc -fanalyzer $file", "gcc $flags -O0 -fanalyzer -Werror -c -o $tmp/analyzed.o $file");
}

for my $kernel (@kernels) {
	my $dir = "$tmp/loader-$kernel";
	my $headers = kernel_dir($kernel) . '/headers';
	mkdir $dir;
	system("cp loader/*.[ch] $dir/") == 0 or die;
	# together, as relink has them
	spew("$dir/all.c", map { '#include "' . s{.*/}{}r . "\"\n" } sort glob('loader/*.c'));
	spew("$dir/Kbuild", "obj-m := all.o\nccflags-y := -DELFKIT_REBUILD\n");
	my $said = `make -C $headers M=$dir W=1 C=2 CONFIG_DEBUG_INFO_BTF_MODULES= all.o 2>&1`;
	my $status = $?;
	my @found = grep { /warning:|error:/ } split /\n/, $said;
	ok($status == 0 && !@found, "$kernel: the loader with W=1 and sparse") or diag($said);
	like($said, qr/^\s+CHECK\s/m, "$kernel: sparse has run");
}
done_testing;
