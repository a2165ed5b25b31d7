# SPDX-License-Identifier: GPL-2.0
# What the tests share: where things are, and running a command with all it prints.
package Elfkit;
use strict;
use warnings;
use Exporter 'import';
use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More ();

our @EXPORT = qw($elfkit $tmp @kernels @steady kernel_dir build_id objects run start finish slurp spew relink guest module kbuild);

our $elfkit = ($ENV{BUILD} || 'build') . '/elfkit';
our @kernels = split ' ', ($ENV{KERNELS} || '6.1');
our $tmp = tempdir(CLEANUP => 1);
# A make that a test runs is not part of the one that runs the tests, whose options and level (make[1]) it would have.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

sub slurp {
	my ($path) = @_;
	open my $f, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$f>;
}

sub spew {
	my ($path, @text) = @_;
	open my $f, '>:raw', $path or die "$path: $!";
	print $f @text;
	close $f or die "$path: $!";
	return $path;
}

# What relink and Kbuild have in their environment, so that the loader is compiled once for all modules of a kernel, and
# Kbuild's questions are asked once, in all tests of a run; and nm, which is called for each file, need not load clang's
# plug-in
sub compiled_once {
	my ($command, @arguments) = @_;
	my $option = $command eq 'make' ? '-C' : $command eq $elfkit && ($arguments[0] // '') eq 'relink' ? '--kernel-dir' : return;
	my ($dir) = map { $arguments[$_ + 1] } grep { $arguments[$_] eq $option } 0 .. $#arguments - 1;
	my $config = ($dir // '') . '/include/config/auto.conf';
	my ($compiler) = -r $config ? slurp($config) =~ /^CONFIG_CC_VERSION_TEXT="?([^ "]+)/m : ();
	return if !$compiler;
	my $kept = ($ENV{BUILD} || 'build') . '/t/once';
	make_path($kept);
	return (CC_ONCE => $compiler, CC_ONCE_DIR => abs_path($kept), MAKEFILES => abs_path('t/lab/asked-once.mk'),
		MAKEFLAGS => 'CC=' . abs_path('t/lab/cc-once') . ' NM=nm\ --target=elf64-x86-64');
}

# A command that runs beside the test, with all that it prints
my $started = 0;
sub start {
	my @command = @_;	# as they are here: $$ among them is another one in the child
	my $files = "$tmp/run" . ++$started;
	local %ENV = (%ENV, compiled_once(@command));
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$files.out";
		open STDERR, '>', "$files.err";
		exec @command or die "$command[0]: $!";
	}
	return { pid => $pid, files => $files };
}

# (exit status or -signal, stdout, stderr) of what was started
sub finish {
	my ($job) = @_;
	waitpid $job->{pid}, 0;
	my $status = $? & 127 ? -($? & 127) : $? >> 8;
	my @said = map { slurp("$job->{files}.$_") } qw(out err);
	unlink map { "$job->{files}.$_" } qw(out err);
	return ($status, @said);
}

# The same of a command given as a list
sub run {
	return finish(start(@_));
}

sub lab {
	my $out = `t/lab/@_ 2>$tmp/lab`;
	die slurp("$tmp/lab") if $?;
	chomp $out;
	return $out;
}

sub kernel_dir {
	return lab('fetch', shift);
}

# The build-id of an ELF file, in hex
sub build_id {
	my ($file) = @_;
	my ($id) = `readelf -n $file 2>/dev/null` =~ /Build ID: ([0-9a-f]+)/ or die "$file: no build-id";
	return $id;
}

# The rebuilt objects of a kernel with an edit, and more of the tree by their paths from kernel/sched
sub objects {
	my ($kernel, $edit, @more) = @_;
	my $dir = lab('tree', $kernel, $edit);
	# older kernels have one for each file, others four
	my @others = sort grep { !/^(?:core|fair)$/ } map { m{([^/]+)\.o$} } glob("$dir/*.o");
	return map { "$dir/$_.o" } qw(core fair), @others, @more;
}

# Relinks an edit into $tmp/NAME, with more options; returns what run() does
sub relink {
	my ($kernel, $edit, $name, @options) = @_;
	my $dir = kernel_dir($kernel);
	return run($elfkit, 'relink', @options, '--vmlinux', "$dir/vmlinux", '--kernel-dir', "$dir/headers",
		'-o', "$tmp/$name", objects($kernel, $edit));
}

# For guests that hold the kernel's text against what it was: on a busy host the clock may be found to be unstable at any
# moment, and then the kernel patches it
our @steady = qw(-a tsc=unstable);

# Runs a guest script with files and, behind them, options of t/lab/vm; returns its status and output, and
# checks the kernel's log.
sub guest {
	my ($kernel, $what, $seconds, $script, @files) = @_;
	my @options;
	push @options, splice @files, $files[-1] =~ /^-/ ? -1 : -2 while @files > 1 && "@files[-2, -1]" =~ /(?:^| )-/;
	push @options, @steady if grep { m{/textdump$} } @files;
	my ($status, $out, $err) = run('t/lab/vm', '-k', $kernel, '-t', $seconds, '-d', "$tmp/dmesg", @options,
		(map { ('-f', $_) } @files), $script);
	Test::More::is($status, 0, "$kernel: $what") or Test::More::diag($out, $err);
	my $dmesg = slurp("$tmp/dmesg");
	my @bad = grep { !/(?:RETBleed|Stack Overflow|Spectre V2 *): WARNING:/ && /WARNING:|BUG:|Oops|Call Trace|general protection|stall|lockup|Unpatched return thunk|were not freed/ }
		split /\n/, $dmesg;
	Test::More::is_deeply(\@bad, [], "$kernel: $what: the kernel has nothing to complain about");
	return ($out, $dmesg);
}

sub module {
	my ($kernel, $edit, $name) = @_;
	my ($status, undef, $err) = relink($kernel, $edit, $name);
	die $err if $status;
	return "$tmp/$name";
}

# A module of the test's own, t/vm/NAME/NAME.c
sub kbuild {
	my ($kernel, $name) = @_;
	my $dir = "$tmp/$name-$kernel";
	mkdir $dir;
	spew("$dir/$name.c", slurp("t/vm/$name/$name.c"));
	spew("$dir/Kbuild", "obj-m := $name.o\n");
	my ($status, undef, $err) = run('make', '-C', kernel_dir($kernel) . '/headers', "M=$dir", 'modules');
	die $err if $status;
	return "$dir/$name.ko";
}

1;
