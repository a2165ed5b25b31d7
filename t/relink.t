#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit relink on real objects: what is the same, what changed, what the module holds.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Examples;
use Test::More;

# The addresses that code and data of a module hold: how many there are; those that lead to its own instance of a function
# that the objects have; and what share of those in the kernel's text is where a symbol of vmlinux begins
sub addresses {
	no warnings 'portable';
	my ($ko, $vmlinux, @objects) = @_;
	my (%there, %begins);
	for (`nm $vmlinux`) {
		my ($value, undef, $name) = split;
		$there{$name} //= hex $value;
		$begins{hex $value} = 1;
	}
	my %theirs = map { (split)[2] => 1 } grep { / [tT] / } `nm @objects`;
	my (%value, %section, %function, @own);
	for (`readelf -sW $ko`) {
		my ($value, $type, $section, $name) = /^ +\d+: (\w+) +\S+ (\w+) +\w+ +\w+ +(\w+) (\S+)/ or next;
		($value{$name}, $section{$name}) = (hex $value, $section);
		$function{$section}{hex $value} = $name if $type eq 'FUNC' && $theirs{$name};
	}
	for (`readelf -SW $ko`) {
		($value{$2}, $section{$2}) = (0, $1) if /\[ *(\d+)\] (\S+)/;
	}
	my ($from, $count, $outside, $begin) = ('', 0, 0, 0);
	for (`readelf -rW $ko`) {
		$from = $1 if /^Relocation section '\.rela(\S*)'/;
		my ($name, $sign, $addend) = /^\w+ +\w+ +R_X86_64_(?:32S|64) +\w+ (\S+) ([+-]) (\w+)$/ or next;
		next if $from !~ /^\.(?:text|sched\.text|rodata|data)$/;
		my $distance = ($sign eq '-' ? -1 : 1) * hex $addend;
		my $at = $value{$name} + $distance;
		my $function = $function{$section{$name}}{$at};
		push @own, "$from: $function" if $function;
		$count++;
		next if $section{$name} ne 'UND' || !defined $there{$name};
		my $address = $there{$name} + $distance;
		next if $address < $there{_stext} || $address >= $there{_etext};
		$outside++;
		$begin++ if $begins{$address};
	}
	return ($count, $begin / ($outside || 1), @own);
}

for my $kernel (@kernels) {
	# a name that is a pattern of goals in Kbuild (check%)
	my ($status, $out, $talk) = relink($kernel, 'none', 'check.ko');
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

	# a parameter of a built-in object stays the kernel's, though debug information refers to it
	spew("$tmp/parameter.c", <<'END');
static int value;
static const void *const parameter __attribute__((section("__param"), used)) = &value;
static const char info[] __attribute__((section(".modinfo"), used)) = "parameter.parm=value:none";
int *parameter_value(void) { return &value; }
END
	system("gcc -g -mcmodel=kernel -fno-pic -fcf-protection=none -c -o $tmp/parameter.o $tmp/parameter.c") == 0 or die;
	($status, $out, $talk) = run($elfkit, 'relink', '--check', '--vmlinux', kernel_dir($kernel) . '/vmlinux', '--kernel-dir',
		kernel_dir($kernel) . '/headers', objects($kernel, 'none'), "$tmp/parameter.o");
	is($status, 0, "$kernel: an object with a parameter can be checked") or diag($talk);
	unlike($out, qr/object: (?:parameter|info)\b/, "$kernel: and the parameter is not looked at");

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

	# calls go to the new body, addresses to the old entry: nothing that is called later leads into a module that is gone
	my ($addresses, $share, @own) = addresses("$tmp/hello.ko", kernel_dir($kernel) . '/vmlinux', objects($kernel, 'hello'));
	cmp_ok($addresses, '>', 1000, "$kernel: the module holds addresses");
	is($share, 1, "$kernel: those in the kernel's text all are where something begins");
	is_deeply(\@own, [], "$kernel: of functions that it replaces it has those of the kernel");

	# the adapter goes on at vmlinux's own call, through the old prologue
	my $adapter = `objdump -dr --no-show-raw-insn --disassemble=elfkit_adapter $tmp/hello.ko`;
	my $prologue = join "\n", map { /push +(%\w+)/ ? $1 : () } split /\n/, $adapter;
	my $vmlinux = kernel_dir($kernel) . '/vmlinux';
	my @pushes = map { /push +(%\w+)/ ? $1 : () }
		(split /\n/, `objdump -d --no-show-raw-insn --disassemble=__schedule $vmlinux`)[0 .. 25];
	is($prologue, join("\n", @pushes), "$kernel: the adapter pushes what vmlinux's prologue pushes");

	# a string may be handed to the kernel, and lockdep wants it to be the one that it knows
	my %scheduler = map { (split)[2] =~ s/\..*//r => 1 } grep { / t /i } map { `nm $_` } objects($kernel, 'hello');
	my $ko = slurp("$tmp/hello.ko");
	my %contents = map { /\] (\.rodata\S*) +PROGBITS +\w+ (\w+)/ ? ($1, hex $2) : () } split /\n/, $sections;
	my ($function, %own);
	for (split /\n/, `objdump -dr --no-show-raw-insn $tmp/hello.ko`) {
		$function = $1 if /^[0-9a-f]+ <([^.>]+).*>:/;
		my ($type, $section, $sign, $addend) = /R_X86_64_(\w+)\s+(\.rodata[\w.]*)(?:([+-])0x(\w+))?/ or next;
		my $at = ($sign && $sign eq '-' ? -1 : 1) * hex($addend // 0) + ($type =~ /^PC/ ? 4 : 0);
		# newer kernels have the linker join strings with other constants
		$own{$function}++ if $scheduler{$function} && substr($ko, $contents{$section} + $at, 5) =~ /^[\x01\n -~]{5}/;
	}
	is_deeply(\%own, { __schedule => 1 }, "$kernel: no string but the new one is the module's");

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
