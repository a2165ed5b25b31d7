#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# elfkit diff: each kind of finding on small reports, the form of the output, damaged
# reports, and what real kernels give.
use strict;
use warnings;
use lib 't/lib';
use Elfkit;
use JSON::PP;
use Test::More;

my $head = "elfkit: 1\nkernel: {release: 6.1, build_id: aa, machine: x86-64}\n";

sub report { spew("$tmp/$_[0].yaml", $_[1] =~ /^elfkit:/ ? $_[1] : $head . $_[1]) }

# (status, stdout, stderr) of a diff of two reports given as text
sub diff {
	my ($old, $new, @options) = @_;
	return run($elfkit, 'diff', @options, report('old', $old), report('new', $new));
}

# The findings of a diff as "importance kind name: old -> new", one line each
sub findings {
	my ($status, $out, $err) = diff(@_, '--all', '--json');
	return "status $status: $err" if $status == 2;
	return join '', map { "$_->{importance} $_->{kind} $_->{name}: " . ($_->{old} // '') . ' -> ' .
		($_->{new} // '') . ($_->{hint} ? "; $_->{hint}" : '') . "\n" } @{decode_json($out)->{findings}};
}

sub functions { return "functions: []\n" unless @_; "functions:\n" . join '', map { "- {$_, file: kernel/sched/core.c}\n" } @_ }

sub gives {
	my ($name, $old, $new, $expected) = @_;
	is(findings($old, $new), $expected, $name);
	is(findings($old, $old) . findings($new, $new), '', "$name: but each equals itself");
}

# Functions
gives('an entry that became an outsider', functions('name: f, class: interface, because: exported'),
	functions("name: f, class: outsider, because: 'kept out: x'"),
	"breaks became-outsider f: interface (exported) -> outsider (kept out: x)\n");
gives('an insider that became an outsider', functions('name: f, class: insider'), functions('name: f, class: outsider'),
	"breaks became-outsider f: insider -> outsider\n");
gives('a class that diff does not know stays the kernel\'s', functions('name: f, class: insider'),
	functions('name: f, class: strange'), "breaks became-outsider f: insider -> strange\n");
gives('an interface that is gone', functions('name: f, class: interface, because: exported'), functions(),
	"breaks interface-removed f: interface (exported) -> \n");
gives('an interface with a successor', functions("name: f, class: interface, because: called from outside at a+0x7e"),
	functions("name: g, class: interface, because: called from outside at a+0x7d"),
	"breaks interface-removed f: interface (called from outside at a+0x7e) -> ; " .
	"perhaps g now (called from outside at a+0x7d)\n" .
	"info added g:  -> interface (called from outside at a+0x7d)\n");
gives('two callbacks for the slots of two are told apart by the slot',
	functions('name: f, class: callback, because: its address is in t+0x8',
		  'name: g, class: callback, because: its address is in t+0x10'),
	functions('name: h, class: callback, because: its address is in t+0x10',
		  'name: i, class: callback, because: its address is in t+0x18'),
	"look callback-removed f: callback (its address is in t+0x8) -> ; " .
	"perhaps i now (its address is in t+0x18)\n" .
	"look callback-removed g: callback (its address is in t+0x10) -> ; " .
	"perhaps h now (its address is in t+0x10)\n" .
	"info added h:  -> callback (its address is in t+0x10)\n" .
	"info added i:  -> callback (its address is in t+0x18)\n");
gives('exported is no place to succeed to', functions('name: f, class: interface, because: exported'),
	functions('name: g, class: interface, because: exported'),
	"breaks interface-removed f: interface (exported) -> \ninfo added g:  -> interface (exported)\n");
gives('an interface with another signature', functions("name: f, class: interface, signature: 'void (int)'"),
	functions("name: f, class: interface, signature: 'void (long)'"),
	"breaks signature f: void (int) -> void (long)\n");
gives('an insider with another signature', functions("name: f, class: insider, signature: 'void (int)'"),
	functions("name: f, class: insider, signature: 'void (long)'"),
	"info private-signature f: void (int) -> void (long)\n");
gives('an entry that is inlined now', functions('name: f, class: callback'), functions('name: f, class: gone'),
	"look inlined-away f: callback -> gone\n");
gives('an inlined function that became an outsider', functions('name: f, class: gone'),
	functions('name: f, class: outsider'), "look out-of-reach f: gone -> outsider\n");
gives('a function that became init code', functions('name: f, class: interface'), functions('name: f, class: init'),
	"look now-init f: interface -> init\n");
gives('an insider that is reached from outside', functions('name: f, class: insider'),
	functions('name: f, class: callback'), "look reached f: insider -> callback\n");
gives('an interface that became a callback', functions('name: f, class: interface'),
	functions('name: f, class: callback'), "look class f: interface -> callback\n");
gives('an interface that became an insider', functions('name: f, class: interface'),
	functions('name: f, class: insider'), "look unreached f: interface -> insider\n");
gives('an outsider that can be replaced', functions('name: f, class: outsider'),
	functions('name: f, class: insider'), "look replaceable f: outsider -> insider\n");
gives('a callback that is gone', functions('name: f, class: callback'), functions(),
	"look callback-removed f: callback -> \n");
gives('a function that is exported', functions('name: f, class: interface'),
	functions('name: f, class: interface, exported: true'), "look exported f: not exported -> exported\n");
gives('insiders that come and go', functions('name: f, class: insider'), functions('name: g, class: insider'),
	"info added g:  -> insider\ninfo removed f: insider -> \n");
gives('an insider that is inlined', functions('name: f, class: insider'), functions('name: f, class: gone'),
	"info inlining f: insider -> gone\n");
gives('another reason to stay', functions('name: f, class: outsider, because: a'),
	functions('name: f, class: outsider, because: b'), "info reason f: outsider (a) -> outsider (b)\n");
gives('offsets are no reason', functions('name: f, class: outsider, because: at a+0x12'),
	functions('name: f, class: outsider, because: at a+0x34f'), '');
gives('line, entry and size', functions('name: f, class: insider, line: 1, entry: bare, size: 7'),
	functions('name: f, class: insider, line: 2, entry: fentry, size: 8'),
	"info line f: 1 -> 2\ninfo entry f: bare -> fentry\ninfo resized f: 7 bytes -> 8 bytes\n");
gives('a key that one report has not is not compared', functions('name: f, class: insider, line: 1'),
	functions('name: f, class: insider, size: 8'), '');
gives('signatures in one report only', functions('name: f, class: insider'),
	functions("name: f, class: insider, signature: 'void (int)'"), "look not-compared signatures:  -> there\n");

my @sleeps = ('name: s, class: insider, sleeps: s > t');
gives('a function of which a copy stays the kernel\'s', functions('name: f, class: callback, modifiable: true'),
	functions('name: f, class: callback, modifiable: false, copies: inlined into g'),
	"breaks partial f: callback -> callback, but inlined into g\n");
gives('a function of which no copy stays the kernel\'s',
	functions('name: f, class: insider, modifiable: false, copies: inlined into g'),
	functions('name: f, class: callback, modifiable: true'),
	"look reached f: insider -> callback\nlook whole f: insider, but inlined into g -> callback\n");
gives('an inlined function of which a copy is outside', functions('name: f, class: gone, modifiable: true'),
	functions('name: f, class: gone, modifiable: false, because: inlined into g'),
	"look out-of-reach f: gone -> gone, but inlined into g\n");
gives('an interface that is inlined outside', functions('name: f, class: interface, modifiable: true'),
	functions('name: f, class: gone, modifiable: false, because: inlined into g'),
	"breaks became-outsider f: interface -> gone (inlined into g)\n");
gives('a function that could not be edited before', functions('name: f, class: gone, modifiable: false'),
	functions('name: f, class: outsider, modifiable: false'), "info reason f: gone -> outsider\n");
gives('a report that does not say what can be modified', functions('name: f, class: insider, modifiable: true'),
	functions('name: f, class: insider'), "look not-compared modifiable: there -> \n");
gives('a function in which a task can sleep', functions('name: f, class: insider', @sleeps),
	functions('name: f, class: insider, sleeps: f > g', @sleeps), "look sleeps f:  -> f > g\n");
gives('a function that calls one in which a task can sleep', functions(map({ "name: $_, class: insider" } 'f', 'g'), @sleeps),
	functions('name: f, class: insider, sleeps: e > g > h', 'name: g, class: insider, sleeps: h', @sleeps),
	"look sleeps g:  -> h\ninfo sleeps-too f:  -> e > g > h\n");
gives('a function in which no task can sleep', functions('name: f, class: insider, sleeps: f > g', @sleeps),
	functions('name: f, class: insider', @sleeps), "info sleepless f: f > g -> \n");
gives('a report that does not say what sleeps', functions('name: f, class: insider'),
	functions('name: f, class: insider, sleeps: f > g'), "look not-compared sleeps:  -> there\n");

# Which function is which
gives('a clone suffix', functions('name: f.isra.0, class: insider'), functions('name: f.constprop.0.isra.1, class: insider'),
	"info clone f: f.isra.0 -> f.constprop.0.isra.1\n");
gives('one clone more', functions('name: f, class: insider'),
	functions('name: f.constprop.0, class: insider', 'name: f, class: insider'),
	"info clone f:  -> f.constprop.0 too\n");
gives('a name that only looks like a clone', functions('name: f.isra, class: insider', 'name: f.x.0, class: insider'),
	functions('name: f, class: insider', 'name: f.x.0, class: insider'), "info clone f: f.isra -> f\n");
gives('a function that moved to another file',
	"functions: [{name: f, class: insider, file: a.c, line: 5}]\n",
	"functions: [{name: f, class: insider, file: b.c, line: 9}]\n", "info moved f: a.c -> b.c\n");
gives('one name in two files',
	"functions: [{name: f, class: insider, file: a.c}, {name: f, class: interface, file: b.c}]\n",
	"functions: [{name: f, class: interface, file: b.c}, {name: f, class: outsider, file: a.c}]\n",
	"breaks became-outsider f: insider -> outsider\n");
gives('one name twice in a file', functions(('name: f, class: insider') x 2), functions(('name: f, class: insider') x 3),
	"info clone f:  -> f too\n");

# The whole
gives('another machine', '', "elfkit: 1\nkernel: {release: 6.2, build_id: bb, machine: arm64}\n",
	"breaks machine machine: x86-64 -> arm64\ninfo kernel build_id: aa -> bb\ninfo kernel release: 6.1 -> 6.2\n");
gives('another stack switch', "switches: [{function: s, calls: x, at: s+0x1}, {function: t, calls: x}]\n",
	"switches: [{function: s, calls: y, at: s+0x1}, {function: u, calls: x}]\n",
	"breaks switch s: calls x -> calls y\nbreaks switch t: calls x -> \nbreaks switch u:  -> calls x\n");
gives('a stack switch at another offset', "switches: [{function: s, calls: x, at: s+0x1}]\n",
	"switches: [{function: s, calls: x, at: s+0x2}]\n", "info switch-place s: s+0x1 -> s+0x2\n");
gives('closure that is no longer empty', "closure: []\n", "closure: ['a+0x1 calls f']\n",
	"breaks closure a+0x1 calls f:  -> \n");
gives('closure is empty where a report does not speak of it', '', "closure: ['a+0x1 calls f']\n",
	"breaks closure a+0x1 calls f:  -> \n");
gives('the same open edge at another offset', "closure: ['a+0x1 calls f', b]\n", "closure: ['a+0x2 calls f']\n",
	"info gone-finding b:  -> \n");
gives('findings of the report', "findings: [{kind: k, what: a+0x1}, {kind: k, what: b}]\n",
	"findings: [{kind: k, what: a+0x2}, {kind: k, what: c}]\n",
	"look finding k: c:  -> \ninfo gone-finding k: b:  -> \n");
gives('lists that one report has not', functions() . "objects: []\n", "structs: []\n",
	"look not-compared functions: there -> \nlook not-compared objects: there -> \nlook not-compared structs:  -> there\n");

# Objects
sub object { "objects:\n" . join '', map { "- {file: a.c, $_}\n" } @_ }
gives('a shared variable of another size', object('name: v, class: shared, kind: writable, type: int, size: 4'),
	object('name: v, class: shared, kind: writable, type: long, size: 8'),
	"breaks shared-object v: writable, int, 4 bytes -> writable, long, 8 bytes\n");
gives('a private variable of another kind', object('name: v, class: private, kind: writable'),
	object('name: v, class: private, kind: percpu'), "info private-object v: writable -> percpu\n");
gives('a variable that became shared', object('name: v, class: private, because: no user'),
	object('name: v, class: shared, users: [g, h, i]'),
	"look object-sharing v: private, no user -> shared, used outside by g and 2 more\n");
gives('a function static with another number', object('name: v.12, function: f, class: shared, size: 4'),
	object('name: v.99, function: f, class: shared, size: 8'),
	"breaks shared-object f() v: variable, 4 bytes -> variable, 8 bytes\n");
gives('statics of two functions', object('name: v.1, function: f, class: private', 'name: v.2, function: g, class: shared'),
	object('name: v.1, function: g, class: shared', 'name: v.2, function: f, class: private'), '');
gives('variables that come and go', object('name: v, class: shared', 'name: w, class: private'),
	object('name: x, class: shared'),
	"look object-removed v: shared -> \ninfo added x:  -> shared\ninfo removed w: private -> \n");

# Structs
sub structs {
	my ($class, $size, @members) = @_;
	return "structs:\n- {name: s, file: s.h, class: $class, size: $size, members: [" .
		join(', ', map { "{$_}" } @members) . "]}\n";
}
my @members = ('name: a, offset: 0, size: 4, type: int, class: private',
	'name: b, offset: 4, size: 4, type: int, class: shared, users: [show_b]');
gives('a shared member of another type', structs('shared', 8, @members),
	structs('shared', 12, $members[0], 'name: b, offset: 4, size: 8, type: long, class: shared'),
	"breaks shared-member s.b: int at 4, used outside by show_b -> long at 4\n" .
	"breaks struct-layout struct s: 8 bytes -> 12 bytes; other type b\n");
gives('a shared member that is gone', structs('shared', 8, @members), structs('shared', 4, $members[0]),
	"breaks shared-member s.b: int at 4, used outside by show_b -> \n" .
	"breaks struct-layout struct s: 8 bytes -> 4 bytes; gone b\n");
gives('a shared struct with many new members', structs('shared', 8, @members),
	structs('shared', 48, @members, map { "name: n$_, offset: " . 8 * $_ . ', type: long, class: private' } 1 .. 5),
	"breaks struct-layout struct s: 8 bytes -> 48 bytes; new n1, n2, n3, n4 and 1 more\n" .
	join('', map { "info member s.n$_:  -> long at " . 8 * $_ . "\n" } 1 .. 5));
gives('a shared struct whose members moved', structs('shared', 8, @members),
	structs('shared', 8, map { s/offset: (.)/'offset: ' . (4 - $1)/er } @members),
	"breaks struct-moved struct s: 8 bytes -> 8 bytes; 2 moved\n" .
	"info member s.a: int at 0 -> int at 4\ninfo member s.b: int at 4 -> int at 0\n");
gives('a bit-field of another width', structs('shared', 4, 'name: a, offset: 0, bits: 1, type: int, class: private'),
	structs('shared', 4, 'name: a, offset: 0, bits: 2, type: int, class: private'),
	"breaks struct-layout struct s: 4 bytes -> 4 bytes; other type a\n" .
	"info member s.a: int:1 at 0 -> int:2 at 0\n");
gives('a private struct', structs('private', 8, $members[0]), structs('private', 16, $members[0] =~ s/0/8/r),
	"info private-layout struct s: 8 bytes -> 16 bytes; 1 moved\ninfo member s.a: int at 0 -> int at 8\n");
gives('a struct and a member that became shared', structs('private', 4, $members[0]),
	structs('shared', 4, $members[0] =~ s/private/shared, users: [g]/r),
	"look struct-sharing struct s: private -> shared\n" .
	"look member-sharing s.a: private -> shared, used outside by g\n");
gives('structs that come and go', structs('shared', 4), structs('shared', 4) =~ s/name: s/name: t/r,
	"look struct-removed struct s: 4 bytes -> \ninfo added struct t:  -> shared\n");

# Every kind is tested and explained
{
	my ($table) = slurp('elfkit/diff.c') =~ /^const struct diff_kind_info.*?\{\n(.*?)^\};/ms;
	my @kinds = $table =~ /^\t\[DIFF_\w+\] = \{ "([\w-]+)"/mg;
	my ($docs, $tests) = (slurp('docs/report.md'), slurp('t/diff.t'));
	cmp_ok(scalar(@kinds), '>', 30, 'the table of kinds is found');
	is_deeply([grep { $docs !~ /`\Q$_\E`/ } @kinds], [], 'docs/report.md explains each kind');
	is_deeply([grep { $tests !~ /(?:breaks|look|info) \Q$_\E / } @kinds], [], 'each kind has a test');
}

# Output
my $old = functions('name: f, class: interface', 'name: g, class: interface', 'name: h, class: insider, line: 1',
	'name: b, class: callback');
my $new = functions('name: h, class: insider, line: 2', 'name: g, class: outsider', 'name: b, class: insider');
my ($status, $out, $err) = diff($old, $new);
is($status, 1, 'differences: exit status 1');
is($err, '', 'and nothing on stderr');
is($out, <<'END', 'text: what breaks comes first, with what to do');
6.1 -> 6.1: 2 break a module, 1 need a look, 1 for information (--all)

BREAKS A MODULE

Can no longer be replaced (1): an edit of it has no effect; make it in a function that can be replaced
  g (kernel/sched/core.c): interface -> outsider

Entry from outside that is gone (1): find what its callers call now; an edit must go there
  f (kernel/sched/core.c): was interface

NEEDS A LOOK

Outside code no longer comes in here (1): what it did for the old caller is done elsewhere, or no longer
  b (kernel/sched/core.c): callback -> insider
END
like((diff($old, $new, '--all'))[1], qr/^FOR INFORMATION\n\nAt another line \(1\)\n  h \(kernel\/sched\/core.c\): 1 -> 2$/m,
	'--all has the rest');
my $json = decode_json((diff($old, $new, '--json'))[1]);
is_deeply($json, {
	elfkit_diff => 1, old => { release => '6.1', build_id => 'aa', machine => 'x86-64' },
	new => { release => '6.1', build_id => 'aa', machine => 'x86-64' },
	counts => { breaks => 2, look => 1, info => 1 },
	findings => [
		{ importance => 'breaks', kind => 'became-outsider', name => 'g', file => 'kernel/sched/core.c',
		  old => 'interface', new => 'outsider' },
		{ importance => 'breaks', kind => 'interface-removed', name => 'f', file => 'kernel/sched/core.c',
		  old => 'interface' },
		{ importance => 'look', kind => 'unreached', name => 'b', file => 'kernel/sched/core.c',
		  old => 'callback', new => 'insider' },
	] }, '--json has the same');
($status, $out, $err) = diff($old, $old =~ s/line: 1/line: 2/r);
is("$status|$out", '0|', 'what is for information only is no difference');
is($err, "diff: nothing that matters; 1 differences for information, see --all\n", 'but it is not hidden');
is_deeply([diff($old, $old)], [0, '', ''], 'a report compared with itself prints nothing');
is_deeply(decode_json((diff($old, $old, '--json'))[1])->{findings}, [], 'and with --json, a document without findings');
($status, $out) = diff($old, $new, '-o', "$tmp/diff.txt");
is("$status|$out|" . slurp("$tmp/diff.txt"), "1||" . (diff($old, $new))[1], '-o writes to a file');
like(findings("counts: {a: [1, {b: c}]}\nnews: [[1], {x: y}]\n", ''), qr/^$/, 'keys that are not known are passed over');

# Damage
sub refused {
	my ($name, $text, $like) = @_;
	my $start = time;
	for my $order (0, 1) {
		my @reports = (report('good', $old), report('bad', $text));
		my ($status, $out, $err) = run($elfkit, 'diff', '-o', "$tmp/refused", $order ? @reports : reverse @reports);
		is("$status|$out", '2|', "$name: exit status 2");
		like($err, qr/^elfkit: [^\n]{1,400}\n\z/, "$name: one line");
		like($err, $like, "$name: which says what is wrong");
		ok(!-e "$tmp/refused", "$name: nothing is written");
	}
	cmp_ok(time - $start, '<', 20, "$name: and that soon");
}
sub bad { refused($_[0], $head . $_[1], $_[2]) }

{
	spew("$tmp/list.yaml", "- elfkit: 1\n");
	my ($status, $out, $err) = run($elfkit, 'diff', "$tmp/list.yaml", "$tmp/list.yaml");
	is("$status|$err", "2|elfkit: $tmp/list.yaml:1:1: not a report of elfkit: expected a mapping at the top\n",
		'a list at the top');
	spew("$tmp/other.yaml", "files: [a.c]\n");
	($status, $out, $err) = run($elfkit, 'diff', "$tmp/other.yaml", "$tmp/other.yaml");
	is("$status|$err", "2|elfkit: $tmp/other.yaml:1:1: not a report of elfkit: it does not begin with `elfkit: NUMBER`\n",
		'another file of YAML');
}
refused('a newer schema', "elfkit: 2\nkernel: 7\n", qr/bad.yaml: the report has schema 2, newer than this elfkit's 1/);
refused('schema 0', "elfkit: 0\n", qr/bad.yaml:1:9: no such schema "0"/);
refused('no number', "elfkit: one\n", qr/bad.yaml:1:9: expected a number for "elfkit"/);
refused('no kernel', "elfkit: 1\nfunctions: []\n", qr/missing key "kernel"/);
refused('half a kernel', "elfkit: 1\nkernel: {release: x}\n", qr/bad.yaml:2:9: missing key "build_id"/);
refused('two documents', "elfkit: 1\nkernel: {release: a, build_id: b, machine: c}\n---\na\n", qr/more than one document/);
bad('truncated YAML', "functions:\n- {name: f, class: ", qr/bad.yaml:\d+:\d+: /);
bad('a list that is none', "functions: 5\n", qr/bad.yaml:3:12: expected a list for "functions"/);
bad('a list given twice', "functions: []\nfunctions: []\n", qr/bad.yaml:4:1: key given twice: "functions"/);
bad('a key given twice', "functions: [{name: f, name: g, class: c}]\n", qr/bad.yaml:3:23: key given twice: "name"/);
bad('a missing key', "functions: [{name: f}]\n", qr/bad.yaml:3:13: missing key "class"/);
bad('a negative size', "functions: [{name: f, class: c, size: -1}]\n", qr/expected a number for "size"/);
bad('a size out of range', "functions: [{name: f, class: c, size: 99999999999999999999}]\n", qr/expected a number for "size"/);
bad('no truth', "functions: [{name: f, class: c, exported: maybe}]\n", qr/expected true or false for "exported"/);
bad('a list for a name', "functions: [{name: [f], class: c}]\n", qr/expected text for "name"/);
bad('a control character', qq(functions: [{name: "f\\e[2J", class: c}]\n), qr/control character/);
bad('a NUL in a name', qq(functions: [{name: "f\\0g", class: c}]\n), qr/control character/);
bad('no UTF-8', "functions: [{name: \xff, class: c}]\n", qr/bad.yaml:\d+:\d+: .*UTF-8/);
bad('an anchor', "functions: [{name: &a f, class: *a}]\n", qr/bad.yaml:3:20: a report has no anchors and aliases/);
bad('an alias bomb', "a: &a [x, x, x, x, x, x, x, x, x]\n" .
	join('', map { my $p = chr(ord($_) - 1); "$_: &$_ [" . join(', ', ("*$p") x 9) . "]\n" } 'b' .. 'z'),
	qr/no anchors and aliases/);
bad('deep nesting', 'x: ' . '[' x 100_000 . "\n", qr/nested too deeply|nesting/);
bad('a name of 1 MB', 'functions: [{class: c, name: ' . 'x' x 1_000_000 . "}]\n", qr/text too long for "name"/);
{
	srand 1;
	my $block = pack 'N*', map { int rand 2 ** 32 } 1 .. 16384;
	my %junk = ('random bytes' => $block x 320, 'zeros' => "\0" x 20_000_000, 'one long line' => 'x' x 20_000_000,
		'brackets' => '[' x 20_000_000, 'dashes' => "- \n" x 7_000_000);
	refused("20 MB of junk: $_", "elfkit: 1\n$junk{$_}", qr/bad.yaml/) for sort keys %junk;
}
{
	# a truncation is an error in one line, or between two items a shorter report
	my $whole = $head . $old . object('name: v, class: shared, size: 4') . structs('shared', 8, @members);
	my @odd;
	for (my $n = 0; $n < length $whole; $n += 7) {
		spew("$tmp/cut.yaml", substr $whole, 0, $n);
		my ($status, $out, $err) = run($elfkit, 'diff', "$tmp/cut.yaml", "$tmp/cut.yaml");
		push @odd, "$n: $status $err" unless $status == 0 && $err eq '' || $status == 2 && $err =~ /^elfkit: [^\n]+\n\z/;
	}
	is_deeply(\@odd, [], 'truncations are refused or mean something');
}
for my $case (["$tmp/nowhere", qr/nowhere: No such file/], [$tmp, qr/Is a directory/], ['/dev/null', qr/empty/]) {
	my ($status, undef, $err) = run($elfkit, 'diff', $case->[0], report('good', $old));
	is($status, 2, "$case->[0]: exit status 2");
	like($err, $case->[1], "$case->[0]: and why");
}

# Real kernels
my %real;
for my $kernel (@kernels, grep { -e "$ENV{HOME}/.cache/elfkit/$_/vmlinux" } '6.12') {
	next if $real{$kernel};
	$real{$kernel} = "$tmp/$kernel.yaml";
	my ($status) = run($elfkit, 'boundary', '-c', 'boundary.yaml', '-o', $real{$kernel},
		kernel_dir($kernel) . '/vmlinux');
	is($status, 0, "$kernel: a report");
	is_deeply([run($elfkit, 'diff', '--all', ($real{$kernel}) x 2)], [0, '', ''], "$kernel: is the same as itself");
}
SKIP: {
	skip 'no 6.1 and 6.12 to compare', 1 unless $real{'6.1'} && $real{'6.12'};
	my ($status, $out, $err) = run($elfkit, 'diff', @real{'6.1', '6.12'});
	is($status, 1, '6.1 and 6.12 differ');
	like($out, qr/^BREAKS A MODULE\n.*^NEEDS A LOOK\n/ms, 'both parts have something to say');
	unlike($out, qr/^FOR INFORMATION/m, 'what needs nothing done is not shown');
	like($out, qr/^  scheduler_tick \(kernel\/sched\/core\.c\): was interface .*; perhaps sched_tick now/m,
		'the tick has another name');
	like($out, qr/^  check_preempt_curr_rt .*; perhaps wakeup_preempt_rt now/m, 'a method has another name');
	like($out, qr/^  pick_next_task_dl \(kernel\/sched\/deadline\.c\): was callback/m, 'a method is gone');
	is((run($elfkit, 'diff', @real{'6.1', '6.12'}))[1], $out, 'two runs give the same bytes');
	my $all = (run($elfkit, 'diff', '--all', @real{'6.1', '6.12'}))[1];
	like($all, qr/^  __checkparam_dl /m, '--all has the details');
	like($all, qr/^  __do_sys_nice \(kernel\/sched\/syscalls\.c\): kernel\/sched\/core\.c -> /m,
		'system calls moved to another file');
	my $findings = decode_json((run($elfkit, 'diff', '--json', @real{'6.1', '6.12'}))[1])->{findings};
	my %rank = (breaks => 0, look => 1, info => 2);
	my @ranks = map { $rank{$_->{importance}} } @$findings;
	is_deeply(\@ranks, [sort @ranks], 'what matters most comes first');
	is(scalar(grep { !$_->{old} && !$_->{new} } @$findings), 0, 'every finding has a side');
}
done_testing;
