# SPDX-License-Identifier: GPL-2.0
# Damaged inputs for t/damage.t: where an ELF file can be hurt, cases as lists of edits that
# are made in a private copy and undone, and two or more processes that run them.
package Damage;
use strict;
use warnings;
use Digest::MD5 qw(md5);
use Exporter 'import';
use Fcntl qw(SEEK_SET);
use File::Temp qw(tempdir);
use Elfkit;

our @EXPORT = qw(seed_for pick read_elf header_cases section_header_cases truncations byte_cases block_cases is_intact
	run_cases);

# Random numbers that depend on the seed and the group alone, not on what ran before.
sub seed_for {
	my ($seed, $group) = @_;
	srand(unpack 'L', md5("$seed $group"));
}

sub pick { int rand shift }

my @header_fields = (['class', 4, 1], ['data', 5, 1], ['ident version', 6, 1], ['e_type', 16, 2],
	['e_machine', 18, 2], ['e_version', 20, 4], ['e_entry', 24, 8], ['e_phoff', 32, 8], ['e_shoff', 40, 8],
	['e_flags', 48, 4], ['e_ehsize', 52, 2], ['e_phentsize', 54, 2], ['e_phnum', 56, 2],
	['e_shentsize', 58, 2], ['e_shnum', 60, 2], ['e_shstrndx', 62, 2]);
my @section_fields = (['sh_name', 0, 4], ['sh_type', 4, 4], ['sh_flags', 8, 8], ['sh_addr', 16, 8],
	['sh_offset', 24, 8], ['sh_size', 32, 8], ['sh_link', 40, 4], ['sh_info', 44, 4],
	['sh_addralign', 48, 8], ['sh_entsize', 56, 8]);

# The sections of an ELF64 file, in the order of the section table.
sub read_elf {
	my ($path) = @_;
	open my $f, '<:raw', $path or die "$path: $!";
	my $at = sub {
		my ($off, $len) = @_;
		sysseek $f, $off, SEEK_SET;
		my $bytes;
		sysread $f, $bytes, $len;
		return $bytes;
	};
	my ($shoff, $shentsize, $shnum, $shstrndx) = ((unpack 'Q8', $at->(0, 64))[5], unpack 'v3', $at->(58, 6));
	my @sections = map {
		my @h = unpack 'VVQQQQVVQQ', $at->($shoff + $_ * $shentsize, 64);
		{ header => $shoff + $_ * $shentsize, index => $_, name_at => $h[0], type => $h[1], flags => $h[2],
		  offset => $h[4], size => $h[1] == 8 ? 0 : $h[5] }
	} 0 .. $shnum - 1;
	my $strings = $at->($sections[$shstrndx]{offset}, $sections[$shstrndx]{size});
	$_->{name} = unpack 'Z*', substr $strings, $_->{name_at} for @sections;
	return { path => $path, size => -s $path, shoff => $shoff, sections => \@sections };
}

# 0, 1, all ones, and either the value with one bit flipped or any other: of a field of $len bytes.
sub values_for {
	my ($len) = @_;
	return (['0', "\0" x $len], ['1', "\1" . "\0" x ($len - 1)], ['~0', "\xff" x $len],
		pick(2) ? ['a bit', undef] : ['random', join '', map { chr pick(256) } 1 .. $len]);
}

sub field_cases {
	my ($prefix, $base, @fields) = @_;
	return map {
		my ($name, $off, $len) = @$_;
		map {
			my ($what, $bytes) = @$_;
			my @edit = defined $bytes ? ($base + $off, $bytes) :
				($base + $off + pick($len), undef, 1 << pick(8));
			{ name => "$prefix $name: $what", edits => [\@edit] };
		} values_for($len);
	} @fields;
}

sub header_cases { field_cases('header', 0, @header_fields) }

sub section_header_cases {
	my ($elf, $want) = @_;
	return map { field_cases("section header $_->{index} $_->{name}", $_->{header}, @section_fields) }
		grep { $want->($_) } @{$elf->{sections}};
}

# At the borders of each section and of the section table, and once inside.
sub truncations {
	my ($elf) = @_;
	my %sizes = (0 => 'nothing left', 16 => 'identification', 64 => 'header');
	for my $s (grep { $_->{size} } @{$elf->{sections}}) {
		$sizes{$s->{offset}} //= "before $s->{name}";
		$sizes{$s->{offset} + $s->{size} - 1} //= "last byte of $s->{name}";
		$sizes{$s->{offset} + 1 + pick($s->{size})} //= "in $s->{name}";
		$sizes{$s->{header}} //= "before section header $s->{index}";
		$sizes{$s->{header} + 33} //= "in section header $s->{index}";
	}
	return map { { name => "truncated to $_ bytes: $sizes{$_}", size => $_ } }
		sort { $b <=> $a } grep { $_ < $elf->{size} } keys %sizes;
}

# One byte flipped, set to an extreme or changed at random; or a run of them.
sub byte_cases {
	my ($elf, $n, @names) = @_;
	my @cases;
	for my $name (@names) {
		my @sections = grep { $_->{name} eq $name && $_->{size} } @{$elf->{sections}} or next;
		for (1 .. $n) {
			my $s = $sections[pick(scalar @sections)];
			my $off = pick($s->{size});
			my $how = pick(5);
			my $len = $how < 4 ? 1 : 1 + pick(16);
			$len = $s->{size} - $off if $len > $s->{size} - $off;
			my @edit = ($s->{offset} + $off);
			push @edit, $how == 0 ? (undef, 1 << pick(8)) : $how == 1 ? ("\0") : $how == 2 ? ("\xff") :
				(join '', map { chr pick(256) } 1 .. $len);
			my $what = defined $edit[1] ? unpack 'H*', $edit[1] : sprintf '^%02x', $edit[2];
			push @cases, { name => sprintf('%s+0x%x: %s', $name, $off, $what), edits => [\@edit] };
		}
	}
	return @cases;
}

# 64 KiB of zeros, ones or anything: what a large section feels.
sub block_cases {
	my ($elf, $n, @names) = @_;
	my @cases;
	for my $s (grep { my $s = $_; $s->{size} && grep { $_ eq $s->{name} } @names } @{$elf->{sections}}) {
		for (1 .. $n) {
			my $len = $s->{size} < 65536 ? $s->{size} : 65536;
			my $off = pick($s->{size} - $len + 1);
			my $how = pick(3);
			my $bytes = $how == 0 ? "\0" x $len : $how == 1 ? "\xff" x $len : join '', map { chr pick(256) } 1 .. $len;
			push @cases, { name => sprintf('%s+0x%x: %d bytes of %s', $s->{name}, $off, $len,
				('zeros', 'ones', 'anything')[$how]), edits => [[$s->{offset} + $off, $bytes]] };
		}
	}
	return @cases;
}

# Whether a case is no other than the intact file: zeros where there are zeros.
sub is_intact {
	my ($case, $path) = @_;
	return 0 if !$case->{edits} || exists $case->{size} || exists $case->{content};
	open my $f, '<:raw', $path or die "$path: $!";
	for (@{$case->{edits}}) {
		my ($off, $bytes) = @$_;
		return 0 if !defined $bytes;
		sysseek $f, $off, SEEK_SET;
		sysread $f, my $there, length $bytes;
		return 0 if $there ne $bytes;
	}
	return 1;
}

# What must be undone is returned as edits.
sub apply {
	my ($f, $case) = @_;
	my @undo;
	my $write = sub {
		my ($off, $bytes) = @_;
		sysseek $f, $off, SEEK_SET or die "seek: $!";
		my $written = syswrite $f, $bytes;
		die "write: $!" if ($written // -1) != length $bytes;
	};
	for my $edit (@{$case->{edits} || []}) {
		my ($off, $bytes, $xor) = @$edit;
		sysseek $f, $off, SEEK_SET;
		sysread $f, my $old, defined($bytes) ? length($bytes) : 1;
		$bytes //= $old ^ chr $xor;
		unshift @undo, [$off, $old];
		$write->($off, $bytes);
	}
	if (defined $case->{size}) {
		sysseek $f, $case->{size}, SEEK_SET;
		my $tail = '';
		while (sysread $f, my $more, 1 << 20) {
			$tail .= $more;
		}
		truncate $f, $case->{size} or die "truncate: $!";
		unshift @undo, [$case->{size}, $tail];
	}
	return \@undo;
}

# Runs the command of a case on the damaged file; returns what is wrong with the outcome, or undef.
sub run_one {
	my ($case, $dir, $check) = @_;
	my %hole = (FILE => "$dir/$case->{as}", OUT => "$dir/out");
	my @command = map { s/\b(FILE|OUT)\b/$hole{$1}/gr } @{$case->{command}};
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/stdout";
		open STDERR, '>', "$dir/stderr";
		$ENV{TMPDIR} = "$dir/scratch";
		$ENV{DAMAGED} = $case->{joined} // $hole{FILE};
		# an alarm outlives exec: a command that hangs dies of it
		alarm $case->{seconds};
		exec @command or die "$command[0]: $!";
	}
	waitpid $pid, 0;
	my %result = (status => $?, out => slurp("$dir/stdout"), err => slurp("$dir/stderr"),
		file => $hole{FILE}, left => [glob "$dir/scratch/*"], made => [glob "$dir/out/*"]);
	my $wrong = $check->($case, \%result);
	for (map { "$dir/$_" } qw(scratch out)) {
		rmdir or system 'rm', '-rf', $_;
		mkdir;
	}
	return defined $wrong ? "$wrong\n  command: @command" : undef;
}

sub work {
	my ($cases, $inputs, $dir, $queue, $results, $check) = @_;
	my %open;
	mkdir "$dir/$_" for qw(scratch out);
	while (sysread $queue, my $bytes, 4) {
		my $case = $cases->[unpack 'L', $bytes];
		my $key = $case->{as} = $case->{input};
		spew("$dir/$key", $case->{content}) if defined $case->{content};
		if (!$open{$key} && !defined $case->{content}) {
			system('cp', '--reflink=auto', $inputs->{$key}, "$dir/$key") == 0 or die;
			open $open{$key}, '+<:raw', "$dir/$key" or die "$dir/$key: $!";
		}
		my $undo = defined $case->{content} ? undef : apply($open{$key}, $case);
		my $wrong = run_one($case, $dir, $check);
		apply($open{$key}, { edits => $undo }) if $undo;
		print $results "$case->{id}\t" . ($wrong =~ s/\n/\r/gr) . "\n" if defined $wrong;
	}
	close $results;
}

# Runs all cases in @$n processes; $check->(case, result) says what is wrong. Case id -> what is wrong.
sub run_cases {
	my ($cases, $inputs, $n, $check) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my %wrong;
	$cases->[$_]{id} = $_ for 0 .. $#$cases;
	# the processes take cases from a pipe; what a pipe holds (64 KiB) limits their number
	die 'too many cases at once' if @$cases > 16000;
	pipe my $queue, my $fill or die "pipe: $!";
	syswrite $fill, pack 'L*', 0 .. $#$cases;
	close $fill;
	my @pids = map {
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			mkdir "$dir/$_";
			open my $results, '>', "$dir/$_.results" or die;
			work($cases, $inputs, "$dir/$_", $queue, $results, $check);
			require POSIX;
			POSIX::_exit(0);
		}
		$pid;
	} 1 .. $n;
	for (@pids) {
		waitpid $_, 0;
		$wrong{-1} = 'a process of the sweep itself failed' if $?;
	}
	for my $i (1 .. $n) {
		for (split /\n/, slurp("$dir/$i.results")) {
			my ($id, $what) = split /\t/, $_, 2;
			$wrong{$id} = $what =~ s/\r/\n/gr;
		}
	}
	return \%wrong;
}

1;
