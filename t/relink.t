#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit relink on real objects: what is the same, what changed, what the module holds.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Examples;
use Test::More;

for my $kernel (@kernels) {
	my ($status, $out, $talk) = relink($kernel, 'none', 'none.ko');
	is($status, 0, "$kernel: an unmodified rebuild relinks") or diag($talk);
	my ($replaced, $same, $changed, $jumps) =
		$talk =~ /(\d+) functions replaced \((\d+) same, (\d+) changed\), \d+ new, (\d+) jumps/;
	cmp_ok($replaced // 0, '>=', 300, "$kernel: at least 300 functions are replaced");
	cmp_ok($same // 0, '>=', 0.99 * ($replaced // 1e9),
		"$kernel: at least 99 % are identical to vmlinux under relocations ($same of $replaced)");
	is($changed, 0, "$kernel: nothing is changed that was not edited");
	cmp_ok($jumps // 0, '<', $replaced, "$kernel: insiders need no jump");
	is($out, '', "$kernel: talk goes to stderr");
	if ($kernel eq '6.12') {
		ok(says($talk, shown('docs/relink.md', qr/6\.12.*sched\.ko/)), "$kernel: as docs/relink.md shows it") or diag($talk);
	}

	($status, undef, $talk) = relink($kernel, 'hello', 'hello.ko');
	is($status, 0, "$kernel: the edit relinks") or diag($talk);
	is_deeply([$talk =~ /^changed: (\S+)/mg], ['__schedule'], "$kernel: and changes __schedule alone");
	if ($kernel eq '6.1') {
		ok(says($talk, shown('docs/relink.md', qr/hello\.ko/)), "$kernel: as docs/relink.md shows it") or diag($talk);
	}
	BAIL_OUT("no module to look at") if !-s "$tmp/hello.ko";

	my @undefined = map { (split)[1] } grep { /^\s+U / } `nm $tmp/hello.ko`;
	my %exported = map { (split /\t/)[1] => 1 } split /\n/, slurp(kernel_dir($kernel) . '/headers/Module.symvers');
	is_deeply([grep { !$exported{$_} } @undefined], [], "$kernel: every undefined symbol is exported");
	ok(!grep(/klp_enable_patch|kallsyms/, @undefined), "$kernel: no livepatch, no kallsyms");
	my $sections = `readelf -SW $tmp/hello.ko`;
	unlike($sections, qr/__ksymtab|\.initcall|\.init\.setup|_ftrace_events|__tracepoints|\.klp/,
		"$kernel: nothing that a module must not carry");

	# the adapter goes on at vmlinux's own call, through the old prologue
	my $adapter = `objdump -dr --no-show-raw-insn --disassemble=elfkit_adapter $tmp/hello.ko`;
	my $prologue = join "\n", map { /push +(%\w+)/ ? $1 : () } split /\n/, $adapter;
	my $vmlinux = kernel_dir($kernel) . '/vmlinux';
	my @pushes = map { /push +(%\w+)/ ? $1 : () }
		(split /\n/, `objdump -d --no-show-raw-insn --disassemble=__schedule $vmlinux`)[0 .. 25];
	is($prologue, join("\n", @pushes), "$kernel: the adapter pushes what vmlinux's prologue pushes");

	# an edit of data that the kernel has would be lost without a word: it is refused
	my @objects = objects($kernel, 'none');
	my ($section, $name, $value) = (`readelf -sW $objects[1]` =~
		/:\s+(\w+)\s+4 OBJECT\s+\w+\s+DEFAULT\s+(\d+) (sysctl_sched_\w+)$/m)[1, 2, 0];
	my ($offset) = `readelf -SW $objects[1]` =~ /^\s*\[\s*$section\] \S+\s+PROGBITS\s+\w+\s+(\w+)/m;
	my $fair = slurp($objects[1]);
	substr($fair, hex($offset) + hex($value), 1) ^= "\x40";
	my $dir = kernel_dir($kernel);
	($status, undef, $talk) = run($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/data.ko", $objects[0], spew("$tmp/fair.o", $fair), @objects[2, 3]);
	is($status, 1, "$kernel: a changed initial value is refused");
	like($talk, qr/^refused: object: \Q$name\E \(\S+:\d+\): it is changed/m, "$kernel: and named");
}
done_testing;
