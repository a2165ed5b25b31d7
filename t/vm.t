#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# A live kernel: swap, text identical, rounds under load, tasks in the way, wrong builds.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use JSON::PP;
use Test::More;

my $programs = ($ENV{BUILD} || 'build') . '/t/vm';

# A copy of a module as it would be for a build with another build-id where all that is not exported lies 8
# bytes lower, exported symbols too with $landmarks. Returns the anchor and how far from it is what registering the
# copy's jump labels would write: the second word of each key.
sub other_build {
	my ($path, $id, $landmarks, $copy) = @_;
	my $ko = slurp($path);
	my ($shoff, $shnum, $shstrndx) = unpack 'x40 Q< x12 S< S<', $ko;
	my @sections = map { my %s; @s{qw(name type flags addr offset size link info align entsize)} =
		unpack 'L< L< Q< Q< Q< Q< L< L< Q< Q<', substr $ko, $shoff + 64 * $_, 64; \%s } 0 .. $shnum - 1;
	$_->{name} = unpack 'Z*', substr $ko, $sections[$shstrndx]{offset} + $_->{name}, 256 for @sections;
	my ($symtab) = grep { $_->{type} == 2 } @sections;
	my $undefined = sub { !unpack 'x6 S<', substr $ko, $symtab->{offset} + 24 * $_[0], 8 };
	my ($table) = grep { $_->{name} eq '.elfkit.table' } @sections;
	my (%uses, @relocs, @keys);
	for my $rela (grep { $_->{type} == 4 } @sections) {
		for (my $at = $rela->{offset}; $at < $rela->{offset} + $rela->{size}; $at += 24) {
			my ($place, $type, $symbol) = unpack 'Q< L< L<', substr $ko, $at, 16;
			next if !$symbol || !$undefined->($symbol);
			$uses{$symbol}++;
			push @relocs, [$at, $place, $symbol, $sections[$rela->{info}]];
		}
	}
	my ($anchor) = sort { $uses{$b} <=> $uses{$a} } keys %uses;
	for (@relocs) {
		my ($at, $place, $symbol, $section) = @$_;
		my $addend = unpack 'q<', substr $ko, $at + 16, 8;
		if ($section == $table) {
			next if !$landmarks || $symbol == $anchor;
			my $distance = $table->{offset} + $place + 8;
			substr($ko, $distance, 8) = pack 'q<', -8 + unpack 'q<', substr $ko, $distance, 8;
		} elsif ($symbol == $anchor) {
			substr($ko, $at + 16, 8) = pack 'q<', $addend - 8;
			push @keys, $addend & ~3 if $section->{name} =~ /jump_/ && $place % 16 == 8;
		}
	}
	my $at = index $ko, pack('H*', $id), $table->{offset};
	die "no build-id in $path" if $at < 0;
	substr($ko, $at, 1) ^= "\xff";
	spew($copy, $ko);
	my ($name) = unpack 'L<', substr $ko, $symtab->{offset} + 24 * $anchor, 4;
	return (unpack('Z*', substr $ko, $sections[$symtab->{link}]{offset} + $name, 256), @keys);
}

# Bytes in the table of a module that stand for bytes of functions to be replaced, spread over all of them: where each
# is in the file, another value for it in octal, and the place in the kernel. What the kernel itself rewrites is left out.
sub flips {
	my ($path, $count) = @_;
	my $ko = slurp($path);
	my ($start, $at) = `readelf -SW $path` =~ /\.elfkit\.table +PROGBITS +(\w+) (\w+)/ or die "no table in $path";
	$at = hex $at;
	my ($inside, %points, %anchored) = 0;
	for (`readelf -rW $path 2>/dev/null`) {
		$inside = /'\.rela\.elfkit\.table'/ if /^Relocation section/;
		next if !$inside;
		my ($place, $sign, $addend) = /^(\w+) .* ([+-]) (\w+)$/ or next;
		$points{hex $place} = ($sign eq '-' ? -1 : 1) * hex $addend;
	}
	my ($ranges, $nr_ranges, $bodies, $size, $holes, $nr_holes) = map { $_ % 2 ?
		unpack 'Q<', substr $ko, $at + 104 + 8 * $_, 8 : $points{104 + 8 * $_} } 0 .. 5;
	my %hole = map { my ($from, $n) = unpack 'L< S<', substr $ko, $at + $holes + 8 * $_, 6;
		map { $_ => 1 } $from .. $from + $n - 1 } 0 .. $nr_holes - 1;
	my ($base, %where) = 0;
	for my $range (map { $ranges + 24 * $_ } 0 .. $nr_ranges - 1) {
		my $name = unpack 'Z*', substr $ko, $at + $points{$range + 16}, 256;
		$where{$base + $_} = sprintf '%s+0x%x', $name, $_ for 0 .. $points{$range + 8} - $points{$range} - 1;
		$base += $points{$range + 8} - $points{$range};
	}
	die "bodies of $path: $base and $size bytes" if $base != $size;
	return map {
		my $byte = int $size * ($_ + 0.5) / $count;
		$byte++ while $hole{$byte};
		my $place = $at + $bodies + $byte;
		sprintf "%d %03o %s\n", $place, 1 ^ ord substr($ko, $place, 1), $where{$byte};
	} 0 .. $count - 1;
}

# A module that replaces the functions of one object only
sub part {
	my ($kernel, $name) = @_;
	my $dir = kernel_dir($kernel);
	my ($object) = grep { m{/$name\.o$} } objects($kernel, 'none');
	my ($status, undef, $err) = run($elfkit, 'relink', '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/$name.ko", $object);
	die $err if $status;
	return "$tmp/$name.ko";
}

# What t/vm/failures.sh says
sub check_failures {
	my ($kernel, $out) = @_;
	my %short = map { $_ => [$out =~ /^short of memory, $_: (\d+) refused, (\d+) done without/m] } qw(load back replace);
	cmp_ok($short{load}[0] // 0, '>=', 17, "$kernel: each request for memory of a load fails once, to the last");
	cmp_ok($short{$_}[0] // 0, '>=', 7, "$kernel: the same for $_") for qw(back replace);
	cmp_ok($out =~ /^tracers in the middle: (\d+) functions traced$/m ? $1 : 0, '>=', 10, "$kernel: tracers that come in the middle find all functions");
	is_deeply([map { $short{$_}[1] } qw(load back replace)], [3, 3, 3], "$kernel: what looks on may be missing");
	for my $what ('back', 'replace by a write') {
		my $module = $what eq 'back' ? 'sched' : 'hello';
		like($out, qr/^$what, runqueue: elfkit: $module: refused: the runqueue of CPU 0 does not add up/m, "$kernel: $what: a wrong runqueue");
		like($out, qr/^$what, stack: elfkit: $module: .* given up after 2 tries, nothing changed/m, "$kernel: $what: a bad stack");
	}
	like($out, qr/^replace, busy: elfkit: hello: refused: sched is being switched at this moment; try again$/m,
		"$kernel: one that is being switched is not replaced");
	like($out, qr/^replace two: elfkit: sched: refused: (?:core and fair|fair and core) both have functions of it; disable one$/m,
		"$kernel: nor are two at once");
	for my $what ('load', 'back') {
		like($out, qr/^$what with a kprobe that is off: elfkit: sched: refused: a kprobe is registered at __schedule\+0x0, though it is switched off/m,
			"$kernel: $what with a kprobe that is not armed is refused");
	}
	like($out, qr/^load with livepatch: elfkit: sched: refused: set_user_nice\+0x\w+ .*: livepatch \(klp_ftrace_handler\) is attached$/m,
		"$kernel: a livepatch is in the way, by name");
	like($out, qr/^livepatch while it is in: 0 calls$/m, "$kernel: one that comes later has no effect");
	like($out, qr/^back with livepatch: elfkit: sched: refused: .*livepatch.* is attached to set_user_nice;/m, "$kernel: but has to go first");
}

# The shared libraries that a program wants, for a guest that has none of them
sub libraries {
	return `ldd $_[0]` =~ m{(/\S+\.so\S*)}g;
}

# What elfkit said for @said{...}: its lines behind each "elfkit, WHAT: "
sub check_commands {
	my ($kernel, $out) = @_;
	my %said;
	$said{$1} .= "$2\n" while $out =~ /^elfkit, ([\w, ]+): (.*)$/mg;
	my $parked = qr/pid \d+ \(parked\) is in \w+/;
	is($said{nothing}, "no elfkit module is loaded\nelfkit: no elfkit module is loaded\n", "$kernel: status and unload of nothing");
	is($said{'no module'}, "elfkit: script: not a module that elfkit relink has made\n", "$kernel: load of something else");
	like($said{load}, qr/\Asched: loaded, \d+ functions, stopped \d+ us\n\z/, "$kernel: load");
	like($said{loaded}, qr/\Asched: enabled\n  functions  \d+\n  build-id   \w+\n  load       stopped \d+ us, total \d+ us, 1 try, 1 CPUs\n\z/,
		"$kernel: status");
	my $json = eval { decode_json($said{json}) } // {};
	my ($module) = @{$json->{modules} // []};
	is_deeply([$json->{elfkit_status}, scalar @{$json->{modules} // []}, @$module{qw(name enabled confirmed blockers)}],
		[1, 1, 'sched', JSON::PP::true, JSON::PP::true, []], "$kernel: status --json");
	cmp_ok($module->{timing}{load_stopped_ns} // 0, '>', 0, "$kernel: has the times");
	cmp_ok($module->{functions} // 0, '>=', 300, "$kernel: and the functions");
	like($said{again}, qr/^load: sched: a module of this name is loaded; .*\nload: sched: not loaded, nothing has changed$/m,
		"$kernel: loading it again is refused");
	like($said{other}, qr/\Ahello: loaded, \d+ functions, stopped \d+ us\n\z/, "$kernel: another takes over");
	like($said{both}, qr/\Ahello: enabled\n(?:  .*\n)*sched: disabled\n/, "$kernel: status of both");
	like($said{two}, qr/\Aelfkit: 2 elfkit modules are loaded, hello and sched among them: name one$/, "$kernel: unload of one of two");
	is($said{removed}, "sched: removed\n", "$kernel: unload of one that is disabled");
	my %json = map { $_ => eval { decode_json($said{$_} =~ s/^(?:un)?load: .*\n//mgr) } // {} } qw(refused third gone);
	is_deeply([map { [@{$json{$_}}{qw(name done)}] } qw(refused third gone)], [['sched', JSON::PP::false], ['sched', JSON::PP::true],
		['hello', JSON::PP::true]], "$kernel: load and unload --json");
	like("@{$json{refused}{log} // []}", qr/a module of this name is loaded;.*not loaded, nothing has changed/, "$kernel: says why not");
	is($json{third}{module}{enabled}, JSON::PP::true, "$kernel: and how it is loaded");
	like($said{'unload, parked'}, qr/^unload: sched: $parked\n(?:unload: sched:   \w.*\n)+.*given up after 2 tries.*\nunload: sched: still enabled/m,
		"$kernel: a task in the way of unload is named, with its stack");
	like($said{blocked}, qr/^sched: enabled\n(?:  .*\n)*  the last switch failed:\n    $parked\n/, "$kernel: and in the status");
	like($said{'unload, retry'}, qr/^unload: sched: trying again, 1 of 60\n(?:.*\n)*sched: removed\n\z/m, "$kernel: unload --retry");
	like($said{'load, parked'}, qr/^load: sched: $parked\n(?:load: sched:   \w.*\n)+.*given up after 2 tries.*\nload: sched: not loaded/m,
		"$kernel: a task in the way of load is named, with its stack");
	like($said{'load, retry'}, qr/^load: sched: trying again, 1 of 60\n(?:.*\n)*sched: loaded, .*; to stay: echo 1 > .*\/sched\/confirm\n\z/m,
		"$kernel: load --retry --probation");
	like($said{probation}, qr/^sched: enabled, on probation: /, "$kernel: status of one on probation");
	is($said{unload}, "sched: removed\n", "$kernel: unload");
	check_trials($kernel, %said);
}

# load on probation, with a health command
sub check_trials {
	my ($kernel, %said) = @_;
	my $failed = 'load: hello: the health command failed:';
	is($said{fits}, "sched: is for the running kernel\n", "$kernel: load --check");
	like($said{healthy}, qr/^load: sched: health command: .*\n(?:.*\n)*sched: confirmed\n\z/m, "$kernel: load --health confirms");
	is($said{'in already'}, "sched: is loaded already\n", "$kernel: load --replace of what is in does nothing");
	is($said{conflict}, "load: hello: refused: sched is in, which is not to be replaced; elfkit unload sched first\n",
		"$kernel: load --replace refuses where another is in");
	like($said{sick}, qr/^$failed exit status 3; going back\nload: sched: is in again, as before$/m, "$kernel: a health command that fails puts back what was in");
	like($said{slow}, qr/^$failed not done within 1 s; going back\nload: sched: is in again, as before$/m, "$kernel: so does one that takes too long");
	like($said{better}, qr/^hello: confirmed\nsched: removed$/m, "$kernel: one that succeeds removes it");
	like($said{'after trials'}, qr/\Ahello: enabled\n(?:  .*\n)*\z/, "$kernel: status says the same");
	is($said{patterns}, "hello: removed\n", "$kernel: unload of patterns");
	like($said{'sick alone'}, qr/^$failed exit status 1; going back\nload: hello: the kernel's own scheduler is in$/m,
		"$kernel: where none was in, the kernel's own is");
	is($said{none}, undef, "$kernel: unload --if-loaded has nothing to say");
}

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my $hello = module($kernel, 'hello', 'hello.ko');

	my ($out, $dmesg) = guest($kernel, 'swap and back', 1800, 't/vm/demo.sh', $hello, "$programs/textdump");
	like($out, qr/^scheduler: Hi, I'm the new scheduler!$/m, "$kernel: the new scheduler ran");
	my ($functions) = $out =~ /loaded: (\d+) functions/;
	cmp_ok($functions // 0, '>=', 300, "$kernel: at least 300 entries jump");
	like($out, qr/kernel text identical: all \d+ bytes/, "$kernel: the text is as before");
	unlike($dmesg, qr/nokaslr|KASLR disabled/, "$kernel: with KASLR");

	my $sched = module($kernel, 'none', 'sched.ko');
	mkdir "$tmp/keep";
	my ($kept, undef, $note) = relink($kernel, 'none', 'keep/sched.ko', '-c',
		spew("$tmp/keep.yaml", slurp('boundary.yaml') =~ s/^state: rebuild$/state: keep/mr));
	is($kept, 0, "$kernel: relinks with `state: keep`");
	like($note, qr/^note: runqueues stay as they are at the switch: .*keep.yaml says so$/m, "$kernel: and says so");
	($out) = guest($kernel, 'a task in the way', 1800, 't/vm/parked.sh', "$tmp/keep/sched.ko", "$programs/parked");
	like($out, qr/^pid \d+ \(parked\) is in \w*(?:cpu_mask|setaffinity)\w*$/m, "$kernel: the task and its function are named");
	like($out, qr/^loading given up after 2 tries, nothing changed$/m, "$kernel: the load is given up");
	like($out, qr/^loaded once it was out$/m, "$kernel: and succeeds later");
	like($out, qr/^went back once it was out$/m, "$kernel: the same for going back");

	# t/soak does more of them
	spew("$tmp/rounds", 2);
	($out) = guest($kernel, 'rounds under load', 1800, 't/vm/reload.sh', $sched, "$tmp/rounds");
	like($out, qr/^2 rounds, \d+ refusals, 2 times text identical$/m, "$kernel: all rounds done");
	diag($out =~ /^(\d+ rounds.*)/m ? "$kernel: $1" : $out);

	# a kernel rewrites its code for the processor that it finds, so there is one of each kind here: return
	# thunks, calls that are counted (where the kernel can), and further down none of that, and an old one
	guest($kernel, 'static keys, 1 CPU', 1800, 't/vm/keys.sh', $sched, '-c', 1, '-p', 'Skylake-Client', '-a', 'retbleed=stuff');
	guest($kernel, 'static keys, 2 CPUs', 1800, 't/vm/keys.sh', $sched, '-c', 2, '-p', 'EPYC-Rome');

	my $id = build_id("$dir/vmlinux");
	spew("$tmp/build_id", $id);
	# one that tells others of an ABI that they do not know: its struct elfkit_peer, which is in its data, behind all code
	my $stranger = slurp($hello);
	substr($stranger, 4 + rindex($stranger, pack 'L<', 0x656c666b), 4) = pack 'L<', 99;
	spew("$tmp/stranger.ko", $stranger);
	($out) = guest($kernel, 'control files, tracers, failures', 1800, 't/vm/control.sh', $sched, $hello, "$tmp/stranger.ko",
		"$tmp/build_id", $elfkit, libraries($elfkit), spew("$tmp/flips", flips($sched, 6)), (map { "$programs/$_" } qw(textdump parked)),
		't/vm/failures.sh', kbuild($kernel, 'livepatch'), kbuild($kernel, 'probe'), part($kernel, 'core'), part($kernel, 'fair'), '-c', 1);
	like($out, qr/^no trace is left$/m, "$kernel: nothing of them is left");
	like($out, qr/^second module: elfkit: sched: refused: \w+\+0x\w+ has the bytes .*: elfkit module hello has put a jump there/m,
		"$kernel: a module with another ABI is in the way, by name");
	like($out, qr/^replace, fault: elfkit: hello: refused: the runqueue of CPU 0 does not add up/m,
		"$kernel: a wrong runqueue keeps one module from replacing another");
	like($out, qr/^replace, stack: elfkit: hello: loading given up after 2 tries, nothing changed/m, "$kernel: so does a bad stack");
	like($out, qr/^replace, parked: elfkit: hello: pid \d+ \(parked\) is in get_user_cpu_mask [1-9]/m,
		"$kernel: so does a task in the first one's code, by name");
	like($out, qr/^replace with $_: elfkit: hello: refused: somebody traces a function of sched/m, "$kernel: so does $_")
		for qw(function function_graph);
	like($out, qr/^replaced: 4 times$/m, "$kernel: otherwise it takes over");
	for my $who ('back with function', 'back with function_graph', 'back with a kprobe') {
		like($out, qr/^$who: elfkit: sched: refused: function tracing, a kprobe, .* is attached to \w+;/m,
			"$kernel: $who is refused");
	}
	my $changed = 'elfkit: sched: refused: [\w.]+\+0x\w+ has the bytes e8 .* instead of .*:';
	like($out, qr/^load with function: $changed function tracing \(.*function.*\) is attached/m, "$kernel: load with function is refused");
	like($out, qr/^load with function_graph: $changed function tracing \(.*\) is attached/m, "$kernel: load with function_graph is refused");
	like($out, qr/^load with a kprobe: $changed a kprobe is there/m, "$kernel: load with a kprobe is refused");
	my $at = sprintf '0x%x', $out =~ /^load with a kprobe at (\d+):/m;
	like($out, qr/^load with a kprobe at \d+: elfkit: sched: refused: set_user_nice\+$at has the bytes .*: a kprobe is there/m,
		"$kernel: load with a kprobe in the middle is refused");
	like($out, qr/^changed byte \Q$_\E: elfkit: sched: refused: \Q$_\E has the bytes .*: nobody is known to be there/m,
		"$kernel: another byte at $_ is refused") for map { /(\S+)$/ } split /\n/, slurp("$tmp/flips");
	like($out, qr/^blockers: \d+ parked \w+$/m, "$kernel: sysfs names a task in the way");
	check_commands($kernel, $out);
	check_failures($kernel, $out);

	($out, $dmesg) = guest($kernel, 'CPUs that come and go', 1800, 't/vm/hotplug.sh', $sched, "$programs/textdump",
		'-a', 'mitigations=off');
	like($out, qr/^no trace is left$/m, "$kernel: nothing of that is left");
	is_deeply([$out =~ /^(?:load|back) with CPU 1 to \d: (\d) CPUs$/mg], [1, 2, 2, 1], "$kernel: a CPU goes and comes before the stop");
	like($out, qr/^asleep: 1 times$/m, "$kernel: the machine sleeps and wakes");
	like($dmesg, qr/reboot: Power down\s*\z/, "$kernel: and is switched off with the module in");

	# what a rebuild with the same release looks like; the second finds all landmarks where they were
	my ($anchor, @keys) = other_build($sched, $id, 1, "$tmp/moved.ko");
	other_build($sched, $id, 0, "$tmp/other.ko");
	cmp_ok(scalar @keys, '>', 100, "$kernel: a module for another build has jump labels");
	spew("$tmp/keys", map { "$_\n" } @keys);
	spew("$tmp/anchor", $anchor);
	($out) = guest($kernel, 'modules for another build', 1800, 't/vm/other.sh', $sched,
		(map { "$tmp/$_" } qw(moved.ko other.ko keys anchor)), "$programs/textdump", '-c', 1, '-p', 'qemu64');
	like($out, qr/refused: made for kernel .*build-id .*, but this is another build/, "$kernel: one is refused by distances");
	like($out, qr/refused: made for kernel .*build-id .*; running is .*build-id $id/, "$kernel: one with both build-ids");
	like($out, qr/^nothing was written/m, "$kernel: before anything was written");
}
done_testing;
