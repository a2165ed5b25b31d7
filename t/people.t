#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What people meet first: --help, manual pages, completion, what is installed. All of it must say the same.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

my $build = $ENV{BUILD} || 'build';
my ($status, $help) = run($elfkit, '--help');
my @commands = $help =~ /^  ([a-z]+) +\S/mg;
is_deeply(\@commands, [sort map { m{cmd_(\w+)\.c} } glob 'elfkit/cmd_*.c'], 'every command is in --help, in order');
my ($version) = slurp('Makefile') =~ /^VERSION := (\S+)/m;

($status, undef, my $err) = run('make', "BUILD=$build", "DESTDIR=$tmp/dest", 'install');
is($status, 0, 'make install') or BAIL_OUT($err);
my $share = "$tmp/dest/usr/local/share";

# A page as it is read, on one line
sub page {
	my $text = `MANWIDTH=10000 LC_ALL=C.UTF-8 man --warnings -l $share/man/$_[0] 2>&1`;
	return $text =~ s/\S\x08//gr =~ s/\s+/ /gr =~ s/\xe2\x80\x98|\xe2\x80\x99/'/gr =~ s/\xe2\x80\x90/-/gr;
}

# Every option, with what is said of it, as (--name => text)
sub options {
	return map { s/\s+/ /gr } $_[0] =~ /^ +(?:-., )?(--[a-z-]+)(?:=[A-Z][A-Za-z. ]*?)?(?:  +|\n +)(\S.*(?:\n {20,}\S.*)*)/mg;
}

# What bash offers behind a line
sub bash_completes {
	my (@words) = @_;
	my $last = $#words;
	my $out = `PATH=$tmp/dest/usr/local/bin:\$PATH bash -c '. /usr/share/bash-completion/bash_completion; . $share/bash-completion/completions/elfkit
		COMP_WORDS=(@words) COMP_CWORD=$last COMP_LINE="@words" COMP_POINT=\${#COMP_LINE} COMP_TYPE=9
		_elfkit 2>/dev/null; printf "%s\\n" "\${COMPREPLY[@]}"'`;
	return sort split /\n/, $out;
}

# And zsh: what the function hands to compadd and _describe
sub zsh_completes {
	my (@words) = @_;
	my $n = @words;
	my $out = `PATH=$tmp/dest/usr/local/bin:\$PATH zsh -fc 'fpath=($share/zsh/site-functions); autoload -U _elfkit
		compadd() { while [[ \$1 != -- ]]; do shift; done; shift; print -rl -- "\$@" }
		_describe() { print -rl -- \${\${(P)2}%%:*} }
		words=(@words) CURRENT=$n; _elfkit'`;
	return sort grep { length } split /\n/, $out;
}

is_deeply([bash_completes('elfkit', '""')], [sort @commands, '--help', '--version'], 'bash completes commands');
is_deeply([bash_completes('elfkit', 're')], [grep { /^re/ } @commands], 'and what has been begun');
is_deeply([zsh_completes('elfkit', '""')], \@commands, 'zsh completes commands');
is_deeply([sort map { s{.*/}{}r } glob "$share/man/man1/*"], [sort 'elfkit.1', map { "elfkit-$_.1" } @commands],
	'each command has a manual page');

my $elfkit_page = page('man1/elfkit.1');
like($elfkit_page, qr{ FILES /sys/kernel/elfkit/NAME/ .* EXAMPLES }, 'elfkit(1) has its examples and files');
for my $command (@commands) {
	my ($what) = $help =~ /^  $command +(.*)/m;
	($status, my $text) = run($elfkit, $command, '--help');
	is($status, 0, "elfkit $command --help");
	like($text, qr/^  elfkit $command\b/m, "$command: has an example");
	like(plain($text), qr/Exit status: 0 [^.]*2 error\./, "$command: says its exit status");
	my ($told, $out) = run($elfkit, $command, '--version');
	is("$told $out", "0 elfkit $version\n", "$command: knows --version");
	($told) = run($elfkit, $command, '--nonsense');
	is($told, 2, "$command: an option that it does not know is an error");

	my $page = page("man1/elfkit-$command.1");
	my %option = options($text);
	cmp_ok(keys %option, '>=', 3, "$command: options are found in its help");
	like($page, qr/ NAME elfkit-$command - \Q$what\E /, "$command: the page has the name and what it is for");
	is_deeply([grep { $page !~ /\Q$_\E(?:=\S.*?)? \Q$option{$_}\E / } sort keys %option], [], "$command: and every option with its text");
	my ($tail) = plain($text) =~ /(Exit status: .*? error\.)/;
	like($page, qr/\Q$tail\E/, "$command: and the exit status");
	unlike($page, qr/warning: /, "$command: groff has nothing to say");
	like($elfkit_page, qr/\b$command \Q$what\E/, "$command: is in elfkit(1)");
	my @names = sort map { $text =~ /\Q$_\E=/ ? "$_=" : $_ } keys %option;
	is_deeply([bash_completes('elfkit', $command, '--')], \@names, "$command: bash completes the options");
	is_deeply([zsh_completes('elfkit', $command, '--')], \@names, "$command: so does zsh");
}
sub plain { return $_[0] =~ s/\s+/ /gr }

# familiar words, and near misses
my $refs_help = (run($elfkit, 'refs', '--help'))[1];
is((run($elfkit, 'help', 'refs'))[1], $refs_help, 'elfkit help COMMAND is elfkit COMMAND --help');
for (['relnk', 'relink'], ['stats', 'status']) {
	my ($told, undef, $said) = run($elfkit, $$_[0]);
	ok($told == 2 && $said =~ /\Aelfkit: unknown command "$$_[0]"; near: .*\b$$_[1]\b.*--help.*\n\z/, "elfkit $$_[0] offers $$_[1]") or diag($said);
}

# whatever is data comes as JSON, too, and where it is long, into a file
my %made = (pack => 1);		# makes files, and nothing to read
is_deeply([grep { (run($elfkit, $_, '--help'))[1] !~ / --json / } grep { !$made{$_} } @commands], [], 'every command that has data has --json');
is_deeply([grep { (run($elfkit, $_, '--help'))[1] !~ / -o, --output=/ } qw(boundary diff frame refs relink)], [], 'and those that have much have --output');
is_deeply([map { (run($elfkit, $_, '--help'))[1] =~ / -c, (?!--config=)(--\S+)/ } @commands], [], '-c is --config everywhere');

# colours and progress: on a terminal, if nobody forbids it
sub on_terminal {
	my ($environment, @command) = @_;
	return `env -u NO_COLOR $environment script -qec '@command' /dev/null`;
}
my @reports = map { spew("$tmp/$_.yaml", "elfkit: 1\nkernel: {release: r, build_id: $_, machine: $_}\ncounts: {}\nfunctions: []\n") } 'a', 'b';
my @colourful = (["$elfkit nonsense", qr/\e\[1;31melfkit:\e\[0m unknown/], ["$elfkit diff @reports", qr/\e\[1;31mBREAKS A MODULE\e\[0m/]);
for (@colourful) {
	my ($command, $like) = @$_;
	my $name = $command =~ s/.*elfkit //r =~ s/ .*//r;
	like(on_terminal('TERM=xterm', $command), $like, "$name: colours on a terminal");
	unlike(on_terminal('TERM=xterm NO_COLOR=1', $command), qr/\e/, "$name: none with NO_COLOR");
	unlike(on_terminal('TERM=dumb', $command), qr/\e/, "$name: none on a dumb terminal");
	unlike(`TERM=xterm $command 2>&1`, qr/\e/, "$name: none in a pipe");
}
my $image = "$tmp/none";
spew($image, "no image\n");
like(on_terminal('TERM=xterm', "$elfkit boundary $image"), qr/\e\[Kboundary: reading the kernel\.\.\..*\r\e\[K\e\[1;31melfkit:/s, 'progress on a terminal goes before the error comes');
unlike(`TERM=xterm $elfkit boundary $image 2>&1`, qr/reading/, 'and is not in a pipe');

my $policy = page('man5/elfkit-boundary.yaml.5');
my @keys = slurp('boundary.yaml') =~ /^(\w+):/mg;
cmp_ok(@keys, '>', 10, 'boundary.yaml has keys');
is_deeply([grep { $policy !~ /\b$_\b/ } @keys], [], 'its manual page has each');
is_deeply([grep { $policy !~ /\b\Q$_\E\b/ } slurp('elfkit/policy.c') =~ /^\t*\{ "(\w+)", /mg], [], 'and each that the reader knows');

($status) = run('shellcheck', '-s', 'bash', 'docs/completion/elfkit.bash');
is($status, 0, 'shellcheck has nothing to say of the completion');
($status, undef, $err) = run('make', "BUILD=$build", "DESTDIR=$tmp/dest", 'uninstall');
is($status, 0, 'make uninstall') or diag($err);
is(`find $tmp/dest -type f`, '', 'leaves nothing behind');
done_testing;
