#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Who touches which member: elfkit reads machine code, the compiler knows. A plug-in (t/fields.cc)
# has gcc tell the members that each function touches when it has been optimized, just before it becomes
# instructions; inlining is the same on both sides then, so functions are compared one by one.
#
# Pairs of function and STRUCT.MEMBER are counted. Left out on both sides: structs without a name, functions
# that only one side has, more than 64 bytes cleared or copied as a whole, and the address of a first
# member, which is that of its struct. An access to bytes that several members share (a union, neighbouring
# bit-fields) is right when one of them is the compiler's. VERBOSE=1 lists what is missed and what is more.
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
	return "cd $tree && gcc-12 $flags $frame -w -DKBUILD_MODFILE='\"$name\"' -DKBUILD_BASENAME='\"$name\"' " .
		"-DKBUILD_MODNAME='\"$name\"' -D__KBUILD_MODNAME=kmod_$name -fplugin=$plugin " .
		"-fplugin-arg-fields-out=$out -c -o $tmp/out.o $file";
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

# the same from elfkit, unit -> function -> ..., and at which address: the union alternatives of one access
sub found {
	my ($kernel, @units) = @_;
	my %all;
	open my $pipe, '-|', "$build/t/accesses", kernel_dir($kernel) . '/vmlinux', @units or die;
	while (<$pipe>) {
		my ($unit, $func, $struct, $member, $how, $at) = split;
		if ($struct eq '?') {
			$all{$unit}{untyped}++;
			next;
		}
		$all{$unit}{typed}++;
		next if $struct eq '-';
		$all{$unit}{func}{$func}{"$struct.$member"}{$how} = 1;
		push @{$all{$unit}{at}{$func}{"$struct.$member"}}, $at;
		push @{$all{$unit}{same}{$func}{"$struct $at"}}, "$struct.$member";
	}
	close $pipe or die 'accesses failed';
	return \%all;
}

for my $kernel (grep { -f kernel_dir($_) . '/tree/kernel/sched/.fair.o.cmd' } @kernels) {
	my $tree = kernel_dir($kernel) . '/tree';
	my $ours = found($kernel, @files);
	my (%sum, %missed, %extra);
	for my $file (@files) {
		my $truth = truth($tree, $file);
		my ($hit, $miss, $more, $alone) = (0, 0, 0, 0);
		my $mine = $ours->{$file}{func};
		for my $func (sort keys %$truth) {
			if (!$mine->{$func}) {
				$alone += keys %{$truth->{$func}};
				next;
			}
			my %t = %{$truth->{$func}};
			my %m = %{$mine->{$func}};
			for my $pair (sort keys %t) {
				if ($m{$pair}) {
					$hit++;
				} else {
					$miss++;
					$missed{$pair}++;
					print "# miss $file $func $pair ", join('', sort keys %{$t{$pair}}), "\n" if $ENV{VERBOSE};
				}
			}
			for my $pair (sort keys %m) {
				next if $t{$pair};
				my ($struct) = $pair =~ /(.*)\./;
				# bytes of a union: one of the alternatives is what the source names
				my $known = 1;
				for my $at (@{$ours->{$file}{at}{$func}{$pair}}) {
					$known &&= grep { $t{$_} } @{$ours->{$file}{same}{$func}{"$struct $at"}};
				}
				next if $known;
				$more++;
				$extra{$pair}++;
				print "# extra $file $func $pair @{[keys %{$m{$pair}}]} @{$ours->{$file}{at}{$func}{$pair}}\n" if $ENV{VERBOSE};
			}
		}
		$sum{hit} += $hit; $sum{miss} += $miss; $sum{more} += $more; $sum{alone} += $alone;
		diag(sprintf '%-34s found %5d missed %4d more %4d: precision %.3f recall %.3f', $file, $hit, $miss, $more,
			$hit / ($hit + $more || 1), $hit / ($hit + $miss || 1));
	}
	my ($precision, $recall) = ($sum{hit} / ($sum{hit} + $sum{more}), $sum{hit} / ($sum{hit} + $sum{miss}));
	diag(sprintf '%s: precision %.3f recall %.3f of %d pairs; %d pairs in functions that only the compiler has', $kernel,
		$precision, $recall, $sum{hit} + $sum{miss}, $sum{alone});
	cmp_ok($precision, '>=', 0.9, "$kernel: precision");
	cmp_ok($recall, '>=', 0.9, "$kernel: recall");
}
done_testing;
