#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What elfkit sees of calls, jumps and addresses, held against objdump and against the
# relocations that the linker has retained.  A difference needs a cause in t/refs.known.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

use constant { SHT_PROGBITS => 1, SHT_SYMTAB => 2, SHT_RELA => 4, SHF_ALLOC => 2, SHF_EXECINSTR => 4 };
use constant { R_64 => 1, R_PC32 => 2, R_PLT32 => 4, R_32 => 10, R_32S => 11, R_PC64 => 24 };
no warnings 'portable';

# Sections and symbols of an ELF file, read without elfkit's code
sub read_elf {
	my ($path) = @_;
	open my $f, '<:raw', $path or die "$path: $!";
	my $bytes = sub {
		my ($offset, $size) = @_;
		seek $f, $offset, 0;
		read($f, my $data, $size) == $size or die "$path: short";
		return $data;
	};
	my ($shoff, $shnum, $strndx) = unpack('x40 Q x12 S S', $bytes->(0, 64));
	my @sections = map {
		my %s;
		@s{qw(name type flags addr offset size link info)} = unpack('L L Q Q Q Q L L', $bytes->($shoff + 64 * $_, 64));
		$s{index} = $_;
		\%s;
	} 0 .. $shnum - 1;
	my $names = $bytes->($sections[$strndx]{offset}, $sections[$strndx]{size});
	$_->{name} = unpack('Z*', substr($names, $_->{name})) for @sections;
	return { sections => \@sections, bytes => sub { my ($s) = @_; $bytes->($s->{offset}, $s->{size}) } };
}

# [value, name, type, section, size] of every symbol
sub symbols_of {
	my ($elf) = @_;
	my ($symtab) = grep { $_->{type} == SHT_SYMTAB } @{$elf->{sections}};
	my $names = $elf->{bytes}->($elf->{sections}[$symtab->{link}]);
	my @all = unpack('(L C C S Q Q)*', $elf->{bytes}->($symtab));
	my @symbols;
	while (my ($name, $info, undef, $section, $value, $size) = splice @all, 0, 6) {
		push @symbols, [$value, unpack("x$name Z*", $names), $info & 15, $section, $size];
	}
	return \@symbols;
}

# [offset, type, symbol, addend] of a relocation section
sub relocations_of {
	my ($elf, $section) = @_;
	my @all = unpack('(Q L L q)*', $elf->{bytes}->($section));
	my @relocations;
	push @relocations, [splice @all, 0, 4] while @all;
	return \@relocations;
}

sub is_code { ($_[0]{flags} & (SHF_ALLOC | SHF_EXECINSTR)) == (SHF_ALLOC | SHF_EXECINSTR) }

# Functions as [low, high], sorted, one an address: what carries a size in a code section
sub functions_of {
	my ($elf, $symbols) = @_;
	my %high;
	for my $s (@$symbols) {
		my ($value, undef, $type, $section, $size) = @$s;
		next unless $size && ($type == 2 || $type == 0) && $section && $section < @{$elf->{sections}} &&
			is_code($elf->{sections}[$section]);
		$high{$value} = $value + $size if $value + $size > ($high{$value} // 0);
	}
	return [map { [$_, $high{$_}] } sort { $a <=> $b } keys %high];
}

my %at_cache;
sub function_at {
	my ($functions, $addr) = @_;
	return $at_cache{$addr} //= do {
		my ($lo, $hi) = (0, scalar @$functions);
		while ($lo < $hi) {
			my $mid = ($lo + $hi) >> 1;
			$functions->[$mid][0] <= $addr ? ($lo = $mid + 1) : ($hi = $mid);
		}
		$lo && $addr < $functions->[$lo - 1][1] ? $lo - 1 : -1;
	};
}

# "call|jump AT TARGET" of everything that leaves its function, as objdump sees it
sub objdump_edges {
	my ($vmlinux, $functions) = @_;
	my $branch = q{$'\\t[a-z0-9,. ]*(call|j[a-z]+|loop[a-z]*|xbegin) +[0-9a-f]{6,}'};
	open my $out, '-|', 'bash', '-c', "objdump -d --no-show-raw-insn '$vmlinux' | LC_ALL=C grep -E $branch" or die;
	my (%edges, $from);
	$from = 0;
	while (<$out>) {
		my ($at, $mnemonic, $target) = /^\s*(\w+):\t.*?\b(call|j[a-z]+|loop[a-z]*|xbegin) +(\w+)/ or next;
		next if $mnemonic eq 'xbegin';
		my ($a, $t) = (hex $at, hex $target);
		$from++ while $from + 1 < @$functions && $functions->[$from + 1][0] <= $a;
		my ($low, $high) = @{$functions->[$from]};
		my $own = $a >= $low && $a < $high ? $from : -1;
		next if $own >= 0 && $t >= $low && $t < $high && function_at($functions, $t) == $own;
		my $to = function_at($functions, $t);
		next if $to < 0 || $to == $own;
		$edges{($mnemonic eq 'call' ? 'call' : 'jump') . " $at $target"} = 1;
	}
	return \%edges;
}

# [section, function] for each pointer to a function in an object, but in tables of places
sub function_pointers {
	my ($path) = @_;
	my $elf = read_elf($path);
	my $symbols = symbols_of($elf);
	my (%function, @found, %seen);
	for my $s (@$symbols) {
		$function{"$s->[3] $s->[0]"} //= $s->[1] if $s->[2] == 2 && $s->[3];
	}
	for my $rela (grep { $_->{type} == SHT_RELA } @{$elf->{sections}}) {
		my $section = $elf->{sections}[$rela->{info}];
		next unless $section->{flags} & SHF_ALLOC;
		next if $section->{name} =~ /^(?:__mcount_loc|__patchable|\.orc_|__bug_table|__jump_table|__ex_table|_kprobe_blacklist|\.discard|\.(?:smp_locks|altinstructions|parainstructions|return_sites|retpoline_sites|call_sites|ibt_endbr_seal|static_call_)|\.eh_frame)/;
		for (@{relocations_of($elf, $rela)}) {
			my (undef, $type, $symbol, $addend) = @$_;
			my $s = $symbols->[$symbol];
			next unless $type == R_64 || (is_code($section) ? $type == R_32S || $type == R_32 : $type == R_PC32);
			my $name = $s->[3] ? $function{"$s->[3] " . ($s->[0] + $addend)} : $addend ? undef : $s->[1];
			push @found, [$section->{name}, $name] if defined $name && !$seen{"$section->{name} $name"}++;
		}
	}
	return @found;
}

# t/refs.known: KERNEL-PATTERN <tab> SIDE <tab> PLACE-PATTERN <tab> CAUSE
my @known = map { [split /\t+/, s/\n//r, 4] } grep { /^[^#\n]/ } split /^/, slurp('t/refs.known');
my %used;

# Differences without a cause, each as "side: what"
sub unexplained {
	my ($kernel, $side, @places) = @_;
	my @left;
	PLACE: for my $place (@places) {
		for my $k (@known) {
			next unless $kernel =~ /^(?:$k->[0])$/ && $side eq $k->[1] && $place =~ /$k->[2]/;
			$used{$k}++;
			next PLACE;
		}
		push @left, "$side: $place";
	}
	return @left;
}

sub none_left {
	my ($what, @left) = @_;
	ok(!@left, $what) or diag(scalar(@left), " without a cause:\n", map { "  $_\n" } @left > 40 ? @left[0 .. 39] : @left);
}

for my $kernel (@kernels) {
	my $dir = kernel_dir($kernel);
	my $vmlinux = "$dir/vmlinux";
	my ($status, $out) = run($elfkit, 'refs', $vmlinux);
	is($status, 0, "$kernel: elfkit refs exits 0");

	my ($checked, $findings, $talk) = run($elfkit, 'refs', '--check', $vmlinux);
	chomp $talk;
	is($checked, $findings eq '' ? 0 : 1, "$kernel: elfkit refs --check exits 1 where it finds something");
	like($talk, qr/^refs: \d+ references in relocations, \d+ sealed functions, \d+ findings$/,
		"$kernel: and says what it checked: $talk");
	none_left("$kernel: every finding has a cause", unexplained($kernel, 'check', split /\n/, $findings));

	%at_cache = ();
	my (%seen, %taken, %data, %place, %name);
	for (split /\n/, $out) {
		my ($kind, $at, $from, $target, $to) = split /\t/;
		$place{$at} = $from;
		$name{$target} = $to;
		if ($kind eq 'call' || $kind eq 'jump') {
			$seen{"$kind $at $target"} = 1;
		} else {
			$taken{$target} = 1;
			$data{"$at $target"} = 1 if $kind eq 'data';
		}
	}
	my @lines = split /\n/, $out;
	my @ats = map { (split /\t/)[1] } @lines;
	is_deeply(\@ats, [sort @ats], "$kernel: references are sorted by address");

	my $elf = read_elf($vmlinux);
	my $symbols = symbols_of($elf);
	my $functions = functions_of($elf, $symbols);
	my $edges = objdump_edges($vmlinux, $functions);
	cmp_ok(scalar(keys %$edges), '>=', 250_000, "$kernel: objdump sees " . keys(%$edges) . " edges");
	my %of;		# a name for each address that lacks one
	for my $s (@$symbols) {
		$of{$s->[0]} = $s->[1] if length $s->[1] && ($s->[2] == 2 || !defined $of{$s->[0]});
	}
	my %of_name = map { $_->[1] => 1 } grep { $_->[2] == 2 } @$symbols;
	my @named = map { [$_, 0] } sort { $a <=> $b } keys %of;
	my $before = sub {
		my ($addr) = @_;
		my ($lo, $hi) = (0, scalar @named);
		while ($lo < $hi) {
			my $mid = ($lo + $hi) >> 1;
			$named[$mid][0] <= $addr ? ($lo = $mid + 1) : ($hi = $mid);
		}
		return $lo ? sprintf '%s+0x%x', $of{$named[$lo - 1][0]}, $addr - $named[$lo - 1][0] : '?';
	};
	my $names = sub {
		my ($at, $target) = @_;
		my $from = $place{$at} // $before->(hex $at);
		if (function_at($functions, hex $at) < 0) {
			my ($s) = grep { is_code($_) && hex($at) - $_->{addr} < $_->{size} && hex $at >= $_->{addr} } @{$elf->{sections}};
			$from = sprintf '%s+0x%x', $s->{name}, hex($at) - $s->{addr} if $s;
		}
		return "$at $from -> $target " . ($name{$target} // $before->(hex $target) =~ s/\+0x0$//r);
	};
	my $edge = sub { my ($kind, $at, $target) = split / /, shift; "$kind " . $names->($at, $target) };
	none_left("$kernel: every edge that objdump sees is seen",
		unexplained($kernel, 'objdump', map { $edge->($_) } sort grep { !$seen{$_} } keys %$edges));
	none_left("$kernel: no edge is seen that objdump does not see",
		unexplained($kernel, 'elfkit', map { $edge->($_) } sort grep { !$edges->{$_} } keys %seen));

	# What the linker resolved: by the field of an instruction, or by the pointer.
	my %entry = map { sprintf('%x', $_->[0]) => 1 } @$functions;
	my (%by_end, @lost_calls, @lost_addresses, @lost_data, $nr_calls, $nr_pointers);
	for (keys %$edges, keys %seen) {
		my ($kind, $at, $target) = split / /;
		$by_end{$target}{$at} = 1 if $seen{$_};
	}
	for my $rela (grep { $_->{type} == SHT_RELA } @{$elf->{sections}}) {
		my $section = $elf->{sections}[$rela->{info}];
		next unless $section->{flags} & SHF_ALLOC;
		for (@{relocations_of($elf, $rela)}) {
			my ($offset, $type, $symbol, $addend) = @$_;
			my $value = $symbols->[$symbol][0];
			my $at = sprintf('%x', $offset);
			my $to;
			if (is_code($section) && ($type == R_PLT32 || $type == R_PC32)) {
				# a branch ends with its distance; an address may be followed by an immediate
				$to = sprintf('%x', $value + $addend + 4);
				my $f = function_at($functions, hex $to);
				next if $f < 0 || $f == function_at($functions, $offset);
				next if $type == R_PC32 && !$entry{$to};
				$nr_calls++;
				next if grep { $by_end{$to}{sprintf '%x', $offset - $_} } 1 .. 4;
				next if $type == R_PC32 && $taken{$to};
				push @lost_calls, "$section->{name} " . $names->($at, $to);
			} elsif ($type == R_64 || ($type == R_32S || $type == R_32) && is_code($section)) {
				$to = sprintf('%x', $value + $addend);
				next unless $entry{$to};
				$nr_pointers++;
				push @lost_addresses, "$section->{name} " . $names->($at, $to) unless $taken{$to};
				push @lost_data, "$section->{name} " . $names->($at, $to) if !is_code($section) && !$data{"$at $to"};
			} elsif ($type == R_PC32 || $type == R_PC64) {
				$to = sprintf('%x', $value + $addend);
				next unless $entry{$to};
				$nr_pointers++;
				push @lost_data, "$section->{name} " . $names->($at, $to) unless $data{"$at $to"};
			}
		}
	}

	# The rebuilt objects name the same functions; their data is not linked yet.
	my %taken_name;
	for my $s (@$symbols) {
		$taken_name{$s->[1]} = 1 if $taken{sprintf '%x', $s->[0]};
	}
	my $nr_named = 0;
	my @lost_names;
	for my $object (objects($kernel, 'none')) {
		for (function_pointers($object)) {
			my ($section, $name) = @$_;
			next unless $of_name{$name};
			$nr_named++;
			push @lost_names, "$section $name" unless $taken_name{$name};
		}
	}
	cmp_ok($nr_named, '>=', 300, "$kernel: the rebuilt objects hold $nr_named function pointers");
	none_left("$kernel: every function whose address the rebuilt objects take is known as such",
		unexplained($kernel, 'object', @lost_names));

	next unless $nr_calls;
	none_left("$kernel: every call that relocations show is seen ($nr_calls)", unexplained($kernel, 'call', @lost_calls));
	none_left("$kernel: every address that relocations show is taken ($nr_pointers)",
		unexplained($kernel, 'address', @lost_addresses));
	none_left("$kernel: every pointer in data that relocations show is seen", unexplained($kernel, 'data', @lost_data));
}
if (@kernels > 1) {
	is_deeply([map { $_->[3] } grep { !$used{$_} } @known], [], 'no cause is listed that explains nothing');
}
done_testing;
