#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit boundary on real kernels: what the report must say, and how.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

use JSON::PP;

# name -> list of field tables, from the report's flat function list
sub functions {
	my ($report) = @_;
	my (%all, $f);
	for (split /\n/, $report =~ s/^objects:.*//msr) {
		if (/^- name: (.*)/) {
			push @{$all{$1}}, $f = { name => $1 };
		} elsif ($f && /^  (\w+): (.*)/) {
			$f->{$1} = $2;
		}
	}
	return \%all;
}

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my ($status, $report, $talk) = run($elfkit, 'boundary', "$dir/vmlinux");
	is($status, 0, "$kernel: boundary exits 0");
	like($talk, qr/^boundary: \d+ interface, \d+ callback, \d+ insider, \d+ outsider, \d+ init; \d+ of \d+ declared functions are modifiable\n$/,
		"$kernel: counts on stderr, and nothing else");

	my $build_id = build_id("$dir/vmlinux");
	like($report, qr/^  build_id: $build_id$/m, "$kernel: build-id is readelf's");
	my $release = slurp("$dir/release");
	chomp $release;
	like($report, qr/^  release: \Q$release\E$/m, "$kernel: release is the package's");
	like($report, qr/^- \{function: __schedule, calls: __switch_to_asm, at: __schedule\+0x/m,
		"$kernel: the stack switch is found");

	my $functions = functions($report);
	my @all = map { @$_ } values %$functions;
	my @names = $report =~ s/^objects:.*//msr =~ /^- name: (.*)/mg;
	is_deeply(\@names, [sort @names], "$kernel: functions are sorted");
	is(scalar(grep { !$_->{because} } @all), 0, "$kernel: every function has a reason");
	unlike($report, qr/ffffffff8|\Q$dir\E|$ENV{HOME}/, "$kernel: no address and no path of this machine");

	my %count;
	$count{$_->{class}}++ for @all;
	for my $class (qw(interface callback insider outsider init gone)) {
		like($report, qr/^  $class: $count{$class}$/m, "$kernel: the count of $class is that of the list");
	}
	cmp_ok($count{interface} + $count{callback} + $count{insider}, '>=', 300,
		"$kernel: at least 300 functions can be replaced");

	my %modifiable = map { $_->{modifiable} eq 'true' ? ("$_->{name} $_->{file} $_->{line}" =~ s/\.[a-z.0-9]+ / /r => 1) : () } @all;
	cmp_ok(scalar(keys %modifiable), '>=', 1000, "$kernel: at least 1,000 source functions are modifiable");
	like($report, qr/^closure: \[\]$/m, "$kernel: nothing outside reaches an insider");
	like($functions->{__sched_setscheduler}[0]{sleeps}, qr/ > schedule > __schedule > __switch_to_asm$/,
		"$kernel: a way on which a task can sleep is shown");
	ok(!$functions->{update_rq_clock}[0]{sleeps}, "$kernel: no task sleeps in update_rq_clock");

	is($functions->{__schedule}[0]{class}, 'interface', "$kernel: __schedule is called from outside");
	is($functions->{__schedule}[0]{entry}, 'bare', "$kernel: __schedule is notrace: a bare entry");
	my ($switched) = grep { /^finish_task_switch/ } sort keys %$functions;
	is($functions->{$switched}[0]{source} // $switched, 'finish_task_switch', "$kernel: a clone is known by its source");
	my @bytes = map { hex } `objdump -d --disassemble=wake_up_process $dir/vmlinux` =~ /<wake_up_process>:\n\S+\s+((?:\w\w )+)/ ?
		split / /, $1 : ();
	is($functions->{wake_up_process}[0]{entry_offset}, "@bytes[0 .. 3]" eq '243 15 30 250' ? 4 : 0,
		"$kernel: the jump goes behind the landing pad, where there is one");
	is($functions->{enqueue_task_fair}[0]{because}, 'its address is in fair_sched_class+0x0',
		"$kernel: enqueue_task_fair is a method of its class");
	is($functions->{sched_init}[0]{class}, 'init', "$kernel: init code is a class of its own");
	like($functions->{try_to_wake_up}[0]{signature}, qr/^int \(struct task_struct \*, unsigned int, int\)$/,
		"$kernel: the signature is the source's");
	is($functions->{schedule}[0]{class}, 'outsider', "$kernel: tasks are parked in schedule()");
	like($functions->{schedule}[0]{because}, qr/parked.*__schedule/, "$kernel: and that is why");
	like($functions->{wake_up_process}[0]{because}, qr/exported/, "$kernel: wake_up_process is exported");
	like($functions->{schedule_tail}[0]{because}, qr/called from outside at ret_from_fork/,
		"$kernel: schedule_tail is called by assembly");

	# every symbol that __ksymtab names and that is inside must be an interface
	my %exported = map { /__ksymtab_(\S+)/ ? ($1 => 1) : () } `nm $dir/vmlinux`;
	my @wrong = grep { $exported{$_->{name}} && $_->{class} =~ /callback|insider/ } @all;
	is(scalar(@wrong), 0, "$kernel: what is exported is an interface") or diag(map { "$_->{name} " } @wrong);

	# what others found out by hand to be entries: jumped to here as well, or for a reason not
	for my $name (qw(set_user_nice __sched_setscheduler schedule_tail sched_fork __schedule resched_cpu
			task_rq_lock get_nohz_timer_target nohz_balance_enter_idle try_to_wake_up
			wake_up_new_task rt_mutex_setprio idle_cpu task_numa_fault proc_sched_show_task
			in_sched_functions task_sched_runtime normalize_rt_tasks sched_move_task
			sched_group_set_shares sched_destroy_group sched_create_group finish_task_switch
			sched_exec sched_post_fork sched_ttwu_pending do_set_cpus_allowed yield yield_to)) {
		my ($f) = map { @{$functions->{$_}} } grep { /^\Q$name\E(\.|$)/ } sort keys %$functions;
		next if !$f || $f->{class} eq 'gone';
		like("$f->{class} $f->{because}",
			qr/^interface |^callback |^insider only called from inside|^outsider .*parked/,
			"$kernel: $name gets a jump, or need not, or must not");
	}

	my ($why_status, $why) = run($elfkit, 'boundary', '--why', 'finish_task_switch', "$dir/vmlinux");
	like($why, qr/^finish_task_switch\S* \(kernel\/sched\/core\.c:\d+\): interface: called from outside at __schedule\+/m,
		"$kernel: --why answers for a function by its source name");
	($why_status, $why, my $why_err) = run($elfkit, 'boundary', '--why', 'no_such_thing', "$dir/vmlinux");
	ok($why_status == 2 && $why_err =~ /has no function.* by the name no_such_thing$/, "$kernel: --why says so where there is none");

	my ($json_status, $text) = run($elfkit, 'boundary', '--json', "$dir/vmlinux");
	my $json = decode_json($text);
	is(join(' ', map { $_->{name} } @{$json->{functions}}), join(' ', @names), "$kernel: --json has the same functions");
	is_deeply([map { $json->{counts}{$_} } sort keys %count], [map { $count{$_} } sort keys %count],
		"$kernel: and the same counts, as numbers");

	my %objects = map { $_->{name} => $_ } @{$json->{objects}};
	my @lines = $report =~ /^objects:\n(.*)/ms ? $1 =~ /^- name: (.*)/mg : ();
	is(scalar(@lines), scalar(@{$json->{objects}}), "$kernel: and the same objects");
	is("@{$objects{runqueues}}{qw(class kind type)}", 'shared percpu struct rq', "$kernel: runqueues is used outside");
	ok((grep { /^task_curr\+0x/ } @{$objects{runqueues}{users}}), "$kernel: by task_curr, which is not inlined");
	like($objects{fair_sched_class}{kind}, qr/constant/, "$kernel: a sched_class is constant");
	is($objects{kernel_cpustat}{because}, 'exported: modules use it', "$kernel: kernel_cpustat is exported");
	is(scalar(grep { $_->{kind} eq 'percpu' && $_->{class} eq 'shared' } @{$json->{objects}}), 3,
		"$kernel: of the per-CPU variables kernel_cpustat, kstat and runqueues are used outside, and no other");
	# each exported object of these files must be shared
	my @unshared = grep { $exported{$_->{name}} && $_->{class} ne 'shared' } @{$json->{objects}};
	is_deeply(\@unshared, [], "$kernel: what is exported is shared");
	my @static = grep { $_->{function} && $_->{name} =~ /^(\w+)\.\d+$/ } @{$json->{objects}};
	cmp_ok(scalar(@static), '>=', 20, "$kernel: statics of functions are known with their function");
	unlike($report, qr/kind: relocation/, "$kernel: relocations, where they were kept, show no other reference");

	for my $name ('runqueues', 'task_struct.pid') {
		($why_status, $why) = run($elfkit, 'boundary', '--why', $name, "$dir/vmlinux");
		ok($why_status == 0 && $why =~ /^(?:struct )?\Q$name\E .*shared/m, "$kernel: --why answers for $name");
	}

	my (undef, $again) = run($elfkit, 'boundary', "$dir/vmlinux");
	ok($report eq $again, "$kernel: two runs give the same bytes");
	($status) = run($elfkit, 'boundary', '-o', "$tmp/report.yaml", "$dir/vmlinux");
	ok($status == 0 && slurp("$tmp/report.yaml") eq $report, "$kernel: -o writes the same");

	my $policy = slurp('boundary.yaml');
	$policy =~ s/^keep_out: \[\]/keep_out:\n  - function: try_to_wake_up\n    why: as a test/m or die;
	my (undef, $other) = run($elfkit, 'boundary', '-c', spew("$tmp/b.yaml", $policy), "$dir/vmlinux");
	my $kept = functions($other)->{try_to_wake_up}[0];
	$policy =~ s/function: try_to_wake_up/function: try_to_wake_upp/;
	(undef, $other) = run($elfkit, 'boundary', '-c', spew("$tmp/b.yaml", $policy), "$dir/vmlinux");
	like($other, qr/kind: unknown-name\n +what: '?try_to_wake_upp \(b\.yaml:\d+\): no such function .*near: .*try_to_wake_up/,
		"$kernel: a name that the kernel does not have is a finding, with near misses");
	is("$kept->{class}|$kept->{because}", "outsider|'kept out: as a test'", "$kernel: -c keeps a function out");
}
done_testing;
