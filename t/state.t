#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What tasks, groups and bandwidth are worth before and after a switch, in a live kernel.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $programs = ($ENV{BUILD} || 'build') . '/t/vm';

for my $kernel (@kernels) {
	my $sched = module($kernel, 'none', 'sched.ko');
	my $hello = module($kernel, 'hello', 'hello.ko');
	my $out;

	($out) = guest($kernel, 'tasks of all classes', 1800, 't/vm/state.sh', $sched, module($kernel, 'leak', 'leak.ko'), "$programs/tasks", @steady);
	like($out, qr/^elfkit: sched: refused: the runqueue of CPU \d+ does not add up/m, "$kernel: a wrong runqueue is told");
	like($out, qr/^nothing is lost$/m, "$kernel: state survives");
	like($out, qr/^leak: elfkit: leak: the runqueue of CPU N could not be restored: running tasks; reboot$/m,
		"$kernel: one that stays wrong is told");

	# a sample of what t/soak has, some for each kernel; it ends in a restart, of which no status is left
	my @workloads = $kernel eq $kernels[0] ? qw(storm asleep) : qw(memory tracers);
	spew("$tmp/plan", "workloads='@workloads'\n");
	(my $status, $out, my $err) = run(qw(t/lab/vm -t 1800 -m 1G -a log_buf_len=16M -k), $kernel, '-d', "$tmp/dmesg",
		(map { ('-f', $_) } $sched, $hello, kbuild($kernel, 'wake'), "$tmp/plan", 't/vm/workloads.sh', 't/vm/moves.sh'),
		't/vm/under.sh');
	is_deeply([$out =~ /^(\w+): loaded, replaced, unloaded$/mg], \@workloads, "$kernel: each workload goes on")
		or diag($out, $err);
	is(scalar(grep { $_ >= 350 } $out =~ /^latency, \w+: (\d+) wake-ups/mg), 3, "$kernel: wake-ups are not lost by the dozen");
	diag("$kernel: $_") for $out =~ /^(latency, .*)$/mg;
	like($out, qr/^restarts$/m, "$kernel: a machine restarts");
	like(slurp("$tmp/dmesg"), qr/elfkit: sched: loaded(?:(?!went back).)*reboot: Restarting system\s+\[[ .\d]+\] reboot: machine restart$/sm,
		"$kernel: with the module in");
	is($status, 125, "$kernel: at once");

	($out) = guest($kernel, 'a deadline server at work', 600, 't/vm/server.sh', $sched, $hello, kbuild($kernel, 'busy'));
	like($out, qr/^served$/m, "$kernel: its server is no task of a runqueue");
	like($out, qr/^went back meanwhile$/m, "$kernel: probation waits for no task");

	# where time counts instructions, so that none of them runs for long because the host was busy: what a task has
	# had too much or too little is kept up to a limit
	($out) = guest($kernel, 'a hundred fair tasks', 1800, 't/vm/worth.sh', $sched, $hello, "$programs/worth",
		'-i', '-c', 2, '-a', 'isolcpus=1 maxcpus=1');
	is_deeply([$out =~ /^(\w+): same$/mg], [qw(nothing load replace unload)], "$kernel: they are worth what they were");
	note($out);
}
done_testing;
