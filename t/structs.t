#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Who touches which member: elfkit reads machine code, the compiler knows. A plug-in (t/fields.cc)
# has gcc tell the members that each function touches when it has been optimized, just before it becomes
# instructions; inlining is the same on both sides then, so functions are compared one by one.
#
# Pairs of function and STRUCT.MEMBER are counted. Left out on both sides, since they tell nothing of elfkit:
#
# - structs without a name, and functions that only one side has;
# - the address of a first member: it is that of its struct;
# - more than 64 bytes cleared or copied as a whole: no member is meant.
#
# Neither right nor wrong, whether elfkit finds them or not, is what the compiler does not decide (kind u):
#
# - which of several members that share bytes is meant (a union, neighbouring bit-fields) where the plug-in
#   knows only the place: bytes at an offset, a struct copied as a whole, memset() and memcpy();
# - what is stored in a variable on the stack whose address is not taken: later passes drop it or
#   keep it in registers (struct rq_flags).
#
# Such a pair is no miss, but it does excuse what elfkit has instead, as below.
#
# A member that elfkit has and the compiler has not is right when the compiler names another one that shares
# its bytes, or bytes of what encloses it. VERBOSE=1 lists what is missed and what is more.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my @files = @ARGV ? @ARGV : qw(kernel/fork.c kernel/exit.c kernel/signal.c kernel/sys.c kernel/cgroup/cpuset.c
	kernel/cgroup/cgroup.c kernel/kthread.c kernel/pid.c kernel/ptrace.c kernel/time/posix-cpu-timers.c
	kernel/rcu/tree.c fs/proc/array.c fs/proc/base.c fs/exec.c mm/oom_kill.c
	kernel/sched/core.c kernel/sched/fair.c);
my $build = $ENV{BUILD} || 'build';
my $cxx = 'g++-12';
my $headers = `gcc-12 -print-file-name=plugin 2>/dev/null`;
chomp $headers;
plan skip_all => 'no headers for plug-ins of gcc-12 (gcc-12-plugin-dev)' if !-f "$headers/include/gcc-plugin.h";

my $plugin = "$tmp/fields.so";
is(system("$cxx -shared -fPIC -fno-rtti -O1 -I$headers/include -o $plugin t/fields.cc"), 0, 'the plug-in compiles');

# The flags that Kbuild used for the scheduler, with another file put in.
sub command {
	my ($tree, $file, $out) = @_;
	my ($flags) = slurp("$tree/kernel/sched/.fair.o.cmd") =~ /:= \S*gcc-12 (.*?) -DKBUILD_MODFILE/;
	my ($name) = $file =~ /(\w+)\.c$/ or die $file;
	my $frame = $file eq 'kernel/sched/core.c' ? '-fno-omit-frame-pointer' : '';
	$flags =~ s/-Wp,-MMD,\S+//;
	# what the plug-in looks at is the same without debug information
	$flags =~ s/ -g\S*//g;
	return "cd $tree && gcc-12 $flags $frame -w -DKBUILD_MODFILE='\"$name\"' -DKBUILD_BASENAME='\"$name\"' " .
		"-DKBUILD_MODNAME='\"$name\"' -D__KBUILD_MODNAME=kmod_$name -fplugin=$plugin " .
		"-fplugin-arg-fields-out=$out -S -o /dev/null $file";
}

# function -> "STRUCT.MEMBER" -> kinds
sub truth {
	my ($tree, $file) = @_;
	my %all;
	system(command($tree, $file, "$tmp/fields")) and die "$file does not compile";
	for (split /\n/, slurp("$tmp/fields")) {
		my ($func, $struct, $member, $how) = split;
		next if $struct eq '-';
		$all{$func}{"$struct.$member"}{$how} = 1;
	}
	return \%all;
}

# the same from elfkit, unit -> function -> ..., and with which members in which accesses
sub found {
	my ($kernel, @units) = @_;
	my (%all, @access);
	my $last = -1;
	open my $pipe, '-|', "$build/t/accesses", kernel_dir($kernel) . '/vmlinux', @units or die;
	while (<$pipe>) {
		my ($unit, $func, $struct, $member, $how, $at, $number, $depth, $low, $high) = split;
		next if $struct eq '?';
		if ($number != $last) {
			@access = ();
			$last = $number;
		}
		my %step = (struct => $struct, pair => "$struct.$member", depth => $depth, low => $low, high => $high, at => $at);
		$step{outer} = (grep { $_->{depth} < $depth } @access)[-1];
		for (grep { $_->{depth} == $depth && ($_->{outer} // 0) == ($step{outer} // 0) } @access) {
			next if $_->{low} >= $high || $low >= $_->{high};
			push @{$step{beside}}, $_->{pair};
			push @{$_->{beside}}, $step{pair};
		}
		push @access, \%step;
		next if $struct eq '-';
		$all{$unit}{$func}{"$struct.$member"}{$how} = 1;
		push @{$all{$unit}{$func}{"$struct.$member"}{steps}}, \%step;
	}
	close $pipe or die 'accesses failed';
	return \%all;
}

# Whether the compiler names another of the members that share the bytes, or one that encloses that.
sub is_alternative {
	my ($step, $truth) = @_;
	for (; $step; $step = $step->{outer}) {
		return 1 if grep { $truth->{$_} } @{$step->{beside}};
	}
	return 0;
}

for my $kernel (@kernels) {
	objects($kernel, 'none');	# builds the tree where it is not yet
	my $tree = kernel_dir($kernel) . '/tree';
	my $ours = found($kernel, @files);
	my (%sum, %missed, %extra);
	for my $file (@files) {
		my $truth = truth($tree, $file);
		my ($hit, $miss, $more, $alone) = (0, 0, 0, 0);
		my $mine = $ours->{$file};
		for my $func (sort keys %$truth) {
			if (!$mine->{$func}) {
				$alone += grep { join("", keys %$_) ne "u" } values %{$truth->{$func}};
				print "# alone $file $func\n" if $ENV{VERBOSE};
				next;
			}
			my %t = %{$truth->{$func}};
			my %m = %{$mine->{$func}};
			for my $pair (sort keys %t) {
				my @how = sort keys %{$t{$pair}};
				next if "@how" eq 'u';
				if ($m{$pair}) {
					$hit++;
				} else {
					$miss++;
					$missed{$pair}++;
					print "# miss $file $func $pair ", join('', @how), "\n" if $ENV{VERBOSE};
				}
			}
			for my $pair (sort keys %m) {
				my @wrong = grep { !is_alternative($_, \%t) } @{delete $m{$pair}{steps}};
				next if $t{$pair} || !@wrong;
				$more++;
				$extra{$pair}++;
				print "# extra $file $func $pair ", join('', sort keys %{$m{$pair}}), " $wrong[0]{at}\n" if $ENV{VERBOSE};
			}
		}
		$sum{hit} += $hit; $sum{miss} += $miss; $sum{more} += $more; $sum{alone} += $alone;
		diag(sprintf '%-34s found %5d missed %4d more %4d: precision %.3f recall %.3f', $file, $hit, $miss, $more,
			$hit / ($hit + $more || 1), $hit / ($hit + $miss || 1));
	}
	my ($precision, $recall) = ($sum{hit} / ($sum{hit} + $sum{more}), $sum{hit} / ($sum{hit} + $sum{miss}));
	diag(sprintf '%s: precision %.3f recall %.3f of %d pairs; %d pairs in functions that only the compiler has', $kernel,
		$precision, $recall, $sum{hit} + $sum{miss}, $sum{alone});
	cmp_ok($precision, '>=', 0.95, "$kernel: precision");
	cmp_ok($recall, '>=', 0.95, "$kernel: recall");
}
done_testing;
