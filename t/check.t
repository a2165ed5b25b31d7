#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit relink --check: what an edit changes and whether it may; the sample edits say what is expected of them.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use JSON::PP;
use Test::More;

# Edits that do not meet share a tree. In those with a struct or a constant that moved, code changes all over.
my @allowed = ('slice+static+deadline+topology+autogroup+cpuacct+throttle', 'inline+hole+local', 'hook+pool');
my $many = 'copies+resized+newmethod+fops+initvalue+weights+retype+statictype+callback+removed+callgone+newinit+enumend+macro+fatal+' .
	'returns+taskhole+boot';
my @refused = ($many, 'class+key+sealed', 'method+timeslice+table+kthread');
my $moved = 'rq+enum+signature+outside+init+housekeeping+taskgrow';

sub check {
	my ($kernel, $objects, @options) = @_;
	my $dir = kernel_dir($kernel);
	my ($status, $out, $err) = run($elfkit, 'relink', '--check', '--json', '--vmlinux', "$dir/vmlinux",
		'--kernel-dir', "$dir/headers", @options, @$objects);
	return ($status, eval { decode_json($out) } || { findings => [], error => $@ }, $out, $err);
}

# What the patches of an edit say: "changed: NAME", "refused: KIND NAME", "warning: ...", "note: ..."; some for kernels with
# IBT alone. The number that gcc gives a function's static says nothing.
sub expected {
	my ($edit, $kernel) = @_;
	my $ibt = kernel_dir($kernel);
	$ibt = `readelf -SW $ibt/vmlinux` =~ /\.ibt_endbr_seal/;
	my %want = map { $_ => [] } qw(changed refused warning note);
	for my $patch (split /\+/, $edit) {
		my $text = slurp("t/lab/edits/$patch.patch");
		push @{$want{$1}}, $2 =~ s/ struct / /r while $text =~ /^(changed|refused|warning|note)@{[$ibt ? '(?: \(IBT\))?' : '']}: (.*)$/mg;
	}
	return { map { $_ => [sort @{$want{$_}}] } keys %want };
}

sub found {
	my ($check, $verdict) = @_;
	return [sort map { "$_->{kind} $_->{name}" =~ s/ struct / /r =~ s/\.\d+$//r } grep { $_->{verdict} eq $verdict } @{$check->{findings}}];
}

sub missing {
	my ($want, $have) = @_;
	my %have = map { $_ => 1 } @$have;
	return [grep { !$have{$_} } @$want];
}

sub finding {
	my ($check, $kind, $name) = @_;
	return (grep { $_->{kind} eq $kind && $_->{name} =~ /^(?:struct )?\Q$name\E$/ } @{$check->{findings}})[0] || {};
}

for my $kernel (@kernels) {
	my ($status, $check, $out) = check($kernel, [objects($kernel, 'none')]);
	is($status, 0, "$kernel: an unmodified rebuild may be loaded");
	for my $what (qw(functions objects)) {
		my $counts = $check->{counts}{$what} || {};
		cmp_ok($counts->{same} || 0, '>', 300, "$kernel: $what are the same");
		is_deeply([@$counts{qw(changed new gone)}], [0, 0, 0], "$kernel: and none is anything else");
		is($counts->{same}, scalar @{$check->{$what} || []}, "$kernel: all $what are listed");
	}
	is_deeply($check->{findings}, [], "$kernel: nothing speaks against it");
	is((check($kernel, [objects($kernel, 'none')]))[2], $out, "$kernel: two runs say the same");

	for my $edit (@allowed) {
		my $want = expected($edit, $kernel);
		($status, $check) = check($kernel, [objects($kernel, $edit)]);
		is($status, 0, "$kernel: $edit may be loaded") or diag(explain($check->{findings}));
		my @changed = map { $_->{name} } grep { $_->{change} eq 'changed' } @{$check->{functions}};
		is_deeply(missing($want->{changed}, \@changed), [], "$kernel: and changes what it should");
		is_deeply(missing($want->{note}, found($check, 'note')), [], "$kernel: with its notes");
		is_deeply(found($check, 'warning'), $want->{warning}, "$kernel: and its warnings");
	}
	for my $edit (@refused) {
		($status, $check) = check($kernel, [objects($kernel, $edit)]);
		is($status, 1, "$kernel: $edit is refused");
		my $want = expected($edit =~ s/\+kthread$//r, $kernel);	# that file is not given here
		is_deeply(found($check, 'refused'), $want->{refused}, "$kernel: for the reasons that it has");
		is_deeply(missing($want->{$_}, found($check, $_)), [], "$kernel: with each $_") for qw(warning note);
		my @changed = map { $_->{name} } grep { $_->{change} eq 'changed' } @{$check->{functions}}, @{$check->{objects}};
		is_deeply(missing($want->{changed}, \@changed), [], "$kernel: and with what may change");
	}
	my $copies = finding($check = (check($kernel, [objects($kernel, $many)]))[1], 'inline', 'task_nice');
	ok((grep { m{^\w+ \(fs/proc/array\.c:\d+\)$} } @{$copies->{users} || []}), "$kernel: with who has a copy, and where")
		or diag(explain($copies));

	like("@{finding($check, 'signature', 'cpuusage_write')->{users}}", qr{files\+0x\w+ \(kernel/sched/cpuacct\.c:\d+\)},
		"$kernel: who holds a callback, and where");
	like("@{finding($check, 'object', 'sched_feat_fops')->{users}}", qr{sched_init_debug \(kernel/sched/debug\.c:\d+\)},
		"$kernel: who has handed out a table");
	like("@{finding($check, 'gone', 'proc_sched_set_task')->{users}}", qr{sched_write \(fs/proc/base\.c:\d+\)},
		"$kernel: who calls what is gone");
	like(finding($check, 'object', 'sysctl_sched_cfs_bandwidth_slice')->{what}, qr/`int` instead of `unsigned int`/,
		"$kernel: a type is spelled");
	ok(!(grep { !$_->{file} || !$_->{line} } grep { $_->{verdict} eq 'refused' } @{$check->{findings}}),
		"$kernel: each refusal has its place");

	# all in one run, and nothing that follows from the structs beside it
	my $want = expected($moved, $kernel);
	($status, $check) = check($kernel, [objects($kernel, $moved)]);
	is($status, 1, "$kernel: $moved is refused");
	is_deeply(found($check, 'refused'), $want->{refused}, "$kernel: for all of its reasons at once, and no other");
	is_deeply(missing($want->{note}, found($check, 'note')), [], "$kernel: with its notes");
	my $rq = finding($check, 'layout', 'rq');
	like($rq->{what}, qr/^__lock moves from 0 to 8, nr_running .*\(runqueues\)/, "$kernel: members are named, and an instance");
	like("@{$rq->{users} || []}", qr{calc_load_fold_active \(kernel/sched/loadavg\.c:\d+\) uses nr_running},
		"$kernel: and who outside uses one");
	my @having = @{finding($check, 'constant', 'HK_TYPE_MAX')->{users} || []};
	ok(@having > 1 && !(grep { !m{^[\w/-]+\.c$} || m{^kernel/sched/(?:core|fair)} } @having),
		"$kernel: files outside that have an enum") or diag(explain(finding($check, 'constant', 'HK_TYPE_MAX')));
	is_deeply(finding($check, 'constant', 'NUMA_BACKPLANE')->{users}, [], "$kernel: none has one of the scheduler's own");
	my $task = finding($check, 'layout', 'task_struct');
	ok(@{$task->{users} || []} == 8 && $task->{more_users}, "$kernel: of those who use a struct of the whole kernel, some");
	my $signature = finding($check, 'signature', 'proc_sched_autogroup_show_task');
	like($signature->{what}, qr/`void \(struct task_struct \*, struct seq_file \*, int\)` instead of/,
		"$kernel: a signature is spelled");
	like("@{$signature->{users} || []}", qr{sched_autogroup_show \(fs/proc/base\.c:\d+\)}, "$kernel: with its caller");
	ok(!(grep { !$_->{way_out} } grep { $_->{verdict} eq 'refused' } @{$check->{findings}}),
		"$kernel: every refusal has a way out");
	ok(grep({ $_ eq 'init init_sched_rt_class' } @{found((check($kernel, [objects($kernel, $moved)], '--strict'))[1],
		'refused')}), "$kernel: --strict refuses a changed init function");

	like(finding($check, 'init', 'init_sched_rt_class')->{way_out}, qr/hook/, "$kernel: what init code did, a hook can do");

	# nothing is made of a refused change
	mkdir "$tmp/out";
	my $dir = kernel_dir($kernel);
	my $err;
	($status, $out, $err) = run($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/out/class.ko", objects($kernel, 'class+key+sealed'));
	is($status, 1, "$kernel: building it ends with exit status 1");
	like($err, qr{^refused: object: fair_sched_class \(kernel/sched/fair\.c:\d+\): .*\n(?:    outside: .*\n)+    way out: .*\n(?s:.*)\nthe change cannot be loaded \(\d reasons\)$}m,
		"$kernel: and says why");
	is_deeply([glob "$tmp/out/*"], [], "$kernel: nothing is written");

	# an object that is like another compiler's
	my @objects = objects($kernel, 'none');
	my $fair = slurp($objects[1]);
	$fair =~ s/GNU C11 (\d+\.\d+)\.(\d) /GNU C11 $1.${\($2 ^ 1)} / or die 'no producer';
	($status, $check) = check($kernel, [$objects[0], spew("$tmp/fair.o", $fair), @objects[2, 3]]);
	is($status, 0, "$kernel: another compiler is no refusal");
	is_deeply(found($check, 'warning'), ['compiler kernel/sched/fair.c'], "$kernel: but a warning");
	my @sealed = objects($kernel, 'class+key+sealed');
	($status, $check) = check($kernel, [$sealed[0], "$tmp/fair.o", @sealed[2, 3]]);
	is($status, 1, "$kernel: a refused change of another compiler's");
	is_deeply([map { $check->{findings}[$_]{verdict} } 0, 1], [qw(warning refused)], "$kernel: has the warning on top");

	# policies of boundary.yaml
	my $policy = slurp('boundary.yaml');
	my $released = $policy =~ s/^released: \[\]/released:\n  - {function: "sched_hooks_*", why: it goes before}/mr;
	($status, $check) = check($kernel, [objects($kernel, 'hook+pool')], '-c', spew("$tmp/policy.yaml", $released));
	is_deeply([map { found($check, $_) } qw(warning note)],
		[[], ['released sched_hooks_open', 'released sched_hooks_show']], "$kernel: new functions that are taken back");
	like(finding($check, 'released', 'sched_hooks_open')->{what}, qr/: it goes before$/, "$kernel: with the reason");
	for my $data (qw(share private update)) {
		my $text = $policy =~ s/^data: \[\]/data:\n  - {object: fair_sched_class, policy: $data}/mr;
		($status, $check) = check($kernel, [objects($kernel, 'class+key+sealed')], '-c', spew("$tmp/policy.yaml", $text));
		ok(!(grep { /^object / } @{found($check, 'refused')}), "$kernel: $data as the policy for a changed object");
		is_deeply(found($check, 'note'), ['policy fair_sched_class'], "$kernel: is noted");
	}
	my $update = $policy =~ s/^data: \[\]/data:\n  - {object: default_topology, policy: update}/mr;
	($status, $check) = check($kernel, [objects($kernel, 'copies+resized')], '-c', spew("$tmp/policy.yaml", $update));
	like(finding($check, 'object', 'default_topology')->{what}, qr/^it has \d+ instead of \d+ bytes/,
		"$kernel: contents of another size cannot go over the kernel's");
	my $outside = $policy =~ s{^  - kernel/sched/cpuacct\.c\n}{}mr;
	my $tree = $allowed[0];
	($status, $check) = check($kernel, [objects($kernel, $tree)], '-c', spew("$tmp/policy.yaml", $outside));
	is_deeply(found($check, 'refused'), ['outside cpuusage_write'], "$kernel: a changed function outside");
	$outside =~ s{^sidecar: \[\]}{sidecar:\n  - {function: cpuusage_write, file: kernel/sched/cpuacct.c}}m or die;
	($status, $check) = check($kernel, [objects($kernel, $tree)], '-c', spew("$tmp/policy.yaml", $outside));
	is_deeply([$status, @{found($check, 'refused')}], [0], "$kernel: as a sidecar it may be");
}
done_testing;
