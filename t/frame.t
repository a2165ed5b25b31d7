#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Frames: elfkit frame against objdump; __schedule() compiled with other frames, relinked and run; stack
# traces from every instruction of the adapter.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use JSON::PP;
use Test::More;

my $programs = ($ENV{BUILD} || 'build') . '/t/vm';

# Variants of __schedule(): what the new code says, and what its frame looks like.
my %variants = (
	'frame-locals' => [qr/256 bytes of locals/, qr/^locals\t(?:2[89]|3)\d+$/m],
	'frame-aligned' => [qr/local aligned: 0$/m, qr/^realigned\tat CFA-56$/m],
	'frame-drap' => [qr/local aligned: 0, arguments 2 3 4 5 6 7/, qr/^cfa\t\[rbp-\d+\]\nrealigned\tat CFA-8$/m],
	'frame-nofp' => [qr/no frame pointer/, qr/^cfa\trsp\+\d+\nsp\tCFA-\d+\nsaved/m],
	'frame-nossp' => [qr/no stack protector/, qr/\A(?!.*^canary)/ms],
);
my @unwound = qw(frame-drap frame-nofp);

# The tab-separated lines of `elfkit frame`, by their first word
sub facts {
	my %facts;
	push @{$facts{(split /\t/)[0]}}, [(split /\t/)[1 .. 8]] for split /\n/, shift;
	return \%facts;
}

sub disassembly {
	my ($file, $function) = @_;
	return grep { /^\s*[0-9a-f]+:/ } split /\n/, `objdump -d --no-show-raw-insn --disassemble=$function $file`;
}

# Offsets of the adapter's instructions, as the module parameter wants them
sub offsets {
	my @offsets;
	for (disassembly(shift, 'elfkit_adapter')) {
		my ($at, $op) = /^\s*([0-9a-f]+):\s+(\S+)/;
		last if $op eq 'int3';
		push @offsets, hex $at;
	}
	return join ',', @offsets;
}

sub unwind_module {
	my ($kernel) = @_;
	my $dir = "$tmp/unwind-$kernel";
	mkdir $dir;
	spew("$dir/unwind.c", slurp('t/vm/unwind/unwind.c'));
	spew("$dir/Kbuild", "obj-m := unwind.o\n");
	my ($status, undef, $err) = run('make', '-C', kernel_dir($kernel) . '/headers', "M=$dir", 'modules');
	die $err if $status;
	return "$dir/unwind.ko";
}

for my $kernel (@kernels) {
	my $vmlinux = kernel_dir($kernel) . '/vmlinux';

	# each push of the prologue is a word further down
	my ($status, $text, $err) = run($elfkit, 'frame', '__schedule', $vmlinux);
	is($status, 0, "$kernel: the frame of __schedule is understood") or diag($err);
	my $facts = facts($text);
	my ($slot, %pushed) = (-8);
	for ((disassembly($vmlinux, '__schedule'))[0 .. 20]) {
		$pushed{$1} = 'CFA' . ($slot -= 8) if /push +%(r\w+)/;
	}
	is_deeply({map { @$_[0, 1] } @{$facts->{saved}}}, \%pushed, "$kernel: registers are where objdump has the pushes");
	is($facts->{call}[0][1], '__switch_to_asm', "$kernel: the stack switch is looked behind");
	is(scalar @{$facts->{reads}}, 1, "$kernel: one thing is read behind it");
	is($facts->{reads}[0][0], 'canary', "$kernel: the stack protector's value");
	is($facts->{reads}[0][1], $facts->{canary}[0][0], "$kernel: from where the prologue has put it");

	# the same facts as JSON
	($status, my $json) = run($elfkit, 'frame', '--json', '__schedule', $vmlinux);
	my $frame = decode_json($json);
	is_deeply($frame->{saved}, \%pushed, "$kernel: JSON has the same registers");
	is($frame->{calls}[0]{reads}[0]{place}, $frame->{canary}, "$kernel: and the same reads");

	# another call, by name and by offset
	($status, $text) = run($elfkit, 'frame', '--at', 'update_rq_clock', '__schedule', $vmlinux);
	is($status, 0, "$kernel: the code behind another call can be followed");
	my ($call) = $text =~ /^call\t__schedule\+(0x\w+)\tupdate_rq_clock\t/m;
	my @reads = $text =~ /^reads\t(\w+)/mg;
	ok((grep { $_ eq 'register' } @reads), "$kernel: and reads registers");
	my ($again, $same) = run($elfkit, 'frame', '--at', $call // 0, '__schedule', $vmlinux);
	is($same, $text, "$kernel: a call is named by its offset as well");
	($status, undef, $err) = run($elfkit, 'frame', '--at', 'no_such', '__schedule', $vmlinux);
	is($status, 2, "$kernel: a call that is not there is an error");
	like($err, qr/__schedule: no such call in it/, "$kernel: and told");

	my (@files, $nr_probes);
	for my $edit (sort keys %variants) {
		my ($object) = objects($kernel, $edit);

		($status, $text, $err) = run($elfkit, 'frame', '__schedule', '--object', $object, $vmlinux);
		is($status, 0, "$kernel: $edit: the object's frame is understood") or diag($err);
		like($text, $variants{$edit}[1], "$kernel: $edit: and differs as it should");
		($status, undef, $err) = relink($kernel, $edit, "$edit.ko");
		is($status, 0, "$kernel: $edit: relinks, so its adapter is proven") or diag($err);
		push @files, "$tmp/$edit.ko" if !$status;
	}
	for my $edit (@unwound) {
		my $offsets = -e "$tmp/$edit.ko" ? offsets("$tmp/$edit.ko") : '';

		push @files, spew("$tmp/$edit.offsets", $offsets);
		$nr_probes += () = $offsets =~ /\d+/g;
	}
	($status, my $out, $err) = run('t/lab/vm', '-k', $kernel, '-t', 600, '-d', "$tmp/dmesg",
		(map { ('-f', $_) } @files, "$programs/textdump", unwind_module($kernel)), 't/vm/frame.sh');
	is($status, 0, "$kernel: the variants run") or diag($out, $err);
	for my $edit (sort keys %variants) {
		my $name = $edit =~ tr/-/_/r;

		like($out, qr/^$name says: $variants{$edit}[0]/m, "$kernel: $edit: its code ran");
		like($out, qr/^$name: text identical$/m, "$kernel: $edit: and went back");
	}
	my @traces = $out =~ /^(\w+ \+0x\w+, \d+ hits, .*)$/mg;
	is(scalar @traces, $nr_probes, "$kernel: as many stack traces as adapters have instructions");
	is_deeply([grep { !/ \+0x\w+, [1-9]\d* hits, to the end: \S/ } @traces], [],
		"$kernel: each is whole, from the adapter to the task's first frame");
	is_deeply([grep { !/(?:ret_from_fork\w*|entry_SYSCALL_64_after_hwframe|_startup_64(?:_no_verify)?|asm_\w+)\s*$/ }
		@traces], [], "$kernel: and ends where tasks begin");
	is_deeply([grep { /WARNING:|BUG:|Oops|general protection|stall|lockup|Unpatched return thunk/ }
		split /\n/, slurp("$tmp/dmesg")], [], "$kernel: the kernel has nothing to complain about");
}
done_testing;
