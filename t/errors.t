#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Wrong input is answered in one line with exit status 2, and leaves nothing behind.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $kernel = $kernels[0];
my $dir = kernel_dir($kernel);
my @objects = objects($kernel, 'none');
$ENV{TMPDIR} = "$tmp/scratch";
mkdir "$tmp/scratch";
mkdir "$tmp/out";

sub refused {
	my ($like, $name, @command) = @_;
	my ($status, $out, $err) = run($elfkit, @command);
	subtest $name => sub {
		is($status, 2, 'exit status 2') or diag($err);
		is($out, '', 'nothing on stdout');
		like($err, qr/^elfkit: [^\n]*\n\z/, 'one line on stderr');
		like($err, $like, 'which says what is wrong');
		is_deeply([glob("$tmp/out/* $tmp/scratch/*")], [], 'no file is left behind');
	};
}

sub boundary_refused {
	my ($like, $name, @args) = @_;
	refused($like, "boundary: $name", 'boundary', '-o', "$tmp/out/report.yaml", @args);
}

sub relink_refused {
	my ($like, $name, $objects, %o) = @_;
	refused($like, "relink: $name", 'relink', '--vmlinux', $o{vmlinux} || "$dir/vmlinux",
		'--kernel-dir', $o{headers} || "$dir/headers", '-o', $o{output} || "$tmp/out/new.ko",
		$o{config} ? ('-c', $o{config}) : (), @$objects);
}

# vmlinux
boundary_refused(qr/nowhere: No such file/, 'missing file', "$tmp/nowhere");
boundary_refused(qr/not a regular file/, 'a directory', $tmp);
boundary_refused(qr/not an ELF file/, 'not ELF', 'Makefile');
boundary_refused(qr/not an ELF file/, 'an empty file', spew("$tmp/empty", ''));
boundary_refused(qr/not a linked kernel image/, 'an object', $objects[0]);
boundary_refused(qr/no symbol table|no unit|no DWARF/, 'a program that is no kernel', '/bin/true');
system("objcopy -g $dir/vmlinux $tmp/stripped") == 0 or die;
boundary_refused(qr/no DWARF/, 'vmlinux without DWARF', "$tmp/stripped");
unlink "$tmp/stripped";
for my $size (63, 64, 4096, '300M') {
	system("head -c $size $dir/vmlinux > $tmp/truncated") == 0 or die;
	boundary_refused(qr/truncated/, "vmlinux truncated to $size bytes", "$tmp/truncated");
}
unlink "$tmp/truncated";

# 20,000 functions that share a list of 20,000 ranges: 300 KB that say ten gigabytes
SKIP: {
	# a sanitizer's memory has no bound
	skip 'with sanitizers', 1 if `nm $elfkit` =~ /__asan_init/;
	spew("$tmp/shared.s", <<'END');
	.section .debug_abbrev, "", @progbits
	.uleb128 1, 0x11; .byte 1; .uleb128 0x03, 0x08, 0, 0
	.uleb128 2, 0x2e; .byte 0; .uleb128 0x55, 0x17, 0, 0
	.byte 0
	.section .debug_info, "", @progbits
	.long end - version
version: .short 5; .byte 1, 8; .long 0
	.uleb128 1; .asciz "kernel/sched/core.c"
	.rept 20000; .uleb128 2; .long list - lists; .endr
	.byte 0
end:	.section .debug_rnglists, "", @progbits
lists:	.long lists_end - lists_version
lists_version: .short 5; .byte 8, 0; .long 0
list:	.rept 20000; .byte 7; .quad f; .uleb128 1; .endr
	.byte 0
lists_end: .text
	.globl f
f:	ret
END
	system("as -o $tmp/shared.o $tmp/shared.s && ld -Ttext=0xffffffff81000000 -e 0 -o $tmp/shared $tmp/shared.o") == 0 or die;
	boundary_refused(qr/out of memory: more than 512 MB and 4 times the files/, 'a file that says more than it holds', "$tmp/shared");
}

# boundary.yaml
sub policy { spew("$tmp/policy.yaml", @_) }
boundary_refused(qr/policy.yaml:3:1: unknown key "keepout"/, 'a policy with an unknown key',
	'-c', policy("files:\n  - kernel/sched/core.c\nkeepout: []\n"), "$dir/vmlinux");
boundary_refused(qr/policy.yaml:4:5: unknown key "because"/, 'an item with an unknown key',
	'-c', policy("files: [a.c]\nkeep_out:\n  - function: f\n    because: x\n"), "$dir/vmlinux");
boundary_refused(qr/policy.yaml:3:5: missing key "file"/, 'an item that lacks a key',
	'-c', policy("files: [a.c]\nsidecar:\n  - function: f\n"), "$dir/vmlinux");
boundary_refused(qr/has no function in any of the files of .*policy.yaml/, 'a policy of another kernel',
	'-c', policy("files: [kernel/sched/nothing.c]\n"), "$dir/vmlinux");
boundary_refused(qr/policy.yaml:2:\d+: /, 'broken YAML', '-c', policy("files: [a.c\nb: {\n"), "$dir/vmlinux");
boundary_refused(qr/no files/, 'a policy without files', '-c', policy("keep_out: []\n"), "$dir/vmlinux");
boundary_refused(qr/nowhere: No such file/, 'a missing policy', '-c', "$tmp/nowhere", "$dir/vmlinux");
refused(qr/No such file/, 'boundary: a report that cannot be written', 'boundary', '-o', "$tmp/nodir/r.yaml",
	"$dir/vmlinux");

# objects
relink_refused(qr/nowhere.o: No such file/, 'a missing object', ["$tmp/nowhere.o"]);
relink_refused(qr/not an ELF file/, 'not ELF', ['Makefile']);
relink_refused(qr/not a relocatable object/, 'a program', ['/bin/true']);
my $core = slurp($objects[0]);
my $other = $core;
substr($other, 18, 2) = pack('v', 183);
relink_refused(qr/ELF machine 183/, 'an object for another machine', [spew("$tmp/arm64.o", $other)]);
relink_refused(qr/truncated|no section headers/, 'a truncated object',
	[spew("$tmp/cut.o", substr($core, 0, length($core) / 2))]);
system("objcopy -g $objects[0] $tmp/nodebug.o") == 0 or die;
relink_refused(qr/no DWARF|none of the objects/, 'an object without DWARF', ["$tmp/nodebug.o"]);
# A change that cannot be loaded is no error: it is refused, and nothing is written either.
sub change_refused {
	my ($like, $name, $objects) = @_;
	my ($status, $out, $err) = run($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/out/new.ko", @$objects);
	subtest "relink: $name" => sub {
		is($status, 1, 'exit status 1') or diag($err);
		is($out, '', 'nothing on stdout');
		like($err, $like, 'stderr says what is refused');
		is_deeply([glob("$tmp/out/* $tmp/scratch/*")], [], 'no file is left behind');
	};
}
system("objcopy --redefine-sym __switch_to_asm=__switch_to $objects[0] $tmp/noswitch.o") == 0 or die;
change_refused(qr/__schedule does not call __switch_to_asm/, 'a __schedule that does not call __switch_to_asm',
	["$tmp/noswitch.o", @objects[1 .. 3]]);
change_refused(qr/__schedule: that half of it never runs.*: behind the stack switch it writes to memory/,
	'an edit behind the stack switch', [objects($kernel, 'behind')]);

# Whatever ends relink, its files go.
{
	my @command = ($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers", '-o',
		"$tmp/out/new.ko", @objects);
	for my $signal (qw(INT TERM HUP)) {
		my $pid = fork // die;
		if (!$pid) {
			open STDERR, '>', "$tmp/killed";
			$SIG{$signal} = 'DEFAULT';	# nohup has it ignored
			exec @command or die;
		}
		# in the middle of the work: its folder is there
		for (1 .. 600) {
			last if () = glob("$tmp/scratch/*/make.log");
			select undef, undef, undef, 0.05;
		}
		ok(scalar(() = glob("$tmp/scratch/*")), "relink: a folder to work in, then SIG$signal");
		kill $signal => $pid;
		waitpid $pid, 0;
		isnt($?, 0, "relink: SIG$signal ends it");
		is_deeply([glob("$tmp/out/* $tmp/scratch/*")], [], 'and leaves nothing behind');
	}
}
spew("$tmp/hello.c", "int main(void) { return 0; }\n");
system("gcc -g -c -o $tmp/hello.o $tmp/hello.c") == 0 or die;
relink_refused(qr/none of the objects' units .*hello.c.* is in/, 'an object of another program', ["$tmp/hello.o"]);

relink_refused(qr/must be named NAME\.ko/, 'an output that is no module', \@objects, output => "$tmp/out/new.o");
relink_refused(qr/only letters, digits/, 'an output that is no name', \@objects, output => "$tmp/out/a.b.ko");

# headers
mkdir "$tmp/headers";
relink_refused(qr/not a prepared kernel build directory/, 'no headers', \@objects, headers => "$tmp/headers");
system("mkdir -p $tmp/headers/include/generated") == 0 or die;
spew("$tmp/headers/include/generated/utsrelease.h", "#define UTS_RELEASE \"5.4.0-1-amd64\"\n");
relink_refused(qr/is for kernel 5\.4\.0-1-amd64, but .* is \d/, 'headers of another version', \@objects,
	headers => "$tmp/headers");
my $release = slurp("$dir/release");
chomp $release;
spew("$tmp/headers/include/generated/utsrelease.h", "#define UTS_RELEASE \"$release\"\n");
spew("$tmp/headers/Module.symvers", slurp("$dir/headers/Module.symvers"));
for ([".DEFAULT:\n\t\@echo 'error: no disk, say' >&2; exit 1\n", qr/error: no disk, say/],
	["include nowhere.mk\n", qr/make: \*\*\* No rule to make target 'nowhere\.mk'.*/]) {
	my ($makefile, $said) = @$_;
	spew("$tmp/headers/Makefile", $makefile);
	# Kbuild comes last: what relink has found is said before
	my ($status, undef, $err) = run($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir',
		"$tmp/headers", '-o', "$tmp/out/new.ko", @objects);
	is($status, 2, 'relink: a Kbuild that fails: exit status 2');
	like($err, qr/^elfkit: .*make failed: $said$/m, 'relink: what make said is told');
	is_deeply([glob("$tmp/out/* $tmp/scratch/*")], [], 'relink: no half-made module is left');
}

# usage
for my $args ([], ['frobnicate'], ['relink'], ['diff'], ['diff', 'x'], ['diff', 'x', 'y', 'z'],
	['boundary', '--frob', 'x']) {
	my ($status, $out, $err) = run($elfkit, @$args);
	ok($status == 2 && $out eq '' && $err ne '', "usage: elfkit @$args") or diag("$status $err");
}
for my $args (['--help'], ['--version'], ['boundary', '--help'], ['relink', '--help'], ['diff', '--help']) {
	my ($status, $out, $err) = run($elfkit, @$args);
	ok($status == 0 && $out ne '' && $err eq '', "help: elfkit @$args");
}
done_testing;
