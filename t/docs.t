#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What the documentation owes to the code: every message that tells a user no, and every option.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use Test::More;

# Text as it is compared: without marks, on one line.
sub plain {
	my ($text) = @_;
	$text =~ s/[`\\]//g;
	$text =~ s/\s+/ /g;
	return $text;
}

# The string literals of C source, those that follow each other joined.
sub literals {
	my ($source) = @_;
	my @found;
	while ($source =~ /((?:"(?:[^"\\\n]|\\.)*"\s*)+)/g) {
		my $text = join '', $1 =~ /"((?:[^"\\\n]|\\.)*)"/g;
		push @found, $text =~ s/\\"/"/gr;
	}
	return @found;
}

# The calls of a function, from its name to the end of the statement.
sub calls {
	my ($source, $name) = @_;
	return $source =~ /\b$name(\((?:[^()]|(?1))*\))/g;
}

# A format as the documentation may spell it: what is filled in is anything that is short.
sub pattern {
	my ($format) = @_;
	$format =~ s/%%//g;
	my @fixed = grep { /[a-z]/i } map { plain($_) } split /%[-+0 #]*(?:\.?\*|\d+)*(?:\.\d+)?(?:l|ll|z|h)*[a-zA-Z]/, $format;
	s/^[ ,:;`(']+|[ ,:;`(']+$//g for @fixed;
	return join '.{0,80}?', map { quotemeta } grep { length > 2 } @fixed;
}

sub comments_removed { return $_[0] =~ s{/\*.*?\*/}{}gsr }

my $relink = plain(slurp('docs/relink.md'));
my %exempt = map { $_ => 1 } (
	'cannot write what was found',		# the system's word says the rest
);
my (@missing, $count);
for my $file (sort(glob('relink/*.c'), glob('disasm/frame*.c'), glob('disasm/resume*.c'))) {
	my $source = comments_removed(slurp($file));
	my @messages = map { literals($_) } calls($source, 'err_new');
	# a remark's kind is a word, its text a clause
	push @messages, grep { / / } map { literals($_) } calls($source, 'remarks_add');
	push @messages, map { literals($_) } $source =~ /problem\[\w+\] = (.*?);/gs;
	for my $message (@messages) {
		my $pattern = pattern($message);
		next if $exempt{$message} || $pattern eq '';
		$count++;
		push @missing, "$file: $message" if $relink !~ /$pattern/;
	}
}
cmp_ok($count, '>', 90, 'messages are found in the source');
is_deeply(\@missing, [], 'docs/relink.md has each message that refuses something') or diag(join "\n", @missing);

# ways out: the table of kinds has every kind, and each that is refused says what to do
my %row = slurp('docs/relink.md') =~ /^\| `(\w+)`(?: \(\w+\))?(?:, [^|]*)? \|(.*)$/mg;
my @kinds = slurp('relink/remarks.c') =~ /^\t\[REMARK_\w+\] = \{ "(\w+)"/mg;
is_deeply([grep { !$row{$_} && !/^(?:reference|switch)$/ } @kinds], [], 'and each kind of remark');
is_deeply([grep { $relink !~ /refused: $_: / } qw(reference switch)], [], 'those that have a section of their own, too');

# the same for what the loader says in the kernel's log that is no, a warning or a note, and for load, unload and status
my $loader = plain(slurp('docs/loader.md'));
my @untold;
$count = 0;
for my $file (sort glob('loader/*.c'), map { "elfkit/$_.c" } qw(cmd_load cmd_unload cmd_status control trial modfile)) {
	my $source = comments_removed(slurp($file)) =~ s/" (?:KBUILD_MODNAME|REMEDY) "/%s/gr =~ s/%(?:\*ph|p)[A-Za-z]*/%s/gr;
	my @calls = $file =~ /^loader/ ? map({ calls($source, $_) } qw(pr_err pr_crit pr_notice pr_warn)) :
		(map({ calls($source, $_) } qw(err_new fprintf outcome_say)), $source =~ /^\t\treturn ("[^"]* [^"]*");/mg);
	push @calls, $source =~ /\bpr_fmt(\((?:[^()]|(?1))*\))/g, $source =~ /\bsnprintf\(who,.*?\);/gs if $file =~ /^loader/;
	for my $message (map { (literals($_))[0] // () } @calls) {
		my $pattern = pattern($message =~ s/\\n$//r);
		next if $pattern eq '';
		$count++;
		push @untold, "$file: $message" if $loader !~ /$pattern/;
	}
}
cmp_ok($count, '>', 55, 'the loader says as much');
is_deeply(\@untold, [], 'docs/loader.md has each message of it') or diag(join "\n", @untold);

# errnos: where a message is followed by the error that it goes with, its row says it, in the second column; where it
# goes with whatever E is, the row says E
my %said;
for my $line (split /\n/, slurp('docs/loader.md')) {
	my ($message, $errno) = map { plain($_) } $line =~ /^\| (.*?[^\\]) \| ([^|]*) \|/ or next;
	push @{$said{$message}}, $errno;
}
my ($pairs, @other);
for my $file (sort glob 'loader/*.c') {
	my $source = comments_removed(slurp($file)) =~ s/" (?:KBUILD_MODNAME|REMEDY) "/%s/gr =~ s/%(?:\*ph|p)[A-Za-z]*/%s/gr;
	while ($source =~ /\bpr_err(\((?:[^()]|(?1))*\));(.*?)(?=pr_err|\n\}\n)/gs) {
		my ($call, $after) = ($1, $2);
		my ($errno) = $after =~ /^[^{}]*?\breturn (?:ERR_PTR\()?-(E[A-Z]+)\b/ or next;
		my $pattern = pattern((literals($call))[0] =~ s/\\n$//r);
		my @rows = grep { /$pattern/ } keys %said;
		$pairs++;
		push @other, "$file: $errno: " . (literals($call))[0] if !@rows || grep { !/\b$errno\b/ } map { @{$said{$_}} } @rows;
	}
}
cmp_ok($pairs, '>=', 18, 'messages are found with their errno');
is_deeply(\@other, [], 'docs/loader.md has the errno of each') or diag(join "\n", @other);
my %parameter = map { $_ => 1 } map { slurp($_) =~ /\bmodule_param(?:_named)?\((\w+)/g } glob 'loader/*.c';
is_deeply([grep { $loader !~ /\b$_\b/ } sort keys %parameter], [], 'and each parameter');

# and of pack
my $packages = plain(slurp('docs/packages.md'));
my @packed = grep { length && $packages !~ /$_/ } map { pattern($_) } map { literals($_) } map { calls(comments_removed(slurp($_)), 'err_new') } glob 'elfkit/pack*.c';
is_deeply(\@packed, [], 'docs/packages.md has each message of pack');

# keys: whatever a command writes as YAML or JSON is in the reference, as code
{
	my %reference = ('elfkit/report.c' => 'report', 'elfkit/report_objects.c' => 'report', 'elfkit/report_structs.c' => 'report',
		'elfkit/diff_write.c' => 'report', 'elfkit/why.c' => 'boundary', 'elfkit/refs_out.c' => 'refs', 'elfkit/frame_out.c' => 'relink',
		'elfkit/loaded_write.c' => 'loader', 'elfkit/outcome.c' => 'loader', 'relink/remarks_write.c' => 'relink',
		'relink/manifest.c' => 'module');
	my (@silent, $keys);
	for my $file (sort keys %reference) {
		my $source = slurp($file);
		my %key = map { $_ => 1 } $source =~ /(?:report_(?:pair\w*|text)\(\w+, |(?:json_object_set(?:_new)?|set_text)\(\w+, )"(\w+)"/g,
			$source =~ /\\"(\w+)\\":/g, map { /"(\w+)"/g } $source =~ /json_pack\("\{[^"]*"([^;]*?)\);/gs;
		my $text = join ' ', slurp("docs/$reference{$file}.md") =~ /(`[^`]+`|^ {4}.*)/mg;
		$keys += keys %key;
		push @silent, map { "$file: $_" } grep { $text !~ /\b$_\b/ } sort keys %key;
	}
	cmp_ok($keys, '>', 120, 'keys are found in the source');
	is_deeply(\@silent, [], 'and the reference has each') or diag(join "\n", @silent);
}

# the tour: its tables go through the list of modules in order, and leave none out
{
	my ($list) = slurp('Makefile') =~ /^MODULES := \\\n((?:\t.*\n)+)/m;
	my @modules = $list =~ /(\w+\/\w+)/g;
	my %rank = map { $modules[$_] => $_ } 0 .. $#modules;
	my $tour = slurp('docs/tour.md');
	my (@rows, %told, $folder);
	for (split /\n/, $tour) {
		$folder = /relink/ ? 'relink' : '' if /^## /;
		my ($cell) = /^\| (`.*?) \|/ or next;
		my @names = $cell =~ /`([\w\/]+)`/g;
		my ($head, $in) = ($names[0], $names[0] =~ s{/.*}{/}r);
		$told{$_}++, $told{$in . $_}++, $told{$head . $_}++, $told{"relink/$_"}++, $told{"relink/$head$_"}++ for @names;
		push @rows, $names[0] =~ m{/} ? $names[0] : "relink/$names[0]";
	}
	$told{$_}++ for $tour =~ /`((?:elfkit|disasm|relink)\/\w+)`/g;
	is_deeply([grep { !exists $rank{$_} } @rows], [], 'docs/tour.md: every row is a module');
	is_deeply(\@rows, [sort { $rank{$a} <=> $rank{$b} } @rows], 'in the order of the Makefile');
	my @left = grep { !$told{$_} && !m{^elfkit/(?:cmd|main)} } @modules;
	is_deeply(\@left, [], 'and none is left out') or diag("@left");
}

# links: the file is there, and so is the heading
{
	my (%anchors, @dead);
	my $anchors = sub { map { lc($_) =~ s/[^\w -]//gr =~ tr/ /-/r => 1 } slurp($_[0]) =~ /^#+ (.*)/mg };
	for my $doc ('README.md', glob 'docs/*.md') {
		my $dir = $doc =~ m{/} ? 'docs/' : '';
		for (slurp($doc) =~ /\]\(([^)\s]+)\)/g) {
			next if /^https?:/;
			my ($file, $anchor) = split /#/;
			my $path = $file ? "$dir$file" =~ s{docs/\.\./}{}r : $doc;
			$anchors{$path} //= { -f $path ? $anchors->($path) : () };
			push @dead, "$doc: $_" if !-e $path || ($anchor && !$anchors{$path}{$anchor});
		}
	}
	is_deeply(\@dead, [], 'every link leads somewhere') or diag(join "\n", @dead);
}

# options: those that examples use exist, and those that exist are told
for my $command (map { m{cmd_(\w+)\.c} } glob 'elfkit/cmd_*.c') {
	my (undef, $help) = run($elfkit, $command, '--help');
	my %known = map { $_ => 1 } $help =~ /(--[a-z][a-z-]*)/g;
	my %short = reverse $help =~ /^ +(-\w), (--[a-z-]+)/mg;
	my (%used, $told);
	for my $doc ('README.md', sort glob 'docs/*.md docs/man/*.h2m docs/tutorial/* docs/ci/*') {
		my $text = slurp($doc) =~ s/\\\n\s*/ /gr;
		$used{$_}++ for map { /(?<![\w-])(--[a-z][a-z-]*)/g } $text =~ m{^(?: {4}.*\b)?elfkit $command\b(.*)$}mg;
		$told .= $text;
	}
	delete $used{'--version'};
	is_deeply([grep { !$known{$_} } sort keys %used], [], "elfkit $command has the options that examples give it");
	is_deeply([grep { $told !~ /\Q$_\E\b/ && !($short{$_} && $told =~ /[\s`[]\Q$short{$_}\E\b/) } grep { !/^--(?:help|usage|version)$/ } sort keys %known], [],
		"and all options of elfkit $command are told");
}
done_testing;
