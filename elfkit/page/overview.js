/* What is seen first: how many of each class, where they are, and who comes in. */

const MEANING = {
	interface: 'called from outside', callback: 'its address is taken', insider: 'called only from inside',
	outsider: 'stays the kernel’s', init: 'for the boot only', gone: 'only inlined copies',
};

function card(title, note, ...children) {
	return h('section.card', null, h('h2', null, title), note && h('p.note', null, note), children);
}

function countBy(items, key) {
	const counts = new Map();

	for (const item of items)
		counts.set(key(item), (counts.get(key(item)) || 0) + 1);
	return counts;
}

/* Segments of one bar; values: [[class, n], ...] */
function bar(values, total, title) {
	return h('div.bar', { role: 'img', 'aria-label': values.filter(([, n]) => n).map(([name, n]) => `${n} ${name}`).join(', ') },
		values.filter(([, n]) => n).map(([name, n]) =>
			h('i', { '--color': `var(--${name})`, width: 100 * n / total + '%', title: title(name, n) })));
}

function tiles(functions) {
	const counts = countBy(functions, f => f.class);

	return h('div.tiles', null, CLASSES.map(cls => h('a.tile', { '--color': `var(--${cls})`, href: `#functions?class=${cls}` },
		h('b', null, number(counts.get(cls) || 0)), h('span.name', null, cls), h('span.note', null, MEANING[cls]))));
}

/* Files by what is in them, as bars; measure(f): what a function counts for. */
function fileBars(functions, measure) {
	const files = new Map();

	for (const f of functions) {
		const file = files.get(f.file || '') || { name: f.file || '', total: 0, classes: new Map() };

		files.set(file.name, file);
		file.total += measure(f);
		file.classes.set(f.class, (file.classes.get(f.class) || 0) + measure(f));
	}
	const sorted = [...files.values()].filter(file => file.total).sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
	const largest = sorted.length ? sorted[0].total : 1;

	return h('div.bars', null, sorted.map(file => h('a.barrow', { href: '#functions?' + new URLSearchParams({ file: file.name }) },
		h('span.name', { title: file.name }, shortFile(file.name) || '(no file)'),
		h('span.track', null, h('span.fill', { width: 100 * file.total / largest + '%' },
			bar(CLASSES.map(cls => [cls, file.classes.get(cls) || 0]), file.total,
				(cls, n) => `${file.name}: ${number(n)} ${cls}`))),
		h('span.n', null, number(file.total)))));
}

const MEASURES = { functions: () => 1, 'bytes of code': f => f.size || 0 };

/* The same bars by two measures */
function filesCard(functions) {
	const place = h('div');
	const buttons = Object.keys(MEASURES).map(name => h('button', { onclick: () => choose(name) }, name));

	function choose(name) {
		buttons.forEach(button => button.setAttribute('aria-pressed', button.textContent === name));
		place.replaceChildren(fileBars(functions, MEASURES[name]));
	}
	choose('functions');
	return card('Source files', null, h('div.switch', { role: 'group', 'aria-label': 'Measure' }, buttons), place);
}

/* Units outside by how many functions of the scheduler they call */
function callersCard(model) {
	const units = new Map();

	for (const f of model.functions)
		for (const reference of f.from)
			if (isInside(f) && ['other', 'init'].includes(reference.node.is) && reference.kinds & (CALL | JUMP)) {
				const name = reference.node.file || 'code without a unit';

				units.set(name, (units.get(name) || new Set()).add(f));
			}
	const sorted = [...units].sort((a, b) => b[1].size - a[1].size || (a[0] < b[0] ? -1 : 1));
	const largest = sorted.length ? sorted[0][1].size : 1;
	const list = h('div.bars.units', null);

	function fill(n) {
		list.replaceChildren(...sorted.slice(0, n).map(([unit, functions]) => h('a.barrow',
			{ href: '#functions?' + new URLSearchParams({ from: unit }) }, h('span.name', { title: unit }, unit),
			h('span.track', null, h('span.fill', { width: 100 * functions.size / largest + '%' }, h('span.bar', null,
				h('i', { '--color': 'var(--interface)', width: '100%' })))), h('span.n', null, number(functions.size)))),
			n < sorted.length ? h('button.link', { onclick: () => fill(sorted.length) }, `all ${number(sorted.length)}`) : '');
	}
	fill(14);
	return card('Who calls in', `${count(sorted.length, 'unit')} of the kernel; by how many functions of the scheduler each calls`, list);
}

function objectsCard(model) {
	const kinds = countBy(model.objects, object => object.kind);
	const sorted = [...kinds].sort((a, b) => b[1] - a[1]);
	const largest = sorted.length ? sorted[0][1] : 1;

	return card('Variables and tables', `${number(model.objects.filter(object => object.class === 'shared').length)} of ` +
		`${number(model.objects.length)} are shared with outside code`, h('div.bars', null, sorted.map(([kind, n]) => {
		const shared = model.objects.filter(object => object.kind === kind && object.class === 'shared').length;

		return h('a.barrow', { href: '#objects?' + new URLSearchParams({ kind }) }, h('span.name', null, kind),
			h('span.track', null, h('span.fill', { width: 100 * n / largest + '%' },
				bar([['shared', shared], ['private', n - shared]], n, (name, m) => `${number(m)} ${name}`))),
			h('span.n', null, number(n)));
	})));
}

function structsCard(model) {
	const { structs } = model;
	const top = [...structs].sort((a, b) => b.nrShared - a.nrShared || (a.name < b.name ? -1 : 1)).slice(0, 8);
	const largest = top.length ? top[0].nrMembers : 1;

	return card('Structs', `${number(structs.filter(struct => struct.class === 'shared').length)} of ${number(structs.length)} have members ` +
		'that outside code uses; those with most of them', h('div.bars', null, top.map(struct => h('a.barrow', { href: '#' + struct.link },
		h('span.name', null, struct.name),
		h('span.track', null, h('span.fill', { width: 100 * struct.nrMembers / largest + '%' },
			bar([['shared', struct.nrShared], ['private', struct.nrMembers - struct.nrShared]], struct.nrMembers,
				(name, n) => `${count(n, 'member')} ${name}`))),
		h('span.n', { title: 'shared of all members' }, `${number(struct.nrShared)}/${number(struct.nrMembers)}`)))));
}

/* What does or does not hold: one line each. */
function factsCard(model) {
	const { switches = [], closure = [], findings = [], counts } = model.report;
	const known = new Map(model.functions.map(f => [f.name, f]));
	const line = (good, ...text) => h('li', { class: good ? 'good' : 'bad' }, text);

	return card('Does the boundary hold?', null, h('ul.facts', null,
		line(!closure.length, closure.length ? [`${count(closure.length, 'reference')} from outside ${closure.length === 1 ? 'reaches' : 'reach'} an insider: `,
			closure.join('; ')] : 'No reference from outside reaches an insider.'),
		switches.map(s => line(true, 'Stacks are switched in ', linkTo(known.get(s.function), s.function), `, at the call of ${s.calls} (${s.at}).`)),
		findings.length ? line(false, `${count(findings.length, 'finding')}:`, h('ul.findings', null, findings.map(f => h('li', null,
			h('span.kind', null, f.kind), ' ', f.what)))) : line(true, 'Nothing odd was found.')));
}

function linkTo(item, text) {
	return item?.link ? h('a', { href: '#' + item.link }, text || item.name) : h('span', null, text);
}

function overview(model) {
	const { counts } = model.report;
	const declared = new Set(model.functions.map(f => `${(f.source || f.name)} ${f.file}:${f.line}`)).size;
	const jumps = counts.interface + counts.callback;

	return h('div.overview', null,
		h('p.headline', null, h('b', null, number(jumps)), ' functions get a jump; behind them ',
			h('b', null, number(counts.insider)), ' more are replaced. Of ', h('b', null, number(declared)), ' functions in the source, an edit of ',
			h('b', null, number(counts.modifiable)), ' takes effect everywhere.'),
		bar(CLASSES.map(cls => [cls, counts[cls] || 0]), model.functions.length, (cls, n) => `${number(n)} ${cls}: ${MEANING[cls]}`),
		tiles(model.functions),
		h('div.cards', null, filesCard(model.functions),
			h('div.column', null, factsCard(model), model.structs ? structsCard(model) : null),
			h('div.column', null, callersCard(model), objectsCard(model))));
}
