#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit pack: names, what is in the packages, what Debian's and RPM's own checkers say, the same bytes twice.
# What the packages do is t/packaged's affair, in a virtual machine.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

delete @ENV{qw(SOURCE_DATE_EPOCH DEBFULLNAME DEBEMAIL)};
$ENV{TMPDIR} = "$tmp/scratch";
mkdir "$tmp/$_" for qw(scratch out again);
my @who = ('--maintainer', 'A Packager <packager@example.org>');
my $id = 'ab' x 20;

# A file that says of itself what relink's modules say
sub ko {
	my ($name, $release, @more) = @_;
	my @info = ("name=$name", 'elfkit_version=0.1', "elfkit_kernel=$release", "elfkit_build_id=$id",
		'elfkit_functions=582 replaced, 1 changed, 368 jumps', @more);
	spew("$tmp/$name.s", ".text\ncode: nop\n.section .modinfo,\"a\"\n", map({ "\t.asciz \"$_\"\n" } @info),
		".section .note.GNU-stack,\"\",\@progbits\n");
	system('as', '-o', "$tmp/$name.ko", "$tmp/$name.s") == 0 or die;
	utime 1700000000, 1700000000, "$tmp/$name.ko";
	return "$tmp/$name.ko";
}

sub pack_it {
	my ($file, @options) = @_;
	my ($status, $out, $err) = run($elfkit, 'pack', @who, '-o', "$tmp/out", @options, $file);
	is($status, 0, "elfkit pack @options") or diag($err);
	return split /\n/, $out;
}

sub says { my (undef, $out, $err) = run(@_); return $out . $err }

# Names
my $release = '6.12.94+deb12-cloud-amd64';
my $module = ko('my_sched_1_2', $release);
my ($deb, $rpm) = pack_it($module, '--health=test "$HOME" != \'100%\\\'');
my $package = "elfkit-sched-my-sched-$release";
is($deb, "$tmp/out/${package}_1.2_amd64.deb", 'named after scheduler, release and the version in the module\'s name');
is($rpm, "$tmp/out/$package-1.2-1.x86_64.rpm", 'both of them');
my $unit = 'elfkit-sched-my_sched-6.12.94_deb12-cloud-amd64.service';

# What is in it
is(says('dpkg-deb', '-f', $deb, 'Package', 'Version', 'Depends', 'Maintainer'),
	"Package: $package\nVersion: 1.2\nDepends: elfkit (>= 0.1)\nMaintainer: A Packager <packager\@example.org>\n", 'fields of the .deb');
is(says('rpm', '-qp', '--qf', '%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{LICENSE} %{PACKAGER}', $rpm),
	"$package 1.2-1 x86_64 GPL-2.0-only A Packager <packager\@example.org>", 'and of the .rpm');
like(says('rpm', '-qpR', $rpm), qr/^elfkit >= 0\.1$/m, 'which depends on elfkit, too');
my @listed = split /\n/, says('dpkg-deb', '-c', $deb);
my %mode = map { m{^(\S+) root/root .* \./(.*[^/])$} ? ($2 => $1) : () } @listed;
my @both = ("usr/lib/elfkit/$release/my_sched.ko", "usr/lib/systemd/system/$unit");
is_deeply(\%mode, { map { $_ => '-rw-r--r--' } @both, map { "usr/share/doc/$package/$_" } qw(changelog.gz copyright) },
	'files of the .deb, root\'s and for all to read');
is(scalar(grep { !m{^d\S+ root/root |^- } && !m{^-rw-r--r-- root/root } } @listed), 0, 'so are the folders') or diag(@listed);
is_deeply([grep { !-d || /elfkit/ } map { s{^/}{}r } split /\n/, says('rpm', '-qpl', $rpm)],
	[sort 'usr/lib/elfkit', "usr/lib/elfkit/$release", @both, "usr/lib/systemd/system-preset/85-$package.preset"], 'files of the .rpm');

system("dpkg-deb -R $deb $tmp/x") == 0 or die;
is(slurp("$tmp/x/$both[0]"), slurp($module), 'the module is as it was');
is(says('sh', '-c', "cd $tmp/x && md5sum -c --quiet DEBIAN/md5sums && cut -d ' ' -f 3 DEBIAN/md5sums"),
	join('', map { "$_\n" } sort keys %mode), 'md5sums has all files');
my $text = slurp("$tmp/x/$both[1]");
for my $line ("ConditionKernelVersion=$release", 'ConditionKernelCommandLine=!elfkit.enable=0',
	'Environment="HEALTH=test \"$HOME\" != \'100%%\\\\\'"', 'ConditionVirtualization=!container',
	"ExecCondition=/bin/sh -c '/usr/bin/elfkit load --check /$both[0] || exit \$\$((\$\$? > 1 ? 255 : 1))'") {
	like($text, qr/^\Q$line\E$/m, "the unit has $line");
}
my ($patterns) = $text =~ /^ExecStart=.* --replace=(\S+) /m;
is($patterns, 'my_sched,my_sched_[0-9]*', 'and takes over from its own kind only');
is(says('shellcheck', glob "$tmp/x/DEBIAN/p*"), '', 'shellcheck has nothing to say of the scripts');
unlike(join('', map { slurp($_) } glob("$tmp/x/DEBIAN/*"), "$tmp/x/$both[1]"), qr/\@[A-Z]/, 'everything is filled in');

# The scripts, under a systemd that is made of stubs: what they call. %answer has 'NAME ARGUMENTS' => what that does, in sh.
# What only asks is not among the calls.
sub script {
	my ($script, $args, %answer) = @_;
	my $bin = "$tmp/stubs";
	mkdir $bin;
	for my $name (qw(systemctl systemd-detect-virt deb-systemd-invoke deb-systemd-helper journalctl elfkit)) {
		my $cases = join '', map { /^$name (.*)/ ? "'$1'*) $answer{$_} ;;\n" : () } sort keys %answer;
		spew("$bin/$name", "#!/bin/sh\necho \"$name \$*\" >>$tmp/calls\ncase \"\$*\" in\n$cases*) ;;\nesac\n");
		chmod 0755, "$bin/$name";
	}
	spew("$bin/uname", "#!/bin/sh\necho ", $answer{uname} // $release, "\n");
	chmod 0755, "$bin/uname";
	spew("$tmp/calls", '');
	my ($status, $out, $err) = run('unshare', $> ? '-rm' : '-m', 'sh', '-c', "mount -t tmpfs t /run && mount -t tmpfs t /sys/kernel && " .
		"mkdir -p /run/systemd/system /sys/kernel/elfkit && PATH=$bin:\$PATH exec sh $tmp/x/DEBIAN/$script $args");
	my @calls = grep { !/^(?:deb-systemd-helper|systemd-detect-virt|systemctl .*(?:is-active|is-enabled|daemon-reload)|journalctl|elfkit load --check)/ }
		split /\n/, slurp("$tmp/calls");
	return ($status, join('; ', map { s/\Q$unit\E/UNIT/gr } @calls), $err);
}
my %ours = map { ("systemd-detect-virt --quiet --$_" => 'exit 1') } qw(container chroot);
my %inactive = (%ours, 'systemctl is-active' => 'echo inactive; exit 3', 'systemctl --quiet is-active' => 'exit 3');
my %active = (%ours, 'systemctl is-active' => 'echo active');
for (['configure', { %inactive }, 'deb-systemd-invoke start UNIT', 'installed, it is started'],
	['configure 1.1', { %active }, 'deb-systemd-invoke reload UNIT', 'upgraded while it is in, it takes over'],
	['configure 1.1', { %active, 'elfkit load --check' => 'exit 1' }, '', 'but not where it is for another build'],
	['configure 1.1', { %active, 'elfkit load --check' => 'exit 2' }, 'deb-systemd-invoke reload UNIT', 'and what cannot be told is seen when it is loaded'],
	['configure 1.1', { %active, 'systemctl is-enabled' => 'echo masked; exit 1' }, '', 'nor where the unit is masked'],
	['configure 1.1', { %ours, 'systemctl is-active' => "[ -e $tmp/started ] && echo active || echo activating", 'deb-systemd-invoke start' => ">$tmp/started" },
		'deb-systemd-invoke start UNIT; deb-systemd-invoke reload UNIT', 'upgraded while it is being started, it waits for that'],
	['abort-remove', { %active }, 'deb-systemd-invoke reload UNIT', 'it is in again when a removal is broken off']) {
	my ($args, $answers, $calls, $what) = @$_;
	is_deeply([(script('postinst', $args, %$answers))[0, 1]], [0, $calls], $what);
}
my ($failed, $calls, $told) = script('postinst', 'configure', %inactive, 'deb-systemd-invoke start' => 'exit 1');
ok($failed == 1 && $told =~ /my_sched_1_2 is not in\. .*dpkg --configure \Q$package\E/, 'what is not loaded is not configured') or diag($told);
for (['remove', { %active }, "elfkit unload --retry=10 --if-loaded my_sched,my_sched_[0-9]*; deb-systemd-invoke stop UNIT", 'removal goes back first'],
	['remove', { %inactive }, "elfkit unload --retry=10 --if-loaded my_sched_1_2; deb-systemd-invoke stop UNIT", 'and leaves alone what the unit has not loaded'],
	['remove', { %active, uname => '6.1.0' }, 'deb-systemd-invoke stop UNIT', 'on another kernel nothing is unloaded'],
	(map { ['remove', { %active, "systemd-detect-virt --quiet --$_" => 'exit 0' }, '', "nor in a $_"] } qw(container chroot)),
	['upgrade 2', { %active }, '', 'an upgrade leaves it in']) {
	my ($args, $answers, $calls, $what) = @$_;
	is_deeply([(script('prerm', $args, %$answers))[0, 1]], [0, $calls], $what);
}
($failed, $calls, $told) = script('prerm', 'remove', %active, 'elfkit unload' => 'exit 1');
ok($failed == 1 && $calls !~ /stop/ && $told =~ /not removed: the kernel could not go back from my_sched/, 'and is refused where that is') or diag($told);

# Their checkers
is(says('sh', '-c', "lintian --fail-on none $deb 2>/dev/null"), '', 'lintian has nothing to say');
my $lint = says('rpmlint', '-r', 'docs/packaging/rpmlintrc', $rpm);
like($lint, qr/ 0 errors/, 'rpmlint finds no error') or diag($lint);

# The same again: another folder, another user's mask, a file with another name
mkdir "$tmp/other", 0700;
$ENV{TMPDIR} = "$tmp/other";
umask 077;
system('cp', '-p', $module, "$tmp/again.ko");
my (undef, $out) = run($elfkit, 'pack', @who, '-o', "$tmp/again", '--health=test "$HOME" != \'100%\\\'', "$tmp/again.ko");
umask 022;
my @again = split /\n/, $out;
is(slurp($again[0]), slurp($deb), 'two runs, one .deb');
is(slurp($again[1]), slurp($rpm), 'and one .rpm');

# Options
my ($plain) = pack_it(ko('plain', '6.1.0'), '--deb');
is($plain, "$tmp/out/elfkit-sched-plain-6.1.0_20231114.221320_amd64.deb", 'without a version in the name, the date of the file');
$ENV{SOURCE_DATE_EPOCH} = 0;
my ($epoch) = pack_it("$tmp/plain.ko", '--deb', '--description', 'a plain one');
is($epoch, "$tmp/out/elfkit-sched-plain-6.1.0_19700101.000000_amd64.deb", 'or SOURCE_DATE_EPOCH');
delete $ENV{SOURCE_DATE_EPOCH};
like(says('dpkg-deb', '-f', $epoch, 'Description'), qr/^a plain one\n/, 'the description that is given');
is_deeply([glob "$tmp/scratch/elfkit* $tmp/other/elfkit*"], [], 'nothing is left behind');

# Refusals
sub refused {
	my ($like, @args) = @_;
	my @before = sort glob "$tmp/out/*";
	my ($status, $out, $err) = run($elfkit, 'pack', '-o', "$tmp/out", @args);
	ok($status == 2 && $out eq '' && $err =~ /^elfkit: $like[^\n]*\n\z/, "refused: $like") or diag($status, $out, $err);
	is_deeply([sort glob "$tmp/out/*"], \@before, 'and nothing is made');
}
refused(qr{Makefile: not a module that elfkit relink has made}, 'Makefile');
refused(qr/\S+: No such file/, "$tmp/nowhere.ko");
refused(qr/--pkgversion: 1-2: a version/, '--pkgversion=1-2', $module);
refused(qr/--maintainer: me: not of the form/, '--maintainer=me', $module);
refused(qr/--health: a line break/, "--health=a\nb", $module);
refused(qr/--description: there is nothing in it/, '--description=', $module);
refused(qr/--probation: nobody would confirm/, '--probation=5', $module);
refused(qr{\S+: it says that it is for kernel \.\./\.\., which is no release}, ko('odd', '../..'));
refused(qr/\S+: 2x is no name of a scheduler/, ko('2x', '6.1.0'));
mkdir "$tmp/bin";
symlink `sh -c 'command -v $_'` =~ s/\n//r, "$tmp/bin/$_" for qw(sh gzip find sort xargs md5sum);
{
	local $ENV{PATH} = "$tmp/bin";
	my $elfkit_path = "$ENV{PWD}/$elfkit";
	refused(qr/dpkg-deb: No such file or directory/, '--deb', $module);
	refused(qr/rpmbuild: No such file or directory/, '--rpm', $module);
}
done_testing;
