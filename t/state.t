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

	# under so much load the clock may be found to be unstable, and then the kernel patches code of the
	# scheduler: it shall do so at once
	($out) = guest($kernel, 'tasks of all classes', 1800, 't/vm/state.sh', $sched, "$programs/tasks",
		'-a', 'tsc=unstable');
	like($out, qr/^elfkit: sched: refused: the runqueue of CPU \d+ does not add up/m, "$kernel: a wrong runqueue is told");
	like($out, qr/^nothing is lost$/m, "$kernel: state survives");

	($out) = guest($kernel, 'a deadline server at work', 600, 't/vm/server.sh', $sched);
	like($out, qr/^served$/m, "$kernel: its server is no task of a runqueue");

	# where time counts instructions, so that none of them runs for long because the host was busy: what a task has
	# had too much or too little is kept up to a limit
	($out) = guest($kernel, 'a hundred fair tasks', 1800, 't/vm/worth.sh', $sched, $hello, "$programs/worth",
		'-i', '-c', 2, '-a', 'isolcpus=1 maxcpus=1');
	is_deeply([$out =~ /^(\w+): same$/mg], [qw(nothing load replace unload)], "$kernel: they are worth what they were");
	note($out);
}
done_testing;
