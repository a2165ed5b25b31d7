#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Every command that README and docs/ show: it is run here and says what is shown, or the test that runs it is named, or
# it cannot be run, and why. The tutorial and docs/ci/new-kernel are run as they are.
use strict;
use warnings;
use lib 't/lib';
use Cwd;
use Elfkit;
use Examples;
use Test::More;

my %has = map { $_ => 1 } @kernels;
my $top = getcwd;
my $cache = $ENV{ELFKIT_CACHE} || "$ENV{HOME}/.cache/elfkit";
my $build = Cwd::abs_path($ENV{BUILD} || 'build');

# Where commands are run: the tree as it looks to a reader, and what they write goes into it.
my $work = "$tmp/work";
mkdir $_ for $work, "$work/bin", "$work/made";
symlink "$top/$_", "$work/$_" for qw(t docs loader boundary.yaml Makefile);
symlink $build, "$work/build";
symlink "$build/elfkit", "$work/bin/elfkit";
$ENV{PATH} = "$work/bin:$ENV{PATH}";
$ENV{ELFKIT_DATADIR} = $top;
spew("$work/bad1.yaml", "files:\n  - kernel/sched/core.c\nkeep_in:\n  - function: f\n");
spew("$work/bad2.yaml", "files:\n  - kernel/sched/core.c\nkeepout: []\n");

# DOC, start of the command => how it is known to work:
#	run			here; output as shown
#	quiet			here, exit status 0; nothing is shown, or another example shows it
#	slow			as run, but only with EXAMPLES=slow: it boots a guest of its own
#	'FILE: TEXT'		FILE, a test or what one runs, has TEXT
#	'never: REASON'
my @known = map { /^(\S+)\s+(.*?)\s+=> (.*)$/ ? [$1, $2, $3] : () } split /\n/, slurp('t/examples');
my @shown = map { examples($_) } 'README.md', sort glob 'docs/*.md';
cmp_ok(@shown, '>', 90, 'commands are found in the documents');
my (%used, @untold, @missing);
for my $e (@shown) {
	($e->{known}) = grep { $e->{doc} eq $$_[0] && $e->{command} =~ /^\Q$$_[1]\E/ } @known;
	$e->{how} = $e->{known} ? $e->{known}[2] : undef;
	$used{$e->{known}} = 1 if $e->{known};
	push @untold, "$e->{doc}: $e->{command}" if !$e->{how};
	next if !$e->{how} || $e->{how} !~ /^([\w.\/]+): (.*)/ || $1 eq 'never';
	push @missing, "$e->{doc}: $e->{command}: not in $1" if index(slurp($1), $2) < 0;
}
is_deeply(\@untold, [], 'each of them is accounted for in t/examples') or diag(join "\n", @untold);
is_deeply(\@missing, [], 'those that another test runs are there');
is_deeply([map { "$$_[0] $$_[1]" } grep { !$used{$_} } @known], [], 'and t/examples has none that is not shown');

# A command with this machine's paths
sub here {
	my ($command) = @_;
	$command =~ s{~/\.cache/elfkit}{$cache}g;
	$command =~ s{/usr/lib/debug/boot/vmlinux-\$\(uname -r\)}{$cache/6.1/vmlinux}g;
	$command =~ s{/tmp/}{$work/made/}g;
	return $command;
}

sub check {
	my ($e) = @_;
	my ($kernel) = $e->{command} =~ /\b(6\.\d+)\b/;
	SKIP: {
		skip "$kernel is not among the kernels of this run", 1 if $kernel && !$has{$kernel};
		my ($status, $out, $err) = run('bash', '-c', "cd $work; { " . here($e->{command}) . "; } 2>&1");
		if ($e->{how} ne 'quiet') {
			ok(says($out, $e->{output}), "$e->{doc}: $e->{command}") or diag("printed:\n${out}shown:\n$e->{output}");
		} else {
			is($status, 0, "$e->{doc}: $e->{command}") or diag($out);
		}
	}
}
my $wanted = ($ENV{EXAMPLES} || '') eq 'slow' ? qr/^(?:run|quiet|slow)$/ : qr/^(?:run|quiet)$/;
check($_) for grep { ($_->{how} // '') =~ $wanted } @shown;

# The tutorial: its patch is the file beside it, its script what runs in the guest.
my $tutorial = slurp('docs/tutorial.md');
my ($patch) = $tutorial =~ /^As a patch.*\n\n((?:    .*\n|\n)*)/m;
is($patch =~ s/^ {4}//mgr =~ s/\n+\z/\n/r, slurp('docs/tutorial/longer.patch'), 'the tutorial shows its patch');
my ($script) = $tutorial =~ /what runs in the guest\.(?:.+\n)*\n((?:    .*\n)+)/;
is($script =~ s/^ {4}//mgr, slurp('docs/tutorial/try.sh') =~ s/^(?:#.*|set -e)\n//mgr, 'and its script');

# The snippets for CI of docs/report.md, with a report that is the kernel's own, and with one entry more in the old one.
SKIP: {
	skip '6.1 is not among the kernels of this run', 3 if !$has{'6.1'};
	my ($section) = slurp('docs/report.md') =~ /^## In CI\n(.*?)^## /ms;
	my ($job, $breaks, $mine) = map { s/^ {4}//mgr } $section =~ /((?:^ {4}.*\n)+)/mg;
	$ENV{VMLINUX} = "$cache/6.1/vmlinux";
	my $text = slurp("$work/6.1.yaml");
	for (['the same kernel', $text, 0, 0], ['something is gone', $text =~ s/^(?=- name: __schedule\n)/- name: __aa\n  class: interface\n/mr, 1, 1]) {
		my ($what, $known, $any, $bad) = @$_;
		spew("$work/boundary-known.yaml", $known);
		is_deeply([map { (run('bash', '-c', "cd $work; $_"))[0] } $job, $breaks, $mine], [$any, $bad, 0], "the snippets for CI: $what");
	}
	my ($status, $out) = run('bash', '-c', "cd $work; $job");
	like($out, qr/^  __aa: was interface/m, 'the snippets for CI: and it is shown');
}

# A job in CI, which relinks the tutorial's edit and runs it: its known report is the kernel's own, with one entry more.
SKIP: {
	skip '6.1 is not among the kernels of this run', 6 if !$has{'6.1'};
	my ($relink) = grep { $_->{command} =~ /-o longer\.ko/ } @shown;
	my ($vm) = grep { $_->{command} =~ m{t/lab/vm.*try\.sh} } @shown;
	my ($job) = grep { $_->{command} =~ m{^docs/ci/new-kernel} } @shown;
	my $known = slurp("$work/known.yaml");
	spew("$work/known.yaml", $known =~ s/^functions:\n/functions:\n- name: elfkit_was_here\n  class: interface\n  file: kernel\/sched\/core.c\n/mr);
	my ($status, $out, $err) = run('bash', '-c', "cd $work; " . here($job->{command}));
	is($status, 1, 'the job in CI: an interface that is gone is a finding') or diag($out, $err);
	like(slurp("$work/out/diff.txt"), qr/Entry from outside that is gone.*\n  elfkit_was_here /, 'which it names');
	ok(says($err =~ s/^(?!changed:|relink:).*\n//mgr =~ s{\S*/longer}{longer}r, $relink->{output}), 'the job relinks, as the tutorial shows') or diag($err);
	like($out, qr/^longer: loaded, .*\nlonger: enabled, on probation.*(?:\n  .*)+\nlonger: removed\nelfkit: longer: kernel text/m, 'and the module goes in and out in the guest') or diag($out);
	is_deeply([grep { !-s "$work/out/$_" } qw(report.yaml diff.txt diff.json relink.json longer.ko dmesg)], [], 'everything is there for the artefact');
	is_deeply([grep { slurp("docs/ci/github.yml") !~ /\Q$_\E/ } 'docs/ci/new-kernel 6.1 my.patch known.yaml out', 'path: out', 't/lab/setup'], [], 'the workflow runs the same script');
	rename "$work/out/longer.ko", "$work/longer.ko";
	($status, $out, $err) = run('bash', '-c', "cd $work; " . here($vm->{command}));
	ok(says($out, $vm->{output}), 'the guest of the tutorial says what is shown') or diag($out, $err);
}
for (['docs/ci/new-kernel'], ['-s', 'sh', 'docs/ci/guest.sh', 'docs/tutorial/try.sh']) {
	my ($status, $out) = run('shellcheck', @$_);
	is($status, 0, "shellcheck has nothing to say of $$_[-1]") or diag($out);
}
done_testing;
