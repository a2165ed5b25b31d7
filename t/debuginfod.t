#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# A vmlinux that is not on this machine: by build-id, from a debuginfod on loopback that serves the lab's kernel.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use IO::Socket::INET;
use Test::More;

my $kernel = $kernels[0];
my $dir = kernel_dir($kernel);
my $id = build_id("$dir/vmlinux");
mkdir "$tmp/$_" for qw(served cache stalled);
symlink "$dir/vmlinux", "$tmp/served/vmlinux";
$ENV{DEBUGINFOD_CACHE_PATH} = "$tmp/cache";
$ENV{TERM} = 'xterm';
delete @ENV{qw(DEBUGINFOD_URLS NO_COLOR)};

# What is asked must be refused in one line.
sub refused {
	my ($like, $name, @command) = @_;
	my ($status, $out, $err) = run($elfkit, @command);
	ok($status == 2 && $out eq '' && $err =~ /\Aelfkit: [^\n]*\n\z/ && $err =~ $like, $name) or diag("$status $err");
}

refused(qr/$id: no such file; taken for a build-id, but DEBUGINFOD_URLS names no server/, 'no server is named: what to set',
	'boundary', $id);
refused(qr/^elfkit: abcdef: No such file/, 'too short for a build-id: a file that is not there', 'boundary', 'abcdef');

# A port that is free now
sub free_port { return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport }
my $port = free_port();
$ENV{DEBUGINFOD_URLS} = "http://127.0.0.1:$port";
refused(qr/debuginfod: http:\S+: Connection refused: is DEBUGINFOD_URLS right/, 'nobody answers', 'boundary', $id);

# The small program that the unit test of running_vmlinux() takes for a kernel is served as well.
spew("$tmp/x.c", "int main(void) { return 0; }\n");
system("gcc -g -nostdlib -static -e main -Wl,--build-id=0x0102030405060708 -o $tmp/served/small $tmp/x.c") == 0 or die;
my $server;
{
	local $ENV{DEBUGINFOD_URLS};	# whom it would ask in its turn
	$server = start('debuginfod', '-d', ':memory:', '-p', $port, '-L', '-F', "$tmp/served");
}
END { kill TERM => $server->{pid} if $server }
sub answers {
	my ($artifact) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or return 0;
	print $socket "GET /buildid/$artifact/debuginfo HTTP/1.0\r\n\r\n";
	return (readline($socket) // '') =~ / 200 /;
}
for (1 .. 600) {
	last if answers($id) && answers('0102030405060708');
	select undef, undef, undef, 0.5;
}
ok(answers($id), 'the server has scanned its folder') or diag(slurp("$server->{files}.err"));

# First with a terminal on stderr: progress
my $terminal = `script -qec '$elfkit boundary --summary $id' /dev/null`;
like($terminal, qr/\r\e\[Kdebuginfod: /, 'progress on a terminal');
like($terminal, qr/boundary: \d+ interface/, 'and the answer');
like(join("\n", glob "$tmp/cache/*/debuginfo"), qr{/$id/debuginfo}, 'the file stays in the cache of libdebuginfod');

my ($status, $report, $talk) = run($elfkit, 'boundary', $id);
my (undef, $by_file) = run($elfkit, 'boundary', "$dir/vmlinux");
is($status, 0, 'boundary BUILDID');
ok($report eq $by_file, 'gives the same report as the file');
unlike($talk, qr/debuginfod|\e/, 'and no progress without a terminal');

# everywhere a vmlinux is taken
my %says = (refs => qr/^call\t\w+\t\S+\t\w+\t__schedule$/m, frame => qr/^function\t__schedule$/m, relink => qr/^no change$/m);
my @objects = objects($kernel, 'none');
for (['refs', '--to', '__schedule', $id], ['frame', '__schedule', $id],
	['relink', '--check', '--kernel-dir', "$dir/headers", '--vmlinux', $id, @objects]) {
	my (@by_id) = run($elfkit, @$_);
	ok($by_id[0] == 0 && $by_id[1] =~ $says{$$_[0]}, "$$_[0] takes a build-id") or diag(@by_id);
}

my $other = $id =~ tr/0-9a-f/1-9a-f0/r;
refused(qr/debuginfod: \S+ has nothing with the build-id $other: name the vmlinux file/, 'no server has it', 'boundary', $other);

# the running kernel, as the unit test makes one up
{
	local $ENV{RUNNING_TEST_URLS} = $ENV{DEBUGINFOD_URLS};
	my ($bad, $out) = run(($ENV{BUILD} || 'build') . '/t/unit/running_test');
	is($bad, 0, 'the vmlinux of the running kernel comes from the server, too') or diag($out);
}
kill TERM => $server->{pid};
finish($server);
undef $server;

# A server that never sends anything: a signal ends the wait in order.
my $stalled = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
$ENV{DEBUGINFOD_URLS} = 'http://127.0.0.1:' . $stalled->sockport;
$ENV{DEBUGINFOD_CACHE_PATH} = "$tmp/stalled";
$SIG{INT} = 'DEFAULT';
my $job = start($elfkit, 'boundary', $id);
my $client = $stalled->accept;
kill INT => $job->{pid};
($status, undef, my $err) = finish($job);
is($status, 2, 'interrupted: exit status 2');
is($err, "elfkit: debuginfod: interrupted: Interrupt\n", 'and a line that says so');
is_deeply([grep { -s } glob "$tmp/stalled/*/*"], [], 'with no part of a file left behind');
done_testing;
