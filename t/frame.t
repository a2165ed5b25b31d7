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
	'frame-pushes' => [qr/fewer pushes/, qr/^sp\tCFA-24\nsaved\trbx\tCFA-16\nlocals/m],
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

sub spew_object {
	spew("$tmp/frames.c", shift);
	system(qw(gcc -g -O2 -ffreestanding -fno-asynchronous-unwind-tables -mno-red-zone -mcmodel=kernel -fno-pic -fcf-protection=none -c -o), "$tmp/frames.o",
		"$tmp/frames.c") == 0 or die;
	return "$tmp/frames.o";
}

sub check {
	my ($kernel, @objects) = @_;
	my $dir = kernel_dir($kernel);
	return run($elfkit, 'relink', '--check', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers", @objects);
}

# The object with the first store that __schedule() makes into its frame behind a branch led into the slot of %rbx
sub misled {
	my ($object, $frame, $name) = @_;
	my ($fp) = $frame =~ /^fp\tCFA(-\d+)$/m or return;
	my ($slot) = $frame =~ /^saved\trbx\tCFA(-\d+)$/m or return;
	my ($at, $from, $branched);
	for (`objdump -d -F --disassemble=__schedule $object`) {
		($from, $at) = (hex $1, hex $2) if /^([0-9a-f]+) <__schedule> \(File Offset: 0x([0-9a-f]+)\)/;
		$branched = 1 if /\t(?:call|j)/;
		# a store of a register ends with its displacement, of one byte or four
		next if !$branched || !/^ *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\tmov +%\w+,-0x\w+\(%rbp\)/;
		my ($offset, $size) = ($at + hex($1) - $from, scalar(() = $2 =~ /\S+/g));
		my $displacement = $size < 6 ? pack 'c', $slot - $fp : pack 'l<', $slot - $fp;
		my $bytes = slurp($object);
		substr($bytes, $offset + $size - length $displacement, length $displacement) = $displacement;
		return spew("$tmp/$name", $bytes);
	}
	return;
}

my %guests;
# All variants for the first kernel, for others those that are unwound
my %edits = map { $_ => $_ eq $kernels[0] ? [sort keys %variants] : \@unwound } @kernels;

# Frames of variable size, made at once and behind a branch
{
	my @frame = ($elfkit, 'frame', '--at', 'use', '--object', spew_object(<<'END'));
void use(void *);
int sleepy(void);
int early(int n) { char a[n]; use(a); return sleepy(); }
int late(int n) { if (sleepy()) { char a[n]; use(a); return sleepy() + a[1]; } return 0; }
END
	my ($status, undef, $err) = run(@frame, 'early', kernel_dir($kernels[0]) . '/vmlinux');
	is($status, 2, 'a frame of variable size is an error');
	like($err, qr/early: `sub rsp, \w+` moves the stack pointer in a way that is not understood$/, 'that names the instruction');
	($status, my $text) = run(@frame, 'late', kernel_dir($kernels[0]) . '/vmlinux');
	is($status, 1, 'behind a branch it is found out at the call');
	like($text, qr/^unknown\tlate\+0x\w+: `mov rsp, \w+` behind the stack switch moves the stack pointer/m, 'as well');
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

	# fewer pushes for all of a file, which is more than may change; a tree of its own, so for the first kernel
	if ($kernel eq $kernels[0]) {
		my @fixed = objects($kernel, 'frame-fixed');
		($status, $text) = run($elfkit, 'frame', '__schedule', '--object', $fixed[0], $vmlinux);
		is(scalar(() = $text =~ /^saved/mg), 5, "$kernel: frame-fixed: a register less is saved") or diag($text);
		unlike($text, qr/^saved\tr14/m, "$kernel: frame-fixed: the one that the compiler was denied");
		($status, $text) = check($kernel, @fixed);
		is($status, 1, "$kernel: frame-fixed: is refused");
		like($text, qr/^refused: outside: affine_move_task .* is left to the kernel/m,
			"$kernel: frame-fixed: since functions change that are left to the kernel");
		unlike($text, qr/^refused: switch/m, "$kernel: frame-fixed: and not for its frame");
	}

	# an error of one slot in the new body is found
	my @objects = objects($kernel, 'frame-locals');
	($status, $text) = run($elfkit, 'frame', '__schedule', '--object', $objects[0], $vmlinux);
	my $misled = misled($objects[0], $text, 'misled.o');
	ok($misled, "$kernel: a store into the frame can be led astray");
	($status, $text) = check($kernel, $misled // '', @objects[1 .. $#objects]);
	is($status, 1, "$kernel: and is refused");
	like($text, qr/^refused: switch: .*: new __schedule: __schedule\+0x\w+: `mov .*` ahead of the stack switch overwrites the slot of %rbx$/m,
		"$kernel: by the instruction");

	my (@files, $nr_probes);
	for my $edit (@{$edits{$kernel}}) {
		my ($object) = objects($kernel, $edit);

		($status, $text, $err) = run($elfkit, 'frame', '__schedule', '--object', $object, $vmlinux);
		is($status, 0, "$kernel: $edit: the object's frame is understood") or diag($err);
		like($text, $variants{$edit}[1], "$kernel: $edit: and differs as it should");
		# of one name, so that the loader is compiled once
		mkdir $_ for "$tmp/$kernel", "$tmp/$kernel/$edit";
		($status, undef, $err) = relink($kernel, $edit, "$kernel/$edit/frame.ko");
		is($status, 0, "$kernel: $edit: relinks, so its adapter is proven") or diag($err);
		push @files, "$tmp/$kernel/$edit" if !$status;
	}
	for my $edit (@unwound) {
		my $module = "$tmp/$kernel/$edit/frame.ko";
		my $offsets = -e $module ? offsets($module) : '';

		spew("$tmp/$kernel/$edit/offsets", $offsets);
		$nr_probes += () = $offsets =~ /\d+/g;
	}
	$guests{$kernel} = [$nr_probes, start('t/lab/vm', '-k', $kernel, '-t', 1800, @steady, '-d', "$tmp/$kernel/dmesg",
		(map { ('-f', $_) } @files, "$programs/textdump", kbuild($kernel, 'unwind')), 't/vm/frame.sh')];
}

# Guests run while the next kernel's modules are made
for my $kernel (@kernels) {
	my ($nr_probes, $guest) = @{$guests{$kernel}};
	my ($status, $out, $err) = finish($guest);

	is($status, 0, "$kernel: the variants run") or diag($out, $err);
	for my $edit (@{$edits{$kernel}}) {
		like($out, qr/^$edit says: $variants{$edit}[0]/m, "$kernel: $edit: its code ran");
		like($out, qr/^$edit: text identical$/m, "$kernel: $edit: and went back");
	}
	my @traces = $out =~ /^([\w-]+ \+0x\w+, \d+ hits, .*)$/mg;
	is(scalar @traces, $nr_probes, "$kernel: as many stack traces as adapters have instructions");
	is_deeply([grep { !/ \+0x\w+, [1-9]\d* hits, to the end: \S/ } @traces], [],
		"$kernel: each is whole, from the adapter to the task's first frame");
	is_deeply([grep { !/(?:ret_from_fork\w*|entry_SYSCALL_64_after_hwframe|_startup_64(?:_no_verify)?|asm_\w+)\s*$/ }
		@traces], [], "$kernel: and ends where tasks begin");
	is_deeply([grep { /WARNING:|BUG:|Oops|general protection|stall|lockup|Unpatched return thunk/ }
		split /\n/, slurp("$tmp/$kernel/dmesg")], [], "$kernel: the kernel has nothing to complain about");
}
done_testing;
