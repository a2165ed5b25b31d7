/* The page of two reports: what is different, and both sides of it. */

const IMPORTANCES = ['breaks', 'look', 'info'];
const IMPORTANCE = { breaks: 'breaks a module', look: 'needs a look', info: 'for information' };
const ABSENT = 'absent';

/* Without what the compiler adds to names: findings are about what the source has. */
function baseName(name) {
	return name.replace(/\.\d+$/, '').replace(/(\.(isra|constprop|part|cold|llvm|lto_priv)(\.\d+)?)+$/, '');
}

/* Items of both reports as pairs, those of one side last: { name, old, new, ... } */
function pairUp(before, after, mates, kind) {
	const taken = new Set(mates);
	const pairs = (before || []).map((old, i) => ({ old, new: mates[i] >= 0 ? after[mates[i]] : null }));

	(after || []).forEach((item, i) => taken.has(i) || pairs.push({ old: null, new: item }));
	for (const pair of pairs) {
		const item = pair.new || pair.old;

		Object.assign(pair, {
			name: item.name, file: item.file, because: item.because || '', then: pair.old ? pair.old.class : ABSENT,
			now: pair.new ? pair.new.class : ABSENT, class: pair.new ? pair.new.class : ABSENT, differences: [],
		});
		pair.change = !pair.old ? 'new' : !pair.new ? 'gone' : pair.then !== pair.now ? 'other class' : 'same class';
		pair.text = [pair.name, pair.old?.name, pair.file, pair.because].join('\n').toLowerCase();
	}
	giveLinks(pairs, kind);
	return pairs;
}

/* What a finding is about: the pair of that name, of the same file if there are several. */
function findPair(difference, index) {
	const { name } = difference;
	const keys = [name, name.replace(/^.*\(\) /, ''), name.replace(/^struct /, ''), name.replace(/\..*/, '')];
	const wanted = /struct|layout|member/.test(difference.what) || name.startsWith('struct ') ? 'struct' :
		/object/.test(difference.what) || name.includes('() ') ? 'object' : null;

	for (const key of keys) {
		const found = (index.get(key) || []).filter(pair => !wanted || pair.is === wanted);

		if (found.length)
			return found.find(pair => pair.new?.file === difference.file || pair.old?.file === difference.file) || found[0];
	}
	return null;
}

function readDiff() {
	const diff = readDocument('diff'), kinds = readDocument('kinds');
	const before = readDocument('old'), after = readDocument('new'), pairs = readDocument('pairs');
	const model = {
		diff, kinds, functions: pairUp(before.functions, after.functions, pairs.functions, 'function'),
		objects: pairUp(before.objects, after.objects, pairs.objects, 'object'),
		structs: pairUp(before.structs, after.structs, pairs.structs, 'struct'), hasStructs: !!(before.structs && after.structs),
		byName: new Map(),
	};
	const index = new Map();

	for (const pair of [...model.functions, ...model.objects, ...model.structs])
		for (const name of new Set([pair.old, pair.new].filter(side => side).map(side => baseName(side.name)))) {
			index.set(name, [...(index.get(name) || []), pair]);
			if (!model.byName.has(name) && pair.is !== 'struct')
				model.byName.set(name, pair);
		}
	model.differences = diff.findings.map(({ kind, ...finding }) => ({ ...finding, what: kind, class: finding.importance, ...kinds[kind] }));
	giveLinks(model.differences, 'difference');
	for (const difference of model.differences) {
		/* a name may have several differences: they are told apart by what they are */
		difference.link = `difference/${difference.what}/${difference.link.replace(/^difference\//, '')}`;
		difference.change = [difference.old, difference.new].map(side => side || '').join(' → ');
		difference.pair = ['kernel', 'finding', 'gone-finding', 'closure', 'machine', 'not-compared', 'switch', 'switch-place']
			.includes(difference.what) ? null : findPair(difference, index);
		difference.pair?.differences.push(difference);
	}
	giveText(model.differences, 'name', 'file', 'title', 'old', 'new', 'hint');
	model.byLink = byLink(model.differences, model.functions, model.objects, model.structs);
	return model;
}

/* Both sides of a text, with what is not the same marked in colour */
function sides(old, now) {
	return h('div.sides', null, h('div.side.then', null, h('h4', null, 'then'), h('p', null, old || h('span.note', null, ABSENT))),
		h('div.side.now', null, h('h4', null, 'now'), h('p', null, now || h('span.note', null, ABSENT))));
}

const FIELDS = {
	function: [['class', 'Class'], ['file', 'File'], ['line', 'Line'], ['size', 'Bytes of code'], ['signature', 'Signature'], ['entry', 'Entry'],
		['exported', 'Exported'], ['modifiable', 'Modifiable'], ['because', 'Because'], ['copies', 'Copies'], ['sleeps', 'A task can sleep in it']],
	object: [['class', 'Class'], ['kind', 'Kind'], ['file', 'File'], ['function', 'Static in'], ['type', 'Type'], ['size', 'Bytes'], ['because', 'Because']],
	struct: [['class', 'Class'], ['file', 'File'], ['size', 'Bytes']],
};

function fieldText(value) {
	return value === undefined ? '–' : typeof value === 'number' ? number(value) : value === true ? 'yes' : value === false ? 'no' : value;
}

/* Places in reasons move with every build */
function sameField(a, b) {
	const plain = value => typeof value === 'string' ? value.replace(/\+0x[0-9a-f]+/g, '') : value;

	return plain(a) === plain(b);
}

function fieldTable(pair) {
	const old = pair.old || {}, now = pair.new || {};
	const fields = FIELDS[pair.is].filter(([key]) => old[key] !== undefined || now[key] !== undefined);

	return h('table.compare', null, h('thead', null, h('tr', null, h('th'), h('th', null, 'Then'), h('th', null, 'Now'))),
		h('tbody', null, fields.map(([key, heading]) => h('tr', { class: pair.old && pair.new && !sameField(old[key], now[key]) ? 'changed' : null },
			h('th', null, heading), h('td', null, pair.old ? fieldText(old[key]) : ABSENT), h('td', null, pair.new ? fieldText(now[key]) : ABSENT)))));
}

function sameMember(a, b) {
	return a.type === b.type && a.size === b.size && a.bits === b.bits;
}

/* Members of both sides by name, in the order of the new one */
function pairMembers(pair) {
	const old = new Map((pair.old?.members || []).map(member => [memberName(member), member]));
	const now = new Map((pair.new?.members || []).map(member => [memberName(member), member]));
	const rows = [...new Set([...now.keys(), ...old.keys()])].map(name => {
		const a = old.get(name), b = now.get(name);

		return { name, old: a, new: b, change: !a ? 'new' : !b ? 'gone' : !sameMember(a, b) ? 'other type' : a.offset !== b.offset ? 'moved' :
			a.class !== b.class ? b.class : '' };
	});

	return rows.sort((a, b) => (a.new || a.old).offset - (b.new || b.old).offset);
}

function structSides(pair) {
	const rows = pairMembers(pair);
	const changed = new Set(rows.filter(row => ['new', 'gone', 'other type'].includes(row.change)).map(row => row.name));
	const drawing = h('div.drawing.both');

	new ResizeObserver(() => {
		const width = drawing.clientWidth, across = width > 620 ? 2 : 1;

		if (!width || width === drawing.drawn)
			return;
		drawing.drawn = width;
		drawing.replaceChildren(...[['then', pair.old], ['now', pair.new]].filter(([, side]) => side).map(([when, side]) =>
			h('div', null, h('h4', null, `${when}: ${count(side.size, 'byte')}`), drawLayout(side, { width: width / across - 60, changed }))));
	}).observe(drawing);
	return [
		h('section', null, h('h3', null, 'Layout'), h('p.note', null, 'Framed: new, gone or of another type.'), legend(), drawing),
		h('section', null, h('h3', null, 'Members'), h('table.members', null,
			h('thead', null, h('tr', null, h('th.numeric', null, 'Then at'), h('th.numeric', null, 'Now at'), h('th', null, 'Member'), h('th', null, 'Change'))),
			h('tbody', null, rows.map(row => h('tr', { class: row.change ? 'changed' : null },
				h('td.numeric', null, number(row.old?.offset)), h('td.numeric', null, number(row.new?.offset)),
				h('td.mono', null, row.name, h('span.type', null, ' ', row.old && row.new && row.old.type !== row.new.type ?
					`${row.old.type} → ${row.new.type}` : (row.new || row.old).type)), h('td', null, row.change)))))),
	];
}

/* Names in a row, the first dozen of many */
function foldedNames(differences) {
	const names = h('span');
	const fill = n => names.replaceChildren(...differences.slice(0, n).flatMap((difference, i) => [i ? ', ' : '',
		h('a.mono', { href: '#' + difference.link }, difference.name.replace(/^[^.]*\./, ''))]),
	n < differences.length ? h('button.link', { onclick: () => fill(differences.length) }, `, and ${number(differences.length - n)} more`) : '');

	fill(differences.length > AT_FIRST + 3 ? AT_FIRST : differences.length);
	return names;
}

/* One line a kind; of those about members, the members */
function differenceLines(pair) {
	const kinds = new Map();

	for (const difference of pair.differences)
		kinds.set(difference.title, [...(kinds.get(difference.title) || []), difference]);
	return h('ul.references', null, [...kinds].map(([title, differences]) => h('li', null,
		h('i.point', { '--color': `var(--${differences[0].importance})` }), h('div', null,
			differences.length === 1 && !differences[0].name.includes('.') ? h('a', { href: '#' + differences[0].link }, title) :
				[title + ': ', foldedNames(differences)]))));
}

function pairDetail(pair) {
	return [
		fieldTable(pair),
		pair.differences.length ? h('section', null, h('h3', null, 'Differences', h('span.n', null, number(pair.differences.length))),
			differenceLines(pair)) : h('p.note', null, 'Nothing is different.'),
		pair.is === 'struct' ? structSides(pair) : null,
	];
}

function differenceDetail(difference, model) {
	const { pair } = difference;
	/* members have names of their own: those are no links */
	const texts = text => text && pair?.is === 'function' ? linked(text, model, pair) : text;

	return [
		title(difference, badge(difference.importance), difference.file ? h('span.badge.plain', null, shortFile(difference.file)) : null),
		h('p.reason', { '--color': `var(--${difference.importance})` }, h('b', null, difference.title), difference.advice ? `: ${difference.advice}.` : '.'),
		sides(texts(difference.old), texts(difference.new)),
		difference.hint ? h('p.hint', null, linked(difference.hint, model, pair)) : null,
		pair ? h('section', null, h('h3', null, 'Both sides of ', linkTo(pair))) : null,
		pair ? pairDetail(pair) : null,
	];
}

function differenceList(model) {
	return new List({
		name: 'differences', title: 'Differences', items: model.differences, nothing: 'The two reports say the same.',
		placeholder: 'Search names, kinds, reasons',
		columns: [
			{ title: 'Matters', min: 84, value: d => IMPORTANCES.indexOf(d.importance), cell: d => badge(d.importance), keepOrder: true },
			{ title: 'What', min: 150, grow: 1.5, value: d => d.title, keepOrder: true, drop: 5 },
			{ title: 'Name', min: 160, grow: 1.4, value: d => d.name, cell: (d, words) => h('span.mono', null, marked(d.name, words)) },
			{ title: 'File', min: 90, grow: 0.8, value: d => shortFile(d.file) || undefined, mono: true, drop: 8 },
			{ title: 'Then → now', min: 200, grow: 2.6, value: d => d.change, drop: 7 },
		],
		facets: [
			{ key: 'importance', title: 'Importance', values: d => [d.importance], order: IMPORTANCES, label: value => IMPORTANCE[value] },
			{ key: 'what', title: 'Kind', all: 'All kinds', values: d => [d.what], order: Object.keys(model.kinds), label: what => model.kinds[what].title },
			{ key: 'file', title: 'File', all: 'All files', values: d => [d.file || ''], label: file => shortFile(file) || '(no file)' },
		],
		detail: difference => differenceDetail(difference, model),
	});
}

function pairList(model, options) {
	return new List({
		nothing: 'The reports have none.',
		columns: [
			{ title: options.one, min: 190, grow: 2, value: pair => pair.name, cell: name },
			{ title: 'Then', min: 92, value: pair => pair.then, drop: 4 },
			{ title: 'Now', min: 92, value: pair => pair.now, drop: 4 },
			{ title: 'Bytes then', min: 96, numeric: true, value: pair => pair.old?.size, drop: 5 },
			{ title: 'Bytes now', min: 96, numeric: true, value: pair => pair.new?.size, drop: 5 },
			{ title: 'Differences', min: 104, numeric: true, value: pair => pair.differences.length },
			{ title: 'File', min: 110, grow: 1, value: pair => shortFile(pair.file) || undefined, mono: true, drop: 7 },
			{ title: 'Why now', min: 160, grow: 2, value: pair => pair.because, drop: 9 },
		],
		facets: [
			{ key: 'change', title: 'Change', values: pair => [pair.change], order: ['other class', 'new', 'gone', 'same class'] },
			{ key: 'then', title: 'Class then', all: 'Any class then', values: pair => [pair.then] },
			{ key: 'now', title: 'Class now', all: 'Any class now', values: pair => [pair.now] },
			{ key: 'file', title: 'File', all: 'All files', values: pair => [pair.file || ''], label: file => shortFile(file) || '(no file)' },
		],
		detail: pair => [title(pair, badge(pair.then), '→', badge(pair.now)), ...pairDetail(pair)],
		...options,
	});
}

/* Class then by class now; what stayed is on the diagonal */
function transitions(functions) {
	const classes = [...CLASSES, ABSENT];
	const counts = countBy(functions, pair => `${pair.then} ${pair.now}`);
	const largest = Math.max(1, ...[...counts].filter(([key]) => key.split(' ')[0] !== key.split(' ')[1]).map(([, n]) => n));

	return h('table.matrix', null, h('thead', null, h('tr', null, h('th', null, 'then ↓ now →'), classes.map(cls => h('th', null, badge(cls))))),
		h('tbody', null, classes.map(then => h('tr', null, h('th', null, badge(then)), classes.map(now => {
			const n = counts.get(`${then} ${now}`) || 0;

			return h('td', { class: then === now ? 'same' : null, '--heat': then === now ? 0 : Math.sqrt(n / largest) }, n ?
				h('a', { href: '#functions?' + new URLSearchParams({ then, now }) }, number(n)) : '');
		})))));
}

function kindsCard(model, importance, heading) {
	const counts = countBy(model.differences.filter(d => d.importance === importance), d => d.what);
	const largest = Math.max(1, ...counts.values());

	return card(heading, null, counts.size ? h('div.bars.kinds', null, [...counts].map(([what, n]) =>
		h('a.barrow', { href: '#differences?' + new URLSearchParams({ what }), title: model.kinds[what].advice || '' },
			h('span.name', null, model.kinds[what].title), h('span.track', null, h('span.fill', { width: 100 * n / largest + '%' },
				h('span.bar', null, h('i', { '--color': `var(--${importance})`, width: '100%' })))), h('span.n', null, number(n)),
			model.kinds[what].advice ? h('span.advice', null, model.kinds[what].advice) : null))) : h('p.note', null, 'Nothing.'));
}

function diffOverview(model) {
	const { counts } = model.diff;
	const verdict = counts.breaks ? [h('b', null, number(counts.breaks)), ' differences break a module that relies on them; ',
		h('b', null, number(counts.look)), ' need a look.'] : counts.look ? ['Nothing breaks a module; ', h('b', null, number(counts.look)), ' differences need a look.'] :
		counts.info ? ['Nothing that matters is different.'] : ['The two reports say the same.'];

	return h('div.overview', null, h('p.headline', null, verdict, ' ', counts.info ? `${number(counts.info)} are for information.` : ''),
		h('div.tiles.three', null, IMPORTANCES.map(importance => h('a.tile', { '--color': `var(--${importance})`, href: `#differences?importance=${importance}` },
			h('b', null, number(counts[importance])), h('span.name', null, IMPORTANCE[importance])))),
		h('div.cards.two', null,
			h('div.column', null, kindsCard(model, 'breaks', 'Breaks a module'), model.functions.length ?
				card('Functions by class', 'Off the diagonal: what became what.', h('div.scroll', null, transitions(model.functions))) : null),
			h('div.column', null, kindsCard(model, 'look', 'Needs a look'), kindsCard(model, 'info', 'For information'))));
}

function diffPage() {
	const model = readDiff();
	const lists = [differenceList(model),
		pairList(model, { name: 'functions', title: 'Functions', one: 'Function', items: model.functions, placeholder: 'Search functions, reasons' }),
		pairList(model, { name: 'objects', title: 'Variables', one: 'Variable', items: model.objects, placeholder: 'Search variables, reasons' }),
		pairList(model, { name: 'structs', title: 'Structs', one: 'Struct', items: model.structs, placeholder: 'Search structs',
			nothing: 'The reports were made without --structs.' })];
	let first = null;

	return {
		title: `${model.diff.old.release} → ${model.diff.new.release}`, kernels: [model.diff.old, model.diff.new], byLink: model.byLink,
		tabs: [{ name: 'overview', title: 'Overview', view: () => first = first || diffOverview(model) },
			...lists.map(list => ({ name: list.name, title: list.title, n: list.items.length, list, view: () => list.view() }))],
		listOf: { difference: lists[0], function: lists[1], object: lists[2], struct: lists[3] },
	};
}
