#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The build: both compilers without warnings, install, rebuild when flags change.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS SANITIZE)};
for my $cc (qw(gcc clang)) {
	my ($status, $out, $err) = run('make', "CC=$cc", "BUILD=$tmp/$cc", 'CFLAGS=-O2 -Werror', 'all');
	is($status, 0, "$cc builds without a warning") or diag($err);
}
my ($status, $out) = run('make', 'CC=gcc', "BUILD=$tmp/gcc", 'CFLAGS=-O2 -Werror', 'all');
unlike($out, qr/CC |LD /, 'a second make does nothing');
($status, $out) = run('make', 'CC=gcc', "BUILD=$tmp/gcc", 'CFLAGS=-O1 -Werror', 'all');
like($out, qr/CC +elfkit\/err\.c/, 'another flag builds everything anew');
($status, $out) = run('make', 'CC=gcc', "BUILD=$tmp/gcc", 'CFLAGS=-O1 -Werror', '-W', 'elfkit/policy.h', 'all');
ok($out =~ /CC +elfkit\/policy\.c/ && $out !~ /disasm\/x86\.c/, 'a header builds what includes it, and no more')
	or diag($out);

($status, undef, my $err) = run('make', 'CC=gcc', "BUILD=$tmp/gcc", 'CFLAGS=-O1 -Werror', "DESTDIR=$tmp/dest",
	'PREFIX=/usr', 'install');
is($status, 0, 'make install') or diag($err);
is_deeply([sort map { s/^\Q$tmp\E\/dest//r } grep { -f } split /\n/, `find $tmp/dest`],
	[sort '/usr/bin/elfkit', '/usr/share/elfkit/boundary.yaml',
	 '/usr/share/elfkit/include/elfkit.h', '/usr/share/bash-completion/completions/elfkit',
	 '/usr/share/zsh/site-functions/_elfkit', '/usr/share/man/man5/elfkit-boundary.yaml.5', '/usr/share/man/man1/elfkit.1',
	 map({ m{cmd_(\w+)\.c} ? "/usr/share/man/man1/elfkit-$1.1" : () } glob('elfkit/cmd_*.c')), map({ "/usr/share/elfkit/$_" } glob('loader/*.[ch]'))], 'installs program, policy, loader, manual and completion');
$ENV{ELFKIT_DATADIR} = "$tmp/dest/usr/share/elfkit";
($status) = run("$tmp/dest/usr/bin/elfkit", 'boundary', '-o', "$tmp/r.yaml", kernel_dir($kernels[0]) . '/vmlinux');
is($status, 0, 'the installed program works');
done_testing;
