#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The build: both compilers without warnings, install, rebuild when flags change.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

delete $ENV{SANITIZE};
# What gcc has to say depends on what it optimizes, what clang says does not
my ($status, $out, $err);
for (['gcc', '-O2'], ['clang', '-O0']) {
	my ($cc, $how) = @$_;
	($status, $out, $err) = run('make', "CC=$cc", "BUILD=$tmp/$cc", "CFLAGS=$how -Werror", 'PREFIX=/usr', 'all');
	is($status, 0, "$cc builds without a warning") or diag($err);
}
my @make = ('make', 'CC=gcc', "BUILD=$tmp/gcc", 'PREFIX=/usr', 'CFLAGS=-O2 -Werror');
($status, $out) = run(@make, 'all');
unlike($out, qr/CC |LD /, 'a second make does nothing');
($status, $out) = run(@make, '-W', 'elfkit/policy.h', 'all');
ok($out =~ /CC +elfkit\/policy\.c/ && $out !~ /disasm\/x86\.c/, 'a header builds what includes it, and no more')
	or diag($out);

($status, undef, $err) = run(@make, "DESTDIR=$tmp/dest", 'install');
is($status, 0, 'make install') or diag($err);
is_deeply([sort map { s/^\Q$tmp\E\/dest//r } grep { -f } split /\n/, `find $tmp/dest`],
	[sort '/usr/bin/elfkit', '/usr/share/elfkit/boundary.yaml',
	 '/usr/share/elfkit/include/elfkit.h', '/usr/share/bash-completion/completions/elfkit',
	 '/usr/share/zsh/site-functions/_elfkit', '/usr/share/man/man5/elfkit-boundary.yaml.5', '/usr/share/man/man1/elfkit.1',
	 map({ m{cmd_(\w+)\.c} ? "/usr/share/man/man1/elfkit-$1.1" : () } glob('elfkit/cmd_*.c')), map({ "/usr/share/elfkit/$_" } glob('loader/*.[ch]'))], 'installs program, policy, loader, manual and completion');
$ENV{ELFKIT_DATADIR} = "$tmp/dest/usr/share/elfkit";
($status) = run("$tmp/dest/usr/bin/elfkit", 'boundary', '-o', "$tmp/r.yaml", kernel_dir($kernels[0]) . '/vmlinux');
is($status, 0, 'the installed program works');

($status, $out) = run(@make[0 .. 3], 'CFLAGS=-O1 -Werror', "$tmp/gcc/obj/elfkit/err.o");
like($out, qr/CC +elfkit\/err\.c/, 'another flag builds anew');
done_testing;
