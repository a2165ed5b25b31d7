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

delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
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

# The loader's sources together, as headers take the most time; those that have functions of one name, apart.
sub groups {
	my @groups;
	for my $file (sort glob('loader/*.c')) {
		my %names = map { $_ => 1 } slurp($file) =~ /^static [^=;(]*?(\w+)\([^;{]*\)\n\{/mg;
		my $to = (grep { my $g = $_; !grep { $g->{names}{$_} } keys %names } @groups)[0];
		push @groups, $to = { names => {}, files => [] } if !$to;
		push @{$to->{files}}, $file;
		$to->{names}{$_} = 1 for keys %names;
	}
	return @groups;
}

for my $kernel (@kernels) {
	my $dir = "$tmp/loader-$kernel";
	my $headers = kernel_dir($kernel) . '/headers';
	my @groups = groups();
	mkdir $dir;
	system("cp loader/*.[ch] $dir/") == 0 or die;
	for my $i (0 .. $#groups) {
		my @files = map { s{.*/}{}r } @{$groups[$i]{files}};
		spew("$dir/group$i.c", map { "#include \"$_\"\n" } @files);
	}
	spew("$dir/Kbuild", 'obj-m := all.o', "\nall-y := ", join(' ', map { "group$_.o" } 0 .. $#groups),
		"\nccflags-y := -DELFKIT_REBUILD\n");
	my $said = `make -C $headers M=$dir W=1 C=2 CONFIG_DEBUG_INFO_BTF_MODULES= all.o 2>&1`;
	my $status = $?;
	my @found = grep { /warning:|error:/ } split /\n/, $said;
	ok($status == 0 && !@found, "$kernel: the loader with W=1 and sparse") or diag($said);
	is(scalar(() = $said =~ /^\s+CHECK\s/mg), scalar @groups, "$kernel: sparse has run");
}
done_testing;
