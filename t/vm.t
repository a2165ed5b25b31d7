#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# A live kernel: swap, text identical, 20 rounds under load, tasks in the way, wrong builds.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $programs = ($ENV{BUILD} || 'build') . '/t/vm';

# Runs a guest script; returns its status and output, and checks the kernel's log.
sub guest {
	my ($kernel, $what, $seconds, $script, @files) = @_;
	my ($status, $out, $err) = run('t/lab/vm', '-k', $kernel, '-t', $seconds, '-d', "$tmp/dmesg",
		(map { ('-f', $_) } @files), $script);
	is($status, 0, "$kernel: $what") or diag($out, $err);
	my $dmesg = slurp("$tmp/dmesg");
	my @bad = grep { /WARNING:|BUG:|Oops|Call Trace|general protection|stall|lockup|Unpatched return thunk/ }
		split /\n/, $dmesg;
	is_deeply(\@bad, [], "$kernel: $what: the kernel has nothing to complain about");
	return ($out, $dmesg);
}

sub module {
	my ($kernel, $edit, $name) = @_;
	my ($status, undef, $err) = relink($kernel, $edit, $name);
	die $err if $status;
	return "$tmp/$name";
}

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my $hello = module($kernel, 'hello', 'hello.ko');

	my ($out, $dmesg) = guest($kernel, 'swap and back', 600, 't/vm/demo.sh', $hello, "$programs/textdump");
	like($out, qr/^scheduler: Hi, I'm the new scheduler!$/m, "$kernel: the new scheduler ran");
	my ($functions) = $out =~ /loaded: (\d+) functions/;
	cmp_ok($functions // 0, '>=', 300, "$kernel: at least 300 entries jump");
	like($out, qr/kernel text identical: all \d+ bytes/, "$kernel: the text is as before");
	unlike($dmesg, qr/nokaslr|KASLR disabled/, "$kernel: with KASLR");

	my $sched = module($kernel, 'none', 'sched.ko');
	($out) = guest($kernel, 'a task in the way', 600, 't/vm/parked.sh', $sched, "$programs/parked");
	like($out, qr/^pid \d+ \(parked\) is in \w*(?:cpu_mask|setaffinity)\w*$/m, "$kernel: the task and its function are named");
	like($out, qr/^loading given up after 2 tries, nothing changed$/m, "$kernel: the load is given up");
	like($out, qr/^loaded once it was out$/m, "$kernel: and succeeds later");
	like($out, qr/^went back once it was out$/m, "$kernel: the same for going back");

	($out) = guest($kernel, '20 rounds under load', 1800, 't/vm/reload.sh', $sched);
	like($out, qr/^20 rounds, \d+ refusals, 20 times text identical$/m, "$kernel: all rounds done");
	diag($out =~ /^(20 rounds.*)/m ? "$kernel: $1" : $out);

	# the same kernel with another build-id: what a rebuild with the same release looks like
	my $vmlinux = slurp("$dir/vmlinux");
	my ($id) = `readelf -n $dir/vmlinux 2>/dev/null` =~ /Build ID: (\w+)/;
	my $bytes = pack('H*', $id);
	my $at = index($vmlinux, "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0$bytes");
	substr($vmlinux, $at + 16, 1) ^= "\xff";
	spew("$tmp/vmlinux", $vmlinux);
	undef $vmlinux;
	my ($status, undef, $err) = run($elfkit, 'relink', '--vmlinux', "$tmp/vmlinux", '--kernel-dir',
		"$dir/headers", '-o', "$tmp/other.ko", objects($kernel, 'none'));
	is($status, 0, "$kernel: relinks against another build") or diag($err);
	unlink "$tmp/vmlinux";
	spew("$tmp/other.sh", "insmod ./other.ko && exit 1\ndmesg | grep -o 'refused: made for.*' | sort -u\n",
		"[ ! -e /sys/kernel/elfkit ] && ! grep other /proc/modules\n");
	($out) = guest($kernel, 'a module for another build', 300, "$tmp/other.sh", "$tmp/other.ko");
	like($out, qr/refused: made for kernel .*build-id .*; running is .*build-id $id/, "$kernel: is refused with both build-ids");
}
done_testing;
