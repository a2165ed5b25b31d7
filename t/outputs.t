#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What elfkit relink leaves behind: the module's size, what it says of itself, its signature, and no file besides.
use strict;
use warnings;
no warnings 'portable';	# addresses
use lib 't/lib';
use Elfkit;
use Compress::Zlib qw(crc32);
use JSON::PP;
use Test::More;

mkdir "$tmp/$_" for qw(scratch first second killed);
$ENV{TMPDIR} = "$tmp/scratch";

my ($key, $cert) = ("$tmp/key.pem", "$tmp/cert.pem");
system("openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=elfkit test key' -keyout $key -out $cert 2>$tmp/openssl") == 0
	or BAIL_OUT(slurp("$tmp/openssl"));

sub modinfo {
	my ($module, $field) = @_;
	chomp(my @values = `modinfo -F $field $module`);
	return $values[0] // '';
}

# name => [address, size] of all code symbols of that name, by address
sub code_symbols {
	my %found;
	for (`nm -S --defined-only $_[0]`) {
		my ($addr, $size, $name) = /^(\w+) (\w+) [tTwW] (\S+)$/ or next;
		push @{$found{$name}}, [hex $addr, hex $size, $addr];
	}
	@$_ = sort { $a->[0] <=> $b->[0] } @$_ for values %found;
	return %found;
}

# What a signature covers, and the signature (scripts/sign-file.c: struct module_signature, then a magic string)
sub signature {
	my ($module) = @_;
	my $magic = "~Module signature appended~\n";
	my $ko = slurp($module);
	return if substr($ko, -length $magic) ne $magic;
	my $end = length($ko) - length($magic) - 12;
	my $size = unpack 'N', substr $ko, $end + 8, 4;
	return (substr($ko, 0, $end - $size), substr $ko, $end - $size, $size);
}

# Whether @_ is content and signature by our key
sub verifies {
	spew("$tmp/content", $_[0]);
	spew("$tmp/signature", $_[1]);
	return !system("openssl cms -verify -binary -inform DER -in $tmp/signature -content $tmp/content -certfile $cert " .
		"-nointern -noverify -out $tmp/verified 2>$tmp/openssl");
}

# FILE:LINE of each address, as addr2line says with these options
sub lines {
	my ($options, @addresses) = @_;
	spew("$tmp/addresses", map { "$_\n" } @addresses);
	return map { s{.*/}{}r =~ s/ \(.*//r } split /\n/, `addr2line $options <$tmp/addresses`;
}

my $loader = join '', map { slurp($_) } glob 'loader/*.c';

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my ($status, undef, $talk) = relink($kernel, 'none', 'first/none.ko', '--sign', $key, $cert, '--keep-build', '-v');
	is($status, 0, "$kernel: relinks, signs and keeps the build") or BAIL_OUT($talk);
	my $module = "$tmp/first/none.ko";

	# --keep-build, -v
	my ($kept) = $talk =~ /^relink: the build is in (\S+)$/m;
	ok($kept && -s "$kept/module/none.ko" && -s "$kept/make.log", "$kernel: --keep-build: it is there, and its place is told");
	like($talk, qr/^\s+(?:LD|CC) .*\[M\]/m, "$kernel: -v: what Kbuild says is shown");
	is_deeply([glob("$tmp/scratch/*")], [$kept], "$kernel: nothing else is left");
	unlike(slurp($module), qr/\Q$kept\E|\Q$tmp\E/, "$kernel: no path of the build is in the module");
	system('rm', '-rf', $kept);

	# modinfo
	my $manifest = decode_json(slurp("$module.json"));
	my $id = build_id("$dir/vmlinux");
	my ($version) = `$elfkit --version` =~ /(\d[\d.]+)/;
	chomp(my $release = slurp("$dir/release"));
	my ($replaced, $changed, $jumps) = $talk =~ /(\d+) functions replaced \(\d+ same, (\d+) changed\), \d+ new, (\d+) jumps/;
	is(modinfo($module, 'elfkit_version'), $version, "$kernel: modinfo: elfkit's version");
	is(modinfo($module, 'elfkit_kernel'), $release, "$kernel: modinfo: the kernel's release");
	is(modinfo($module, 'elfkit_build_id'), $id, "$kernel: modinfo: the kernel's build-id");
	like(modinfo($module, 'elfkit_boundary'), qr/^[0-9a-f]{16}$/, "$kernel: modinfo: a digest of the boundary");
	is(modinfo($module, 'elfkit_functions'), "$replaced replaced, $changed changed, $jumps jumps", "$kernel: modinfo: counts");

	# the manifest
	system("objcopy --dump-section .elfkit.manifest=$tmp/inside $module $tmp/copy.ko") == 0 or die;
	is(slurp("$tmp/inside"), slurp("$module.json"), "$kernel: the manifest is in the module and beside it");
	is_deeply([@$manifest{qw(elfkit_manifest version kernel build_id boundary jumps)}],
		[1, $version, $release, $id, modinfo($module, 'elfkit_boundary'), $jumps], "$kernel: it agrees with modinfo");
	my @functions = @{$manifest->{functions}};
	is(scalar @functions, $replaced, "$kernel: it lists each function that is replaced");
	my %module = code_symbols($module);
	my %kernel = code_symbols("$dir/vmlinux");
	is_deeply([grep { !$module{$_} } map { $_->{name} } @functions], [], "$kernel: and each is in the module's symbol table");
	my (@wrong, %met, @places);
	for my $f (@functions) {
		my $n = @{$kernel{$f->{name}} || []};
		my $rank = $f->{sympos} || 1;
		push @wrong, "$f->{name} $f->{sympos} of $n" if $n == 1 ? $f->{sympos} : !$f->{sympos} || $f->{sympos} > $n;
		push @wrong, "$f->{name} twice" if $met{"$f->{name} $f->{sympos}"}++;
		push @places, [$f, $kernel{$f->{name}}[$rank - 1][2]] if $n > 1 && $f->{file} !~ /\.h$/;
	}
	is_deeply(\@wrong, [], "$kernel: each sympos is a rank among vmlinux's symbols of the name");
	my @lines = @places ? split /\n/, `addr2line -e $dir/vmlinux @{[map { $_->[1] } @places]}` : ();
	is_deeply([grep { $lines[$_] !~ m{\Q$places[$_][0]{file}\E:} } 0 .. $#places], [],
		"$kernel: and it is that of the file (" . @places . ' names are not unique)');
	is_deeply([grep { !$_->{name} || ($_->{policy} // 'share') !~ /^(?:private|share|update)$/ } @{$manifest->{objects}}], [],
		"$kernel: objects have a policy");

	# the module's text
	my ($text, $old) = (0, 0);
	for (`readelf -SW $module`) {
		$text += hex $1 if /^\s*\[\s*\d+\] \S+\s+PROGBITS\s+\w+ \w+ (\w+) \w+\s+AX /;
	}
	for my $f (@functions) {
		$old += $kernel{$f->{name}}[($f->{sympos} || 1) - 1][1];
		$old += $_->[1] for @{$kernel{"$f->{name}.cold"} || []};
	}
	my $size = $manifest->{text};
	is($size->{module}, $text, "$kernel: the manifest knows the size of the module's text");
	is($size->{replaced}, $old, "$kernel: and that of the functions which it replaces");
	cmp_ok($text - $size->{loader}, '<=', 1.1 * $old, sprintf '%s: text is at most 10 %% larger, the loader left out (%.1f %%)',
		$kernel, 100 * ($text - $size->{loader}) / $old - 100);
	cmp_ok($size->{loader}, '<', 32768, "$kernel: and the loader is small");
	my %listed = map { ($_->{name} => 1, "$_->{name}.cold" => 1, "__pfx_$_->{name}" => 1) } @functions;
	# clones have no name of their own: which of the kernel's one is may be open, and then the module has it
	my @others = grep { $kernel{$_} && !$listed{$_} && !/\.(?:constprop|isra|part)\./ } sort keys %module;
	is_deeply([grep { my $name = s/^__pfx_//r; $loader !~ /\b$name\b/ } @others], [],
		"$kernel: no other function of the kernel travels");

	my %variable = map { / [dDbBrR] (\S+)$/ ? ($1 => 1) : () } `nm --defined-only $module`;
	is_deeply([grep { $variable{$_} } qw(runqueues root_task_group fair_sched_class sysctl_sched_features init_task)], [],
		"$kernel: nor do names of the kernel's variables");

	# debug information: beside the module, and right for code that was moved, as vmlinux has the same code
	unlike(`readelf -SW $module`, qr/ \.debug_/, "$kernel: no debug information is in the module");
	system("objcopy --dump-section .gnu_debuglink=$tmp/link $module $tmp/copy.ko") == 0 or die;
	like(slurp("$tmp/link"), qr/^none\.ko\.debug\0/, "$kernel: the module names the file with it");
	is(unpack('L<', substr slurp("$tmp/link"), -4), crc32(slurp("$module.debug")), "$kernel: and has its checksum");
	is(`readelf --debug-dump=info,aranges,Ranges,frames $module.debug 2>&1 >/dev/null`, '', "$kernel: it can be read");
	my %section = map { /^\s*\[\s*(\d+)\] (\S+)/ ? ($1 => $2) : () } `readelf -SW $module`;
	my (%there, %in_kernel, $places, @differ);
	for (`readelf -sW $module`) {
		my ($value, $size, $index, $symbol) = /:\s+(\w+)\s+(\d+) FUNC\s+\w+\s+\w+\s+(\d+) (\S+)$/ or next;
		my ($same, $more) = @{$kernel{$symbol} || []};
		next if !$same || $symbol =~ /^__pfx_/ || $more || $same->[1] != $size || @{$module{$symbol}} != 1;
		for my $offset (map { int $size * $_ / 8 } 0 .. 7) {
			push @{$there{$section{$index}}}, sprintf '%x', $offset + hex $value;
			push @{$in_kernel{$section{$index}}}, sprintf '%x', $offset + $same->[0];
		}
	}
	for my $in (sort keys %there) {
		my @is = lines("-j $in -e $module.debug", @{$there{$in}});
		my @was = lines("-e $dir/vmlinux", @{$in_kernel{$in}});
		$places += @was;
		# addr2line takes the unit's own name where a table of lines begins without one, as some do in vmlinux
		push @differ, map { "$is[$_], in vmlinux $was[$_]" } grep { $is[$_] ne $was[$_] && $is[$_] ne $was[$_] =~ s{^build_\w+\.c:}{idle.c:}r } 0 .. $#was;
	}
	cmp_ok($places, '>', 4000, "$kernel: places are compared with vmlinux's");
	is_deeply(\@differ, [], "$kernel: each has the same file and line");

	# the signature
	my ($content, $signature) = signature($module);
	ok(defined $signature, "$kernel: the module has a signature");
	is(modinfo($module, 'signer'), 'elfkit test key', "$kernel: modinfo tells whose");
	my ($hash) = slurp("$dir/headers/include/config/auto.conf") =~ /^CONFIG_MODULE_SIG_HASH="(\w+)"/m;
	is(modinfo($module, 'sig_hashalgo'), $hash || 'sha256', "$kernel: with the hash that the kernel uses");
	ok(verifies($content, $signature), "$kernel: it is good") or diag(slurp("$tmp/openssl"));
	substr($content, 4096, 1) ^= "\1";
	ok(!verifies($content, $signature), "$kernel: but not for another module");

	# once more, elsewhere, as people do it: on a terminal
	my @command = ($elfkit, 'relink', '--sign', $key, $cert, '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/second/none.ko", objects($kernel, 'none'));
	system("script -qec '@command' $tmp/terminal >/dev/null 2>&1 </dev/null");
	is($? >> 8, 0, "$kernel: relinks on a terminal");
	my $terminal = slurp("$tmp/terminal");
	like($terminal, qr/\r\e\[Krelink: [^\n]*kernel[^\n]*\.\.\.\r\e\[K/, "$kernel: long steps are shown");
	unlike($talk, qr/[\r\e]/, "$kernel: elsewhere they are not");
	unlike($terminal, qr/\[M\]|make\b/, "$kernel: what Kbuild says is not");
	is_deeply([glob("$tmp/scratch/*")], [], "$kernel: no file is left behind");
	ok(slurp($module) eq slurp("$tmp/second/none.ko"), "$kernel: the same bytes as in another folder");
	ok(slurp("$module.json") eq slurp("$tmp/second/none.ko.json"), "$kernel: and the same manifest");
	ok(slurp("$module.debug") eq slurp("$tmp/second/none.ko.debug"), "$kernel: and the same debug information");
	unlink glob("$tmp/first/* $tmp/second/*");
}

# A signal at whatever moment: nothing is left, and no half of a module
my $dir = kernel_dir($kernels[0]);
my @objects = objects($kernels[0], 'none');
for (['before it has a folder', sub { 1 }], ['with the objects joined', sub { glob "$tmp/scratch/*/joined.o.log" }],
	['in the first Kbuild', sub { glob "$tmp/scratch/*/loader/elfkit_loader.o" }],
	['in the second', sub { glob "$tmp/scratch/*/module/make.log $tmp/scratch/*/module/make.log" }]) {
	my ($when, $is_there) = @$_;
	my $pid = fork // die;
	if (!$pid) {
		$SIG{INT} = 'DEFAULT';	# a shell's background job has it ignored
		open STDERR, '>', "$tmp/talk";
		exec $elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers", '-o',
			"$tmp/killed/none.ko", @objects or die;
	}
	for (1 .. 6000) {
		last if grep { !/make.log/ || -s } $is_there->();
		select undef, undef, undef, 0.01;
	}
	select undef, undef, undef, 0.05;
	kill INT => $pid;
	waitpid $pid, 0;
	isnt($?, 0, "SIGINT $when ends it");
	is_deeply([glob("$tmp/scratch/* $tmp/killed/*")], [], 'and leaves nothing behind');
}
my ($status) = run($elfkit, 'relink', '--sign', "$tmp/nokey", $cert, '--vmlinux', "$dir/vmlinux", '--kernel-dir',
	"$dir/headers", '-o', "$tmp/killed/none.ko", @objects);
is($status, 2, 'a key that is not there is an error');
is_deeply([glob("$tmp/scratch/* $tmp/killed/*")], [], 'and leaves nothing behind');
done_testing;
