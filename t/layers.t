#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The shape of the source: one direction of data, one owner a library, small files.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my ($list) = slurp('Makefile') =~ /^MODULES := \\\n((?:\t.*\n)+)/m;
my @modules = $list =~ /(\w+\/\w+)/g;
my %rank = map { $modules[$_] => $_ } 0 .. $#modules;

my @sources = glob('elfkit/*.c disasm/*.c relink/*.c');
is_deeply([sort map { "$_.c" } @modules], [sort @sources], 'the list of modules names every source file');

# A header belongs to the module of its name; one without belongs to the first that includes it.
my %owner;
for my $header (glob('elfkit/*.h disasm/*.h relink/*.h')) {
	my ($name) = $header =~ /(.*)\.h$/;
	$owner{$header} = $rank{$name};
}
for my $module (@modules) {
	$owner{$_} //= $rank{$module} for slurp("$module.c") =~ /^#include "(.*)"/mg;
}
sub later {
	my ($file, $rank) = @_;
	return map { "$file includes $_" } grep { defined $owner{$_} && $owner{$_} > $rank }
		slurp($file) =~ /^#include "(.*)"/mg;
}
my @backwards = map { later("$_.c", $rank{$_}), -e "$_.h" ? later("$_.h", $rank{$_}) : () } @modules;
is_deeply(\@backwards, [], 'no file includes one of a later module');

my %library = (
	'libelf|gelf' => [qw(elfkit/image elfkit/cfi relink/object relink/object_write)],
	'elfutils/.*|dwarf' => [qw(elfkit/debuginfo elfkit/cfi elfkit/debuginfo_file elfkit/copies elfkit/units elfkit/typeinfo
		elfkit/typeinfo_resolve elfkit/typeinfo_place elfkit/typeinfo_die elfkit/members relink/shape relink/lines)],
	'capstone/.*' => [qw(disasm/x86)],
	'yaml' => [qw(elfkit/policy elfkit/report_out elfkit/report_read)],
	'jansson' => [qw(elfkit/diff_write elfkit/frame_out elfkit/loaded_write elfkit/outcome elfkit/page_boundary elfkit/page_diff
		elfkit/refs_out elfkit/report_out elfkit/why relink/remarks_write relink/manifest)],
);
for my $pattern (sort keys %library) {
	my %allowed = map { $_ => 1 } @{$library{$pattern}};
	my @users = grep { slurp($_) =~ /^#include <(?:$pattern)\.h>/m } @sources, keys %owner;
	is_deeply([grep { !$allowed{s/\.[ch]$//r} } @users], [], "the library of <$pattern.h> has its owners");
}

my @tracked = split /\n/, `git ls-files 2>/dev/null` || `find elfkit disasm relink loader t -type f`;
my @code = grep { -f && /\.[ch]$/ } @tracked;
is_deeply([grep { slurp($_) =~ tr/\n// > 600 } @code, glob 'elfkit/page/*'], [], 'no file outgrows 600 lines');
is_deeply([grep { slurp($_) !~ /\A(?:\/\/|\/\*) SPDX-License-Identifier: GPL-2.0/ } @code], [],
	'every C file begins with its licence');
is_deeply([grep { -f && !/^LICENSE/ && slurp($_) =~ /KERNEL_VERSION\(|LINUX_VERSION_CODE/ && !/^t\/layers/ } @tracked],
	[], 'no kernel version in the code');
is_deeply([grep { !-x } glob('t/*.t')], [], 'every test is a program');
done_testing;
