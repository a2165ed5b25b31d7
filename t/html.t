#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The pages of `boundary --html` and `diff --html` in a browser, as a person uses them, held against the report
# itself; and the graphs of `--dot`, as Graphviz reads them.
use strict;
use warnings;
use lib 't/lib';
use Browser;
use Elfkit;
use JSON::PP;
use Test::More;

my $kernel = $kernels[0];
my $vmlinux = kernel_dir($kernel) . '/vmlinux';

# The real kernel, once: structs take the most of it
my ($status, $out, $err) = run($elfkit, 'boundary', '--json', '-o', "$tmp/report.json", '--html', "$tmp/page.html",
	'--dot', "$tmp/graph.dot", $vmlinux);
is("$status|$out", '0|', "$kernel: one run writes report, page and graph, and nothing to stdout") or BAIL_OUT($err);
my $report = decode_json(slurp("$tmp/report.json"));
my %function = map { $_->{name} => $_ } reverse @{$report->{functions}};
my %struct = map { $_->{name} => $_ } @{$report->{structs}};
my $page = slurp("$tmp/page.html");
unlike($page, qr{https?://|\Q$ENV{HOME}\E|\Q$vmlinux\E}, 'no address and no path of this machine in it');
cmp_ok(length $page, '<', 4 << 20, 'below 4 MB');
is((() = $page =~ m{</script}g), 3, 'three scripts end in it: report, graph, code');

my $browser = Browser->new;
sub js { return $browser->run(@_) }
sub texts { return @{js('return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)', $_[0])} }
sub text { return (texts($_[0]))[0] // '' }
sub hash { return js('return decodeURI(location.hash)') }
sub rows { return texts('.list .row .cell:first-child .mono') }
# Opens a part of the page that is open already
sub go { js(<<'END', $_[0]) }
return new Promise(done => {
	const before = location.href;
	addEventListener('hashchange', () => done(), { once: true });
	location.hash = arguments[0];
	if (location.href === before)
		done();
});
END
sub commas { return scalar reverse(reverse(shift) =~ s/(\d{3})(?=\d)/$1,/gr) }

$browser->open_page("file://$tmp/page.html");
note sprintf '%s: usable %.0f ms behind the click, of it %.0f ms in scripts', $kernel,
	js('return performance.getEntriesByName("usable")[0].startTime'), js('return performance.getEntriesByName("drawn")[0].duration');
is(js('return performance.getEntriesByType("resource").length'), 0, 'the page asks for no other file');
is_deeply([$browser->complaints], [], 'and the browser has nothing to complain about');

# At a glance
is_deeply({ map { /^([\d,]+)([a-z]+?)(?:called|its|stays|for|only)/ ? ($2 => $1 =~ s/,//r) : () } texts('.tile') },
	{ map { $_ => $report->{counts}{$_} } qw(interface callback insider outsider init gone) }, 'the counts are the report\'s');
my %per_file;
$per_file{$_->{file} =~ s{kernel/sched/}{}r}++ for @{$report->{functions}};
is_deeply({ map { /^(.*?\.[ch])([\d,]+)$/ ? ($1 => $2) : () } texts('.cards > .card .barrow') }, \%per_file, 'a bar for each source file');

# Search
sub found {
	my @words = map { lc } @_;
	return grep { my $f = $_; my $text = lc join "\n", map { $_ // '' } @{$f}{qw(name source file signature because)};
		!grep { index($text, $_) < 0 } @words } @{$report->{functions}};
}
$browser->press('/');
ok($browser->comes_true('document.activeElement.matches("input.search")'), '/ goes to the search');
is(hash(), '#functions', 'of functions');
cmp_ok(js('return document.querySelectorAll(".row").length'), '<', 150, 'only rows that are seen are there');
$browser->press('wake_up core.c');
my @found = found('wake_up', 'core.c');
cmp_ok(scalar(@found), '>', 5, 'a search that finds something');
is(text('.result'), sprintf('%d of %s', scalar(@found), commas(scalar @{$report->{functions}})), 'finds as many as the report has');
is_deeply([sort(rows())], [sort map { $_->{name} } @found], 'and the same');
like((rows())[0], qr/^wake_up/, 'a name that begins with the word comes first');
is(hash(), '#functions?q=wake_up+core.c', 'and it is a link');
note sprintf 'a search takes %.1f ms, with layout', js(<<'END');
const search = document.querySelector('.search'), start = performance.now();
search.value = 'rq';
search.dispatchEvent(new Event('input'));
document.querySelector('.rows').getBoundingClientRect();
return performance.now() - start;
END
js('const s = document.querySelector(".search"); s.value = "no such function"; s.dispatchEvent(new Event("input"))');
like(text('.empty'), qr/^Nothing matches/, 'a search for nothing says so');
$browser->click('.empty button');
is(scalar(texts('.empty:not([hidden])')), 0, 'and offers the way back');

# Filters and order
$browser->click('.chip[data-value=insider]');
is(text('.result'), "$report->{counts}{insider} of " . commas(scalar @{$report->{functions}}), 'a class alone');
is_deeply([grep { $function{$_}{class} ne 'insider' } rows()], [], 'and no other in it');
$browser->click('.chip[data-value=insider]');
my ($least, $most) = (sort { $a->{size} <=> $b->{size} } grep { $_->{size} } @{$report->{functions}})[0, -1];
sub by { js('[...document.querySelectorAll(".head button")].find(b => b.textContent.startsWith(arguments[0])).click()', $_[0]) }
by('Bytes');
is((rows())[0], $most->{name}, 'sorted by size: the largest first');
is(text('[aria-sort=descending]') =~ s/\W+$//r, 'Bytes', 'and the head says so');
by('Bytes');
is($function{(rows())[0]}{size}, $least->{size}, 'again: the smallest first');
by('Function');
go('functions?from=kernel/fork.c');
ok((grep { $_ eq 'sched_fork' } rows()), 'callers are known by their unit');

# Why: reason, callers, callees
go('functions?q=try_to_wake_up');
js('document.querySelector(".row").click()');
is(hash(), '#function/try_to_wake_up', 'a click on a function is a link to it');
like(text('.reason'), qr/: \Q$function{try_to_wake_up}{because}\E\.$/, 'with its reason');
(undef, my $why) = run($elfkit, 'boundary', '--why', 'try_to_wake_up', $vmlinux);
my %called = map { $_ => 1 } $why =~ /^  (?:called|jumped to) at (\S+)\+0x/mg;
# the elements of a list below a heading
sub below { return @{js('const s = [...document.querySelectorAll(".detail section")].find(s => s.querySelector("h3").textContent.startsWith(arguments[0]));
	return s ? [...s.querySelectorAll(".name")].map(e => e.textContent) : []', $_[0])} }
is_deeply([sort(below('From inside'))], [sort keys %called], 'those that call it are those of --why');
js('[...document.querySelectorAll(".detail a")].find(a => a.textContent === "wake_up_process").click()');
ok($browser->comes_true('document.querySelector(".detail h2").textContent === "wake_up_process"'), 'a caller is one click away');
ok((grep { $_ eq 'try_to_wake_up' } below('Refers to, inside')), 'and has it among those that it calls');
is(scalar(below('From outside')) > 10, 1, 'outside code calls it');
$browser->back;
ok($browser->comes_true('document.querySelector(".detail h2").textContent === "try_to_wake_up"'), 'back is back');
is_deeply([below('Inlined into')], [], 'it is inlined nowhere');
go('function/__schedule');
is(js('return [...document.querySelectorAll(".references li")].find(l => /^finish_task_switch/.test(l.querySelector(".name").textContent)).querySelector(".how").textContent'),
	'calls, behind the switch', 'what runs behind the stack switch is told apart');
my ($sleeper) = grep { $_->{sleeps} && $_->{sleeps} =~ / > / } @{$report->{functions}};
go("function/$sleeper->{name}");
is(join(' > ', texts('.way .mono')), "$sleeper->{name} > $sleeper->{sleeps}", 'the way on which a task can sleep');

# Keys
go('functions?q=wake_up');
js('document.querySelector(".search").focus()');
$browser->press('Down');
my $first = hash();
$browser->press('Down');
isnt(hash(), $first, 'arrows move through the list');
$browser->press('Up');
is(hash(), $first, 'both ways');
$browser->press('End');
is(hash(), '#function/' . (js('return [...document.querySelectorAll(".row")].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).pop().querySelector(".mono").textContent')), 'End goes to the last');
is(js('const r = document.querySelector("[aria-selected=true]").getBoundingClientRect(), l = document.querySelector(".rows").getBoundingClientRect();
	return r.top >= l.top && r.bottom <= l.bottom + 1'), JSON::PP::true, 'which is in sight');
$browser->press('Escape');
is(scalar(texts('.detail:not([hidden])')), 0, 'Escape closes the details');
$browser->open_page('about:blank');
$browser->open_page("file://$tmp/page.html#function/update_rq_clock");
is(text('.detail h2'), 'update_rq_clock', 'a link from elsewhere opens the function');
ok($browser->comes_true('(r => r && r.top > 0 && r.bottom < innerHeight)(document.querySelector("[aria-selected=true]")?.getBoundingClientRect())'),
	'and shows it in the list');

# Variables
go('object/runqueues');
my ($runqueues) = grep { $_->{name} eq 'runqueues' } @{$report->{objects}};
js('document.querySelectorAll(".references .link").forEach(b => b.click())');	# those that are folded
my %outside = map { $_ => 1 } below('Used outside');
is_deeply([grep { !$outside{s/\+0x.*//r} } @{$runqueues->{users}}], [], 'a variable has the users that the report has');
ok((grep { $_ eq '__schedule' } below('Used inside')), 'and those inside');

# Structs
go('struct/rq');
ok($browser->comes_true('document.querySelector(".drawing .block")'), 'a struct is drawn');
my $blocks = js(<<'END');
return [...document.querySelectorAll('.drawing .bytes')].flatMap(row => {
	const box = row.getBoundingClientRect(), start = +row.parentNode.querySelector('.offset').textContent;
	return [...row.children].map(b => { const r = b.getBoundingClientRect();
		return { name: b.dataset.member || '', class: b.className, at: start + (r.left - box.left) / box.width * row.style.getPropertyValue('--row'),
			size: r.width / box.width * row.style.getPropertyValue('--row') }; }); });
END
my %drawn;
$drawn{$_->{name}} //= $_ for @$blocks;
my @members = grep { $_->{size} } @{$struct{rq}{members}};
is_deeply([grep { !$drawn{$_} } map { $_->{name} } @members], [], 'each member of rq is there');
is_deeply([grep { abs($drawn{$_->{name}}{at} - $_->{offset}) > 0.2 } grep { !$_->{bits} } @members], [], 'at its offset');
is_deeply([grep { $_->{size} <= 8 && abs($drawn{$_->{name}}{size} - $_->{size}) > 0.2 } grep { !$_->{bits} } @members], [], 'as large as it is');
sub use_of { my ($m) = @_; return $m->{class} eq 'shared' ? 'shared' : $m->{inside} ? 'inside' : 'idle' }
is_deeply([grep { $drawn{$_->{name}}{class} !~ use_of($_) } @members], [], 'and in the colour of its use');
js('document.querySelector(".drawing [data-member=nr_running]").click()');
is(hash(), '#member/rq.nr_running', 'a click on a member is a link to it');
my ($nr_running) = grep { $_->{name} eq 'nr_running' } @members;
is_deeply([below('Used outside by')], $nr_running->{users}, 'with those that use it');
go('members?q=task_struct.on_cpu');
is((rows())[0], 'task_struct.on_cpu', 'members are searched, too');
by('Users');
go('members');
my ($used) = sort { $b <=> $a } map { @{$_->{users} // []} + ($_->{more} // 0) } map { @{$_->{members}} } @{$report->{structs}};
is(text('.row:first-child .cell:nth-last-child(2)') =~ s/,//r, $used, 'and sorted');

# Windows and schemes
sub emulate { $browser->ask('POST', '/goog/cdp/execute', { cmd => "Emulation.$_[0]", params => $_[1] }) }
# Texts on their grounds that a person with weak sight cannot read (WCAG 2: 4.5 to 1)
my $weak = <<'END';
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const probe = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
const rgb = color => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = color; probe.fillRect(0, 0, 1, 1); return [...probe.getImageData(0, 0, 1, 1).data]; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } };
const weak = new Set();
for (const e of document.querySelectorAll('#top *, #main *')) {
	if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.matches('option, input'))
		continue;
	const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
	if ((a + 0.05) / (b + 0.05) < 4.5)
		weak.add(`${e.className || e.tagName}: ${e.textContent.slice(0, 20)} ${((a + 0.05) / (b + 0.05)).toFixed(1)}`);
}
return [...weak];
END
for my $scheme (qw(light dark)) {
	emulate('setEmulatedMedia', { features => [{ name => 'prefers-color-scheme', value => $scheme }] });
	is(js('const c = getComputedStyle(document.body).backgroundColor.match(/\d+/g); return c[0] > 128 ? "light" : "dark"'), $scheme, "$scheme, as the reader wants it");
	for my $part ('overview', 'function/try_to_wake_up', 'struct/rq') {
		go($part);
		is_deeply(js($weak), [], "$scheme: $part can be read");
	}
}
for my $width (1440, 800, 380) {
	emulate('setDeviceMetricsOverride', { width => $width, height => 800, deviceScaleFactor => 1, mobile => JSON::PP::false });
	for my $part ('overview', 'functions', 'function/try_to_wake_up', 'struct/rq') {
		go($part);
		my @wide = @{js('return [...document.querySelectorAll("#top, #main, .overview, .tools, .row, .detail .body")].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className || e.id)')};
		is_deeply(\@wide, [], "$width pixels: $part fits");
	}
}
emulate('clearDeviceMetricsOverride', {});

# Two reports: this one, and the same with differences that are known
my $other = decode_json(slurp("$tmp/report.json"));
$other->{kernel}{release} = 'other';
my $hostile = '</script><script>window.broken = 1</script><!-- &lt;';
for (@{$other->{functions}}) {
	$_->{class} = 'outsider', $_->{because} = "kept out: $hostile" if $_->{name} eq 'wake_up_process';
	$_->{signature} = 'long (void)' if $_->{name} eq 'sched_fork';
	$_->{name} = 'renamed' if $_->{name} eq 'update_rq_clock';
}
my ($rq) = grep { $_->{name} eq 'rq' } @{$other->{structs}};
$_->{type} = 'u64' for grep { $_->{name} eq 'nr_running' } @{$rq->{members}};
# as a report begins: with its schema
sub write_report {
	my ($name, $report) = @_;
	my %rest = %$report;
	delete $rest{elfkit};
	return spew("$tmp/$name.json", '{"elfkit":1,' . substr encode_json(\%rest), 1);
}
write_report('other', $other);
($status, $out, $err) = run($elfkit, 'diff', '--html', "$tmp/diff.html", "$tmp/report.json", "$tmp/other.json");
is("$status|$out", '1|', 'diff writes a page');
(undef, my $all) = run($elfkit, 'diff', '--all', '--json', "$tmp/report.json", "$tmp/other.json");
my $diff = decode_json($all);
run($elfkit, 'diff', '--html', "$tmp/again.html", "$tmp/report.json", "$tmp/other.json");
is(slurp("$tmp/again.html"), slurp("$tmp/diff.html"), 'twice the same bytes');
$browser->open_page("file://$tmp/diff.html");
note sprintf 'diff: usable %.0f ms behind the click, of it %.0f ms in scripts',
	js('return performance.getEntriesByName("usable")[0].startTime'), js('return performance.getEntriesByName("drawn")[0].duration');
is_deeply([$browser->complaints], [], 'which the browser has nothing to complain about');
is_deeply([map { /^([\d,]+)/ } texts('.tile')], [map { commas($_) } @{$diff->{counts}}{qw(breaks look info)}], 'with the counts of the diff');
like(text('.matrix'), qr/interface/, 'and classes then and now');
js('[...document.querySelectorAll(".barrow")].find(a => a.textContent.startsWith("Can no longer be replaced")).click()');
ok($browser->comes_true('document.querySelector(".row")'), 'a kind leads to its differences');
is_deeply([texts('.row span.mono')], ['wake_up_process'], 'and to those alone');
js('document.querySelector(".row").click()');
like(text('.side.now'), qr/\Qoutsider (kept out: $hostile)\E/, 'both sides are shown, whatever is in them');
is(js('return window.broken || document.querySelectorAll("script").length'), 6, 'and text stays text');
is(join(' ', texts('.compare .changed th')), 'Class Because', 'what changed is marked');
js('[...document.querySelectorAll(".detail h3 a")].find(a => a.textContent === "wake_up_process").click()');
ok($browser->comes_true('location.hash === "#function/wake_up_process"'), 'the function is one click away');
go('functions?change=gone');
is_deeply([rows()], ['update_rq_clock'], 'functions that are gone');
go('struct/rq');
ok($browser->comes_true('document.querySelectorAll(".drawing .layout").length === 2'), 'structs are drawn on both sides');
is(join(' ', texts('.members .changed .mono')), 'nr_running ' . "$nr_running->{type} \x{2192} u64", 'with the member that changed');
is(js('return document.querySelectorAll(".drawing .changed").length'), 2, 'which is framed in both');
go('differences?importance=breaks');
is(text('.result'), $diff->{counts}{breaks} . ' of ' . commas(scalar @{$diff->{findings}}), 'a filter by what matters');
# the same report twice, one of them without structs
write_report('less', { map { $_ eq 'structs' ? () : ($_ => $report->{$_}) } keys %$report });
run($elfkit, 'diff', '--html', "$tmp/same.html", "$tmp/report.json", "$tmp/report.json");
$browser->open_page("file://$tmp/same.html#differences");
like(text('.empty'), qr/^The two reports say the same/, 'where nothing is different, that is said');
run($elfkit, 'diff', '--html', "$tmp/less.html", "$tmp/report.json", "$tmp/less.json");
$browser->open_page("file://$tmp/less.html#differences");
is_deeply([texts('.row span.mono')], ['structs'], 'what was not compared is a difference');
is_deeply([$browser->complaints], [], 'the browser has no complaint of any of it');

# A small kernel: names that are no text, and two runs
my $small = "$tmp/small";
system("set -e; mkdir $small; for f in core fair; do (cd t/damage && gcc -g -O2 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -pg -mfentry " .
	"-mrecord-mcount -fno-omit-frame-pointer -fcf-protection=none -c -o $small/\$f.o kernel/sched/\$f.c); done; " .
	"(cd t/damage && gcc -g -O2 -ffreestanding -fno-pic -mcmodel=kernel -c -o $small/outside.o kernel/outside.c && as -o $small/entry.o arch/entry.s); " .
	"cd $small; ld -T $ENV{PWD}/t/damage/image.lds --emit-relocs --build-id -z noexecstack -e 0 -o vmlinux core.o fair.o outside.o entry.o 2>log; " .
	"objcopy --redefine-sym wake_up='</script><!--\"\\' vmlinux odd") == 0 or die slurp("$small/log");
my @policy = ('-c', 't/damage/boundary.yaml');
is((run($elfkit, 'boundary', @policy, '--html', "$small/$_.html", '--dot', "$small/$_.dot", "$small/odd"))[0], 0, "a page of odd names: run $_") for 1, 2;
is(slurp("$small/2.html"), slurp("$small/1.html"), 'twice the same page');
is(slurp("$small/2.dot"), slurp("$small/1.dot"), 'twice the same graph');
is((() = slurp("$small/1.html") =~ m{</script}g), 3, 'and no script ends where a name says so');
$browser->open_page("file://$small/1.html#function/%3C/script%3E%3C!--%22%5C");
is(text('.detail h2'), '</script><!--"\\', 'a name that ends scripts is a name');
is_deeply([$browser->complaints], [], 'and breaks nothing');
undef $browser;

# Graphs
sub canon {
	my ($dot_status, $text, $said) = run('dot', '-Tcanon', $_[0]);
	is("$dot_status|$said", '0|', "$_[1]: Graphviz has nothing to complain about");
	return $text =~ s/\\\n//gr;
}
# name -> ids, and edges as [from name, to name]
sub graph {
	my ($text) = @_;
	my %label = $text =~ /^\s*(n\d+)\s*\[[^\]]*?\blabel=("(?:[^"\\]|\\.)*"|\w+)/mg;
	s/^"(.*)"$/$1/ for values %label;
	return (\%label, [map { [$label{$_->[0]}, $label{$_->[1]}] } map { [/(n\d+) -> (n\d+)/] } $text =~ /(n\d+ -> n\d+)/g]);
}
canon("$small/1.dot", 'odd names');
my $canon = canon("$tmp/graph.dot", "$kernel: the whole boundary");
my ($labels, $edges) = graph($canon);
my %box = map { $_ => 1 } values %$labels;
my %entered = map { $_->[1] => 1 } @$edges;
my @entries = grep { $_->{class} =~ /^(?:interface|callback)$/ } @{$report->{functions}};
is_deeply([grep { !$box{$_} } map { $_->{name} } @entries], [], 'each interface and callback is in the graph');
is_deeply([map { $_->{name} } grep { $_->{because} =~ /^called from outside|^its address is in/ && !$entered{$_->{name}} } @entries], [],
	'and something leads to those that are entered');
cmp_ok(scalar(keys %$labels), '<', @entries + 400, 'callers outside are one box a unit');
ok((grep { $_->[0] eq 'kernel/fork.c' && $_->[1] eq 'sched_fork' } @$edges), 'by name');
my ($svg_status, $svg) = run('dot', '-Tsvg', "$tmp/graph.dot");
ok($svg_status == 0 && $svg =~ m{</svg>\s*$}, 'it can be drawn');
($status, $out) = run($elfkit, 'boundary', '--dot', "$tmp/one.dot", '--why', 'try_to_wake_up', $vmlinux);
is("$status|$out", "0|$why", '--why says the same beside a graph');
($labels, $edges) = graph(canon("$tmp/one.dot", 'one function'));
is_deeply([sort map { $_->[0] } grep { $_->[1] eq 'try_to_wake_up' } @$edges], [sort keys %called], 'which has all that call it');
($status, $out, $err) = run($elfkit, 'boundary', @policy, '--dot', "$tmp/none.dot", '--why', 'runqueues', "$small/vmlinux");
is("$status|$out", '2|', 'a graph around what is no function is an error');
like($err, qr/^elfkit: \S+ has no function of the scheduler's files by the name runqueues to draw$/, 'which says so');
ok(!-e "$tmp/none.dot", 'and nothing is left');
($status, undef, $err) = run($elfkit, 'boundary', @policy, '--html', "$tmp/nowhere/page.html", '-o', "$tmp/beside.yaml", "$small/vmlinux");
ok($status == 2 && $err =~ m{nowhere/page\.html: No such file} && !-e "$tmp/beside.yaml", 'a page that cannot be written is an error, and nothing is written');
done_testing;
