#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Damaged input never crashes, hangs, leaks or eats memory: it is refused in one line, or there is a
# report. elfkit is built with sanitizers, and hundreds of cases are run on a small image with all that a
# kernel has (t/damage/), and some on a real kernel. docs/testing.md says how to run one case again.
#
#	t/damage.t [PATTERN]	only cases whose names match
#	DAMAGE_SEED=N		other random values (default 1)
#	DAMAGE_PART=N		one case of N (default 16, which ones depends on the seed; 1 with PATTERN)
#	DAMAGE_SCALE=N		random bytes (default 1)
#	DAMAGE_KEEP=DIR		leaves the damaged file of each case that fails there
use strict;
use warnings;
use lib 't/lib';
use Damage;
use Digest::MD5 qw(md5);
use Elfkit;
use File::Copy qw(copy);
use Test::More;

my $seed = $ENV{DAMAGE_SEED} // 1;
my $scale = $ENV{DAMAGE_SCALE} // 1;
my $pattern = shift @ARGV;
my $part = $ENV{DAMAGE_PART} // (defined $pattern ? 1 : 16);
my $cpu = (times)[2] + (times)[3];
my $kernel = $kernels[0];
my $build = $ENV{BUILD} || 'build';
my $source = 't/damage';
my $policy = "$source/boundary.yaml";
diag("seed $seed");

# the program that the fuzzers have, whatever the flags of the one that is tested elsewhere
is(system('make', '-s', "BUILD=$build", 'fuzz-build'), 0, 'elfkit builds with sanitizers') or BAIL_OUT('no elfkit');
my $program = "$build/fuzz/elfkit";

# A sanitizer ends the program with 99; memory beyond the limit is a report of one, too.
sub limit_memory {
	my ($mb) = @_;
	$ENV{ASAN_OPTIONS} = "exitcode=99:detect_leaks=1:hard_rss_limit_mb=$mb:max_allocation_size_mb=$mb";
	$ENV{UBSAN_OPTIONS} = 'print_stacktrace=1:exitcode=99';
	$ENV{LSAN_OPTIONS} = 'exitcode=99';
}

# The inputs: images and objects by compiler and DWARF version.
my @flags = qw(-g -O2 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -fcf-protection=none
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fstack-protector-strong -pg -mfentry);
my %inputs;

sub sh {
	my ($command) = @_;
	system("{ $command; } 2>$tmp/log") == 0 or die "$command: " . slurp("$tmp/log");
}

sub build_image {
	my ($name, $cc, @more) = @_;
	my $dir = "$tmp/$name";
	mkdir $dir;
	for my $file (qw(kernel/sched/core kernel/sched/fair kernel/outside loader)) {
		my $object = $dir . '/' . ($file =~ s/.*\///r) . '.o';
		sh("cd $source && $cc @flags -ffile-prefix-map=\$PWD=/tree @more -c -o $object $file.c");
	}
	sh("as -o $dir/entry.o $source/arch/entry.s");
	sh("cd $dir && ld -T $ENV{PWD}/$source/image.lds --emit-relocs --build-id -z noexecstack -e 0 -o vmlinux " .
		'core.o fair.o outside.o entry.o');
	sh("cd $dir && ld -r -o rebuilt.o core.o fair.o && ld -r -o joined.o rebuilt.o loader.o");
	$inputs{$name} = "$dir/vmlinux";
	$inputs{"$name.o"} = "$dir/joined.o";
	$inputs{"$name-rebuilt.o"} = "$dir/rebuilt.o";
}

# What stands for Kbuild hands over the object that is damaged, so that all behind it is reached.
sub fake_headers {
	my $dir = "$tmp/headers";
	sh("mkdir -p $dir/include/generated");
	spew("$dir/include/generated/utsrelease.h", "#define UTS_RELEASE \"9.9.9-damage\"\n");
	spew("$dir/Module.symvers", map { "0x0\t$_\tvmlinux\tEXPORT_SYMBOL\t\n" } qw(printk schedule wake_up));
	spew("$dir/Makefile", "%.o:\n\t\@cp \"\$(DAMAGED)\" \$(M)/\$@\n" .
		"modules:\n\t\@for f in \$(M)/*.o; do cp \$\$f \$\${f%.o}.ko; done\n");
	return $dir;
}

chomp($ENV{PWD} = `pwd`);
build_image('dwarf5', 'gcc', '-gdwarf-5', '-mrecord-mcount', '-mstack-protector-guard=tls');
build_image('dwarf4', 'gcc', '-gdwarf-4', '-mrecord-mcount', '-mstack-protector-guard=tls');
build_image('clang', 'clang', '-gdwarf-5', '-gpubnames');
sh("objcopy --compress-debug-sections=zlib $inputs{dwarf5} $tmp/compressed");
sh("objcopy --compress-debug-sections=zlib $inputs{'dwarf5.o'} $tmp/compressed.o");
$inputs{compressed} = "$tmp/compressed";
$inputs{'compressed.o'} = "$tmp/compressed.o";
# Each that was asked for; of relink, a module and its manifest, and debug information if that could be cut
sub is_made {
	my ($case, @files) = @_;
	return @files == (grep { /^OUT/ } @{$case->{command}}) if $case->{how} !~ /^relink/;
	return join(' ', map { m{.*/new\.ko(.*)} } sort @files) =~ /^(?: \.debug)? \.json$/;
}

my $headers = fake_headers();
open my $zeros, '>', "$tmp/zeros" or die;
truncate $zeros, 100 << 20;
close $zeros;
$inputs{zeros} = "$tmp/zeros";

# The commands: FILE is what is damaged, OUT a folder that must hold the output or nothing.
my @relink = ($program, 'relink', '-c', $policy, '--kernel-dir', $headers, '-o', 'OUT/new.ko', '--vmlinux');
my %commands = (
	structs => [$program, 'boundary', '--structs', '-c', $policy, '-o', 'OUT/report.yaml', '--html', 'OUT/page.html',
		'--dot', 'OUT/graph.dot', 'FILE'],
	boundary => [$program, 'boundary', '-c', $policy, 'FILE'],
	why => [$program, 'boundary', '-c', $policy, '--why', 'schedule', 'FILE'],
	refs => [$program, 'refs', 'FILE'],
	check => [$program, 'refs', '--check', 'FILE'],
	frame => [$program, 'frame', '-c', $policy, '__schedule', 'FILE'],
	'frame object' => [$program, 'frame', '-c', $policy, '--json', '--object', 'FILE', '__schedule',
		$inputs{dwarf5}],
	'relink image' => [@relink, 'FILE', $inputs{'dwarf5-rebuilt.o'}],
	'relink object' => [@relink, $inputs{dwarf5}, 'FILE'],
	'relink joined' => [@relink, $inputs{dwarf5}, $inputs{'dwarf5-rebuilt.o'}],
	policy => [$program, 'boundary', '-c', 'FILE', '--summary', $inputs{dwarf5}],
	'diff old' => [$program, 'diff', 'FILE', "$tmp/report.yaml"],
	'diff new' => [$program, 'diff', '--all', '--json', '-o', 'OUT/diff.json', '--html', 'OUT/diff.html', "$tmp/report.yaml",
		'FILE'],
);

my %may_find = map { $_ => 1 } 'check', 'frame', 'frame object', 'diff old', 'diff new', grep { /^relink/ } keys %commands;

# What is wrong with the outcome of a case, or undef.
sub wrong {
	my ($case, $r) = @_;
	my ($signal, $status) = ($r->{status} & 127, $r->{status} >> 8);
	my $to_file = grep { /^OUT/ } @{$case->{command}};
	my ($last) = $r->{err} =~ /([^\n]*\n)\z/;
	my $wrong =
		$signal == 14 ? "a hang: no end after $case->{seconds} s" :
		$r->{err} =~ /Sanitizer|runtime error:/ ? "sanitizer:\n" . substr($r->{err}, 0, 2500) :
		$signal ? "killed by signal $signal: $r->{err}" :
		$status > 2 || $status == 1 && !$may_find{$case->{how}} ? "exit status $status: $r->{err}" :
		@{$r->{left}} ? "left behind: @{$r->{left}}" :
		$r->{err} =~ /[^\n\x20-\x7e\x80-\xff]/ ? "control characters on stderr: $r->{err}" :
		undef;
	# relink refuses with exit status 1 and one reason a line, users and way out below; that may follow from damage, too
	my $refused = $case->{how} =~ /^relink/ && $status == 1;
	$wrong ||= "exit status 1 and no reason: $r->{err}" if $refused &&
		$r->{err} !~ /^refused: .*^the change cannot be loaded \(\d+ reasons?\)$/ms;
	$wrong ||= "refused, and @{$r->{made}}" if $refused && @{$r->{made}};
	$wrong ||= "odd lines on stderr: $r->{err}"
		if grep { !/^(?:elfkit|boundary|refs|diff|relink|changed|changed [\w ]+|new [\w ]+|gone [\w ]+|warning|note|refused): / &&
			!($case->{how} =~ /^relink/ && /^(?:    (?:outside|way out): |    and \d+ more$|the change cannot be loaded \()/) }
			split /\n/, $r->{err};
	$wrong ||= "refused: $r->{err}" if $case->{name} =~ /: intact$/ && ($status == 2 || $refused);
	if (!$wrong && $status == 2) {
		$wrong = $r->{out} ne '' ? 'an error and output' : @{$r->{made}} ? "an error and @{$r->{made}}" :
			$r->{err} !~ /^elfkit: [^\n]+\n\z/m || (() = $r->{err} =~ /^elfkit: /mg) != 1 ?
			"not one line that says what is wrong: $r->{err}" :
			index($r->{err}, $r->{file}) < 0 && $case->{how} !~ /^relink/ ?
			"the file is not named: $r->{err}" : undef;
	} elsif (!$wrong && !$refused) {
		$wrong = $r->{err} =~ /^elfkit: / ? "an error and exit status $status: $r->{err}" :
			$to_file && !is_made($case, @{$r->{made}}) ? "success and @{$r->{made}}" : undef;
		# what one command writes, another must be able to read
		if (!$wrong && $case->{id} % 8 == 0 && $case->{how} eq 'structs') {
			my ($written) = grep { /\.yaml$/ } @{$r->{made}};
			my $said = `$program diff --all $written $written 2>&1`;
			$wrong = "its report is not read back: $said" if $? || $said ne '';
		}
	}
	if ($wrong && $ENV{DAMAGE_KEEP}) {
		mkdir $ENV{DAMAGE_KEEP};
		copy($r->{file}, "$ENV{DAMAGE_KEEP}/$case->{id}");
		$wrong .= "\n  kept as $ENV{DAMAGE_KEEP}/$case->{id}";
	}
	return $wrong;
}

my $dropped = 0;

# Runs a group of cases; one test each group. Damage that changes nothing is left out.
sub sweep {
	my ($group, @cases) = @_;
	$_->{name} = "$_->{input}: $_->{how}: $_->{name}" for @cases;
	@cases = grep { $_->{name} =~ /$pattern/ } @cases if defined $pattern;
	my $all = @cases;
	@cases = grep { !is_intact($_, $inputs{$_->{input}}) } @cases;
	$dropped += $all - @cases;
	return if !@cases;
	if ($group !~ /^intact/) {
		# not every sixteenth, as commands take turns
		my @some = grep { unpack('L', md5("$seed $_->{name}")) % $part == 0 } @cases;
		@cases = @some ? @some : $cases[0];
	}
	for (@cases) {
		$_->{command} = $commands{$_->{how}};
		$_->{joined} = $inputs{'dwarf5.o'} if $_->{how} =~ /^relink (?:image|object)/;
	}
	$_->{seconds} //= 20 for @cases;
	my $start = time;
	my $wrong = run_cases(\@cases, \%inputs, 2, \&wrong);
	ok(!%$wrong, sprintf '%s: %d cases', $group, scalar @cases);
	my $shown = 0;
	for my $id (sort { $a <=> $b } keys %$wrong) {
		last if ++$shown > 10 && !$ENV{DAMAGE_KEEP};
		diag(($id < 0 ? $group : $cases[$id]{name}) . "\n  " . $wrong->{$id});
	}
	diag(keys(%$wrong) - 10, ' more fail') if $shown > 10;
	my $used = (times)[2] + (times)[3];
	note(sprintf '%d s, %.1f s of processor time', time - $start, $used - $cpu);
	$cpu = $used;
}

# Cases with an input and one of several commands, in turn.
sub on {
	my ($input, $hows, @cases) = @_;
	my $i = 0;
	return map { { %$_, input => $input, how => $hows->[$i++ % @$hows] } } @cases;
}

my @read = qw(.text .init.text .altinstr_replacement .rodata __ksymtab .altinstructions .ibt_endbr_seal .mcount .notes
	.data .symtab .strtab .shstrtab .rela.text .rela.data);
my @debug = map { ".debug_$_" } qw(info abbrev line loclists rnglists loc ranges str line_str str_offsets addr frame
	aranges names);

limit_memory(600);
sh("$program boundary --structs -c $policy -o $tmp/report.yaml $inputs{dwarf5}");
for my $how (qw(structs check)) {
	sweep("intact: $how", map { { name => 'intact', input => $_, how => $how } } qw(dwarf5 dwarf4 clang compressed));
}
sweep('intact: relink', map { { name => 'intact', input => $_, how => 'relink joined' } }
	qw(dwarf5.o dwarf4.o compressed.o));
sweep('intact: frame', on('dwarf5', ['frame'], { name => 'intact' }), on('dwarf4', ['frame'], { name => 'intact' }),
	on('dwarf5-rebuilt.o', ['frame object'], { name => 'intact' }));

my %elf = map { $_ => read_elf($inputs{$_}) } qw(dwarf5 dwarf4 clang compressed dwarf5.o dwarf5-rebuilt.o compressed.o);
seed_for($seed, 'header');
sweep('header', on('dwarf5', ['structs', 'check', 'relink image'], header_cases()),
	on('dwarf5.o', ['relink joined'], header_cases()), on('dwarf5-rebuilt.o', ['relink object'], header_cases()));
seed_for($seed, 'section headers');
sweep('section headers', on('dwarf5', ['structs'],
		section_header_cases($elf{dwarf5}, sub { $_[0]{name} !~ /^\.rela\.debug/ })),
	on('compressed', ['structs'], section_header_cases($elf{compressed}, sub { $_[0]{name} =~ /^\.debug_(?:info|str)$/ })),
	on('dwarf5.o', ['relink joined'],
		section_header_cases($elf{'dwarf5.o'}, sub { $_[0]{index} % 8 == $seed % 8 })));
seed_for($seed, 'frames');
# what is read for other commands as well is damaged for those
sweep('frames', on('dwarf5', ['frame'], header_cases(), (grep { $_->{name} =~ /frame|: header/ } truncations($elf{dwarf5})),
		byte_cases($elf{dwarf5}, 24 * $scale, '.text', '.symtab', '.strtab', '.debug_frame', '.eh_frame', '.debug_info')),
	on('dwarf5-rebuilt.o', ['frame object'], header_cases(),
		byte_cases($elf{'dwarf5-rebuilt.o'}, 12 * $scale, '.text', '.rela.text', '.symtab', '.strtab', '.debug_frame')));
seed_for($seed, 'truncations');
sweep('truncations', on('dwarf5', ['structs', 'refs'], truncations($elf{dwarf5})),
	on('compressed', ['structs'], truncations($elf{compressed})),
	on('dwarf5-rebuilt.o', ['relink object'], truncations($elf{'dwarf5-rebuilt.o'})));
seed_for($seed, 'bytes');
sweep('bytes of code, data and symbols', on('dwarf5', ['structs', 'check', 'refs', 'structs', 'relink image'],
	byte_cases($elf{dwarf5}, 24 * $scale, @read)));
sweep('bytes of DWARF 5', on('dwarf5', ['structs'], byte_cases($elf{dwarf5}, 40 * $scale, @debug)),
	on('dwarf5', ['structs', 'structs', 'boundary', 'why'],
		byte_cases($elf{dwarf5}, 100 * $scale, '.debug_info', '.debug_abbrev')));
sweep('bytes of DWARF 4', on('dwarf4', ['structs'], byte_cases($elf{dwarf4}, 30 * $scale, @debug)));
sweep("bytes of clang's DWARF 5", on('clang', ['structs'], byte_cases($elf{clang}, 20 * $scale, @debug)));
sweep('bytes of compressed DWARF', on('compressed', ['structs'], byte_cases($elf{compressed}, 12 * $scale, @debug)));
sweep('bytes of an object', on('dwarf5.o', ['relink joined'], byte_cases($elf{'dwarf5.o'}, 12 * $scale,
	'.text', '.rela.text', '.symtab', '.strtab', '.shstrtab', '.data', '.rela.data', '.rodata',
	'.rela.rodata', @debug, '.rela.debug_info')));
seed_for($seed, 'objects');
sweep('bytes of an object as it is given', on('dwarf5-rebuilt.o', ['relink object'],
	byte_cases($elf{'dwarf5-rebuilt.o'}, 12 * $scale, '.text', '.rela.text', '.symtab', '.strtab', '.shstrtab')));

# 100 MB of zeros for every file that is read
sweep('100 MB of zeros', map { { name => 'all', input => 'zeros', how => $_ } }
	'structs', 'refs', 'relink image', 'relink object', 'relink joined', 'policy', 'diff old', 'diff new');

# YAML, as policy and as report
my ($policy_text, $report) = (slurp($policy), slurp("$tmp/report.yaml"));
sub yaml_bombs {
	my ($good) = @_;
	my $deep = 200_000;
	my @bombs = (
		['aliases of aliases', join '', "a0: &a0 [x, x]\n", map { sprintf "a%d: &a%d [%s]\n", $_, $_,
			join ', ', ("*a" . ($_ - 1)) x 10 } 1 .. 30],
		['an alias of itself', "files: &a [*a]\n"],
		['a list of one million aliases', "files: [&a kernel/sched/core.c" . ', *a' x 1_000_000 . "]\n"],
		['deep lists', 'files: ' . '[' x $deep . ']' x $deep . "\n"],
		['deep lists without end', 'files: ' . '[' x $deep],
		['deep mappings', 'files: ' . '{a: ' x $deep],
		['deep by indentation', join '', map { ' ' x $_ . "a:\n" } 0 .. 2000],
		['deep by dashes', '- ' x $deep . "\n"],
		['deep keys', '? ' x $deep . "\n"],
		['a scalar of 50 MB', 'files: [' . 'a' x 50_000_000 . "]\n"],
		['a quoted scalar of 5 MB', 'files: ["' . '\\x41' x 1_250_000 . "\"]\n"],
		['a block of 5 MB', "files:\n - |\n" . "  line\n" x 700_000],
		['a million keys', join '', map { "k$_: 1\n" } 1 .. 1_000_000],
		['one key a million times', $good . "files: []\n" x 1_000_000],
		['a million documents', "--- {}\n" x 1_000_000],
		['two documents', $good . "---\n" . $good],
		['control characters', $good =~ s/why: /why: "\\x1b[2J\\x07" #/gr],
		['bytes that are no text', $good =~ s/c$/\xff\xfe/mgr],
		['UTF-16', join '', "\xff\xfe", map { "$_\0" } split //, $good],
		['directives', "%YAML 9.9\n%TAG ! tag:x,2000:\n--- !x\n" . $good],
		['tags', $good =~ s/^(\w+:)/$1 !!map/mgr],
		['a number of 1 MB', $good =~ s/(size|line): \d+/"$1: " . '9' x 1_000_000/er],
		['only a comment', '#' x 1_000_000],
		['NUL behind', $good . "\0" x 100],
	);
	return map { { name => $_->[0], content => $_->[1] } } @bombs;
}
sub yaml_damage {
	my ($good, $n) = @_;
	return map {
		my $text = $good;
		my $off = pick(length $text);
		my $how = pick(4);
		substr($text, $off, 1 + pick(8)) = $how == 0 ? '' : join '', map {
			$how == 1 ? chr pick(256) : substr '{}[]&*#?|>-:%@`"\',' . "\n\t ", pick(21), 1 } 0 .. pick(4) if $how < 3;
		$text = substr $text, 0, $off if $how == 3;
		{ name => sprintf('byte %d, way %d', $off, $how), content => $text };
	} 1 .. $n;
}
seed_for($seed, 'yaml');
sweep('YAML bombs', on('policy.yaml', ['policy'], yaml_bombs($policy_text)),
	map { on('report.yaml', ['diff old'], $_), on('report.yaml', ['diff new'], $_) } yaml_bombs($report));
sweep('damaged YAML', on('policy.yaml', ['policy'], yaml_damage($policy_text, 80 * $scale)),
	on('report.yaml', ['diff old', 'diff new'], yaml_damage($report, 160 * $scale)));

# A real kernel.  What is told at once is cheap; what is read in full is not, so that there is little of it.
my $shipped = 'boundary.yaml';
$inputs{vmlinux} = kernel_dir($kernel) . '/vmlinux';
$commands{'kernel boundary'} = [$program, 'boundary', '-c', $shipped, '-o', 'OUT/report.yaml', 'FILE'];
$commands{'kernel structs'} = [$program, 'boundary', '--structs', '-c', $shipped, '-o', 'OUT/report.yaml', 'FILE'];
$commands{'kernel refs'} = [$program, 'refs', '--check', 'FILE'];
$may_find{'kernel refs'} = 1;
my $vmlinux = read_elf($inputs{vmlinux});
limit_memory(6000);
seed_for($seed, 'kernel');
my @tail = map { { name => "truncated by $_ bytes", size => $vmlinux->{size} - $_ } } 1, 64, 2048, 1 << 20;
my @headers = grep { pick(16) == 0 } header_cases();
my @section_headers = grep { $_->{name} =~ /sh_(offset|size|addr|link)/ && pick(8) == 0 } section_header_cases($vmlinux,
	sub { $_[0]{name} =~ /^\.(?:text|symtab|strtab|debug_(?:info|abbrev|line|str))$/ });
sweep("kernel $kernel", map { { %$_, seconds => 200 } }
	on('vmlinux', ['kernel boundary'], @tail, @headers, @section_headers),
	on('vmlinux', ['kernel refs'], byte_cases($vmlinux, 1, '.text', '.rela.text'), block_cases($vmlinux, 1, '.symtab')),
	on('vmlinux', ['kernel boundary'], block_cases($vmlinux, 1, '.text', '.strtab', @debug)),
	on('vmlinux', ['kernel structs'], byte_cases($vmlinux, 1, qw(.debug_info .debug_abbrev .debug_loclists .debug_str))));
note("$dropped cases left out, which were as the intact file");
done_testing;
