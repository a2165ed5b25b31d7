#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Sample edits in a live kernel: each shows from inside the guest, and is gone after going back.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $programs = ($ENV{BUILD} || 'build') . '/t/vm';

# What the guest's answers are with each module. They are the same before and after.
my %before = (
	'round robin' => 'the next interval is the same', 'policy 4' => 'Invalid argument',
	'short deadline' => 'yes', 'cpuacct takes a 1' => 'no', autogroup => 'nice 0', slice => '1 times',
	sessions => 'counted on', 'quota of 4 ms' => 'enough',
	'least run time' => 'none', 'own counter' => 'no',
	topology => 'attaching sched-domain(s)', 'fair interval' => 'short', 'round robin slice' => '100 ms',
	'round robin setting' => '100', 'real-time period' => 1000000, 'kernel thread' => 'nice 0',
);
my %modules = (
	files => {
		edit => 'slice+static+deadline+topology+autogroup+cpuacct+throttle',
		'round robin' => 'the next interval is longer', 'short deadline' => 'Invalid argument',
		'cpuacct takes a 1' => 'yes', autogroup => 'nice 0 new', slice => '2 times',
		topology => 'attaching new sched-domain(s)', 'quota of 4 ms' => 'not enough',
	},
	# a file through hooks, a counter through a pool
	hooks => {
		edit => 'hook+pool', 'short deadline' => 'Invalid argument', 'least run time' => '16384', 'own counter' => 'yes',
		policy => sub { s{^released: \[\]}{released:\n  - {function: "sched_hooks_*", why: its file is removed}}mr },
	},
	header => { edit => 'inline+hole+local', 'policy 4' => 'yes' },
	# cpuacct.c is left to the kernel, but for the one function
	sidecar => {
		edit => 'cpuacct', 'cpuacct takes a 1' => 'yes',
		policy => sub { s{^  - kernel/sched/cpuacct\.c\n}{}mr =~
			s{^sidecar: \[\]}{sidecar:\n  - {function: cpuusage_write, file: kernel/sched/cpuacct.c}}mr },
	},
	# a class's method and a setting over the kernel's, a variable that the module has for itself, another file's function
	data => {
		edit => 'method+timeslice+table+kthread', more => ['../kthread'],
		'fair interval' => 'longer than a second', 'round robin slice' => '200 ms', 'round robin setting' => '200',
		'real-time period' => 2000000, 'kernel thread' => 'nice 7',
		policy => sub { s{^data: \[\]}{data: [@{[join ', ', map { "{object: $_}" } 'fair_sched_class, policy: update',
			'sysctl_sched_rr_timeslice, policy: update', 'sched_rt_sysctls, policy: update', 'sched_rr_timeslice, policy: private']}]}mr =~
			s{^sidecar: \[\]}{sidecar:\n  - {function: kthread_create_on_node, file: kernel/kthread.c}}mr },
	},
);

# A copy of a module in whose expected contents a word without an address is another one: the last, in the class, since
# global symbols come last.
sub damage {
	my ($from, $to) = @_;
	my $module = slurp($from);
	my ($offset, $size) = `readelf -SW $from` =~ /\] \.elfkit\.old\s+PROGBITS\s+\w+ (\w+) (\w+)/ or die "no contents";
	my ($relocs) = `readelf -rW $from` =~ /'\.rela\.elfkit\.old'.*?\n(.*?)(?:\n\n|\z)/s;
	my %address = map { hex((split)[0]) => 1 } grep { /^[0-9a-f]{8}/ } split /\n/, $relocs;
	my ($at) = grep { !$address{$_} && substr($module, hex($offset) + $_, 8) eq "\0" x 8 } map { 8 * $_ }
		reverse 0 .. hex($size) / 8 - 1;
	substr($module, hex($offset) + $at, 1) = "\1";
	return spew($to, $module);
}

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my @files;
	for my $name (sort keys %modules) {
		my $module = $modules{$name};
		my $policy = slurp('boundary.yaml');
		$policy = $module->{policy}->() for grep { $module->{policy} } $policy;
		my ($status, undef, $err) = run($elfkit, 'relink', '-c', spew("$tmp/policy.yaml", $policy), '--vmlinux',
			"$dir/vmlinux", '--kernel-dir', "$dir/headers", '-o', "$tmp/$name.ko", objects($kernel, $module->{edit}, @{$module->{more} || []}));
		is($status, 0, "$kernel: $name relinks") or diag($err);
		push @files, '-f', "$tmp/$name.ko";
	}
	push @files, '-f', damage("$tmp/data.ko", "$tmp/data.damaged");
	my ($made, undef, $told) = relink($kernel, 'hook+pool', 'pinned.ko');
	is($made, 0, "$kernel: pinned relinks") or diag($told);
	rename "$tmp/pinned.ko", "$tmp/pinned.stays" or die;
	push @files, '-f', "$tmp/pinned.stays";
	my ($status, $out, $err) = run('t/lab/vm', '-k', $kernel, '-t', 1800, '-d', "$tmp/dmesg", @steady, @files, '-f',
		"$programs/asks", '-f', "$programs/sleepers", '-f', "$programs/textdump", 't/vm/edits.sh');
	is($status, 0, "$kernel: loaded and unloaded, one after the other") or diag($out, $err);
	is_deeply([grep { /WARNING:|BUG:|Oops|Call Trace|general protection|stall|lockup/ } split /\n/, slurp("$tmp/dmesg")], [],
		"$kernel: the kernel has nothing to complain about");
	my %said;
	$said{$1}{$2} = $3 while $out =~ /^([\w ]+): ([\w -]+): (.*)$/mg;
	is_deeply($said{before}, \%before, "$kernel: before");
	for my $name (sort keys %modules) {
		my %want = (%before, %{$modules{$name}});
		delete @want{qw(edit policy more)};
		is_deeply($said{"with $name"}, \%want, "$kernel: with $name");
		is_deeply($said{"then $name"}, \%want, "$kernel: with $name where another was")
			unless $name =~ /^(?:hooks|data)$/;
	}
	my %hooks = %{$said{hooks} || {}};
	like($hooks{'where another is'}, qr/^refused: files cannot be replaced: hooks has hooks, pools or updated objects/,
		"$kernel: hooks are not for replacing another module");
	is($hooks{'another where it is'}, "refused: hooks cannot be replaced: hooks has hooks, pools or updated objects, which begin and end with the kernel's own; disable hooks first (1)",
		"$kernel: nor for being replaced");
	my ($held) = $out =~ /^pinned: refused to go back: the kernel may hold the address of (\w+), which/m;
	is_deeply([$out =~ /^(pinned: .*)$/mg], ["pinned: refused: pinned cannot be replaced: the kernel may hold the address of @{[$held // '']}, which is only in that module",
		"pinned: refused to go back: the kernel may hold the address of @{[$held // '']}, which is only in this module",
		'pinned: in use, 1', 'pinned: short deadline: Invalid argument'], "$kernel: a module whose function the kernel may call stays, and works");
	is_deeply([@hooks{'prepare refuses', 'no memory for a pool', 'runqueue wrong'}],
		['Operation not permitted', 'Cannot allocate memory', 'Structure needs cleaning'],
		"$kernel: prepare can refuse, and what it says is what insmod says");
	# each pair as often in as out; with the code that goes, then with the code that comes
	is($hooks{'runqueue wrong ran'}, 'prepare out_of_old:yes into_new:no out_of_new:no into_old:yes gone',
		"$kernel: an undone switch undoes its hooks");
	is($hooks{'ran'}, 'prepare out_of_old:yes into_new:no loaded leave out_of_new:yes into_old:yes gone',
		"$kernel: hooks in their order, with the code that they should have");
	is($hooks{'prepare refuses gone'}, 'dl_min_runtime', "$kernel: what had prepared is undone when another cannot");
	is_deeply([@hooks{'leave refuses', 'least run time', 'short deadline'}], ['still 1', 1024, 'yes'],
		"$kernel: leave can refuse, and a file of a hook can be written to");
	is_deeply([@hooks{'counter', 'full pool'}], ['grows', '2 of 2'],
		"$kernel: a task's counter counts, and a full pool gives nothing more");
	cmp_ok($hooks{'tasks in it'}, '<=', 2, "$kernel: as many have one as there are");
	cmp_ok($hooks{'without one'}, '>', 0, "$kernel: but says how often");
	is_deeply([@hooks{qw(runqueues group)}], ['2 of 2', 'counts its own'],
		"$kernel: a place for each runqueue, and for each group");
	is($hooks{order}, 'enqueued enqueued_rq enqueued_group first_two', "$kernel: pools in the order of the source");
	cmp_ok($hooks{'more tasks'}, '>', $hooks{capacity}, "$kernel: more tasks than there was memory for");
	is($hooks{'missed'}, 0, "$kernel: all have got theirs, since it was refilled");
	cmp_ok($hooks{'groups more'}, '<', 10, "$kernel: groups gave theirs back when they went, too");
	cmp_ok($hooks{'in the end'}, '<', $hooks{'at first'} + 40, "$kernel: and gave it back when they died");
	is_deeply($said{after}, \%before, "$kernel: after going back");
	like($out, qr/^setting: after going back 152\nsetting: refused: sysctl_sched_rr_timeslice is not as vmlinux has it at \+0x0: 98 00 00 00 instead of 64 00 00 00$/m,
		"$kernel: a setting that is set meanwhile stays, and is not overwritten");
	like($out, qr/^class: refused: fair_sched_class is not as vmlinux has it at \+$/m, "$kernel: a class that is not vmlinux's is not overwritten");
	like($out, qr/^fault: refused, setting 100$/m, "$kernel: a stop that is undone puts contents back");
	like($out, qr/^text identical$/m, "$kernel: the kernel's text and constants are as before");
	is_deeply([$out =~ /^(data: .*)$/mg], [map { "data: $_" } 'fair_sched_class 1', 'sched_rt_sysctls 4',
		'sysctl_sched_rr_timeslice 1'], "$kernel: and nothing but an edit's words and three names was written");
}
done_testing;
