/* What is said of one item, beside the list it was taken from. */

/* Names that the page knows become links, in any text. */
function linked(text, model, self) {
	return (text || '').split(/([A-Za-z_][\w.]*)/).map((part, i) => {
		const item = i % 2 ? model.byName.get(part) : null;

		return item && item !== self && part.length > 2 ? linkTo(item, part) : part;
	});
}

function facts(...pairs) {
	return h('dl.facts', null, pairs.filter(pair => pair && pair[1] !== undefined && pair[1] !== null && pair[1] !== '').map(([key, value]) =>
		[h('dt', null, key), h('dd', null, value)]));
}

function title(item, ...badges) {
	return h('header', null, h('h2.mono', null, item.name), h('div.badges', null, badges));
}

/* "int (struct rq *, int)" with the name where C has it */
function prototype(f) {
	const at = f.signature ? f.signature.indexOf('(') : -1;
	const name = f.source || f.name;

	if (at < 0)
		return null;
	return h('p.prototype.mono', null, f.signature.slice(0, at), h('b', null, name), f.signature.slice(at));
}

const HOW_REFERRED = [
	[CALL, 'calls', 'called'], [JUMP, 'jumps', 'jumped to'], [ADDRESS, 'takes address', 'address taken'],
	[DATA, 'holds address', 'address held'], [INLINE, 'inlines', 'inlined'],
];

function how(reference) {
	const words = HOW_REFERRED.filter(([kind]) => reference.kinds & kind).map(([, word]) => word);

	if (reference.kinds & BEHIND)
		words.push('behind the switch');
	return words.join(', ') + (reference.references > 1 ? ` ×${number(reference.references)}` : '');
}

const AT_FIRST = 12;

/* Some of a long list, and the rest on demand. */
function folded(items, draw) {
	const list = h('ul.references');

	function fill(n) {
		list.replaceChildren(...items.slice(0, n).map(draw),
			n < items.length ? h('li', null, h('button.link', { onclick: () => fill(items.length) }, `${number(items.length - n)} more`)) : '');
	}
	fill(items.length <= AT_FIRST + 3 ? items.length : AT_FIRST);
	return list;
}

function referenceLine(reference) {
	const { node } = reference;

	return h('li', null, h('i.point', { '--color': `var(--${node.class || node.is})`, title: node.class || '' }),
		h('span.mono.name', null, linkTo(node, node.name)),
		h('span.where', { title: node.file || '' }, node.is === 'data' ? 'data' : shortFile(node.file)), h('span.how', null, how(reference)));
}

function references(heading, list, none) {
	if (!list.length)
		return none ? h('section', null, h('h3', null, heading), h('p.note', null, none)) : null;
	const sorted = [...list].sort((a, b) => a.node.name < b.node.name ? -1 : a.node.name > b.node.name ? 1 : 0);

	return h('section', null, h('h3', null, heading, h('span.n', null, number(list.length))), folded(sorted, referenceLine));
}

const REASON = {
	interface: 'It is an entry', callback: 'It is an entry', insider: 'It needs no jump', outsider: 'It stays the kernel’s',
	init: 'It is no part of the running kernel', gone: 'It has no code of its own',
};

function sleepWay(f, model) {
	if (!f.sleeps)
		return null;
	return h('section', null, h('h3', null, 'A task can sleep in it'), h('p.way', null,
		[f.name, ...f.sleeps.split(' > ')].map((name, i) => [i ? h('span.arrow', null, '›') : '', h('span.mono', null,
			i ? linkTo(model.byName.get(name), name) : name)])),
	h('p.note', null, 'While one does, a module with it cannot be loaded or removed.'));
}

function editText(f) {
	if (f.modifiable)
		return h('span.good', null, 'takes effect everywhere');
	return h('span.bad', null, f.copies ? `not everywhere: ${f.copies}` : isInside(f) ? 'not everywhere' : 'takes no effect, or not everywhere');
}

function functionDetail(f, model) {
	const inlinedAt = f.from.filter(reference => reference.kinds === INLINE);
	const callers = f.from.filter(reference => reference.kinds !== INLINE);
	const inlines = f.to.filter(reference => reference.kinds === INLINE);
	const calls = f.to.filter(reference => reference.kinds !== INLINE);

	return [
		title(f, badge(f.class), f.exported ? h('span.badge.plain', null, 'exported') : null),
		prototype(f),
		h('p.reason', { '--color': `var(--${f.class})` }, `${REASON[f.class] || f.class}: `, linked(f.because, model, f), '.'),
		facts(['Source', h('span.mono', null, place(f))], f.source ? ['Source name', h('span.mono', null, f.source)] : null,
			f.size ? ['Code', count(f.size, 'byte')] : null,
			f.entry ? ['Jump', (f.entry === 'fentry' ? 'on the fentry nop' : 'on the first instructions') +
				(f.entry_offset ? `, ${f.entry_offset} bytes in` : '')] : null, ['An edit', editText(f)]),
		sleepWay(f, model),
		references('From outside', callers.filter(comesFromOutside),
			f.class === 'insider' ? 'Nobody: that is what makes it an insider.' : null),
		references('From inside', callers.filter(reference => !comesFromOutside(reference))),
		references('Inlined into', inlinedAt),
		references('Refers to, inside', calls.filter(reference => isInside(reference.node))),
		references('Refers to, outside', calls.filter(reference => !isInside(reference.node))),
		references('Inlines', inlines),
		references('Variables', f.uses),
	];
}

function objectDetail(object, model) {
	const outside = object.from.filter(reference => comesFromOutside(reference) && !isInit(reference));

	return [
		title(object, badge(object.class), h('span.badge.plain', null, object.kind)),
		h('p.prototype.mono', null, `${object.type || ''} `, h('b', null, object.name)),
		h('p.reason', { '--color': `var(--${object.class})` }, `It is ${object.class}: `, linked(object.because, model, object), '.'),
		facts(['Source', h('span.mono', null, place(object))], object.function ? ['Static in', linkTo(model.byName.get(object.function), object.function)] : null,
			object.size !== undefined ? ['Size', count(object.size, 'byte')] : null),
		references('Used outside', outside, 'No use outside was found.'),
		references('Used inside', object.from.filter(reference => !comesFromOutside(reference))),
		references('Used by init code, which has run', object.from.filter(isInit)),
	];
}

function usersOf(member, model) {
	const users = member.users || [];

	if (!users.length)
		return null;
	return h('section', null, h('h3', null, 'Used outside by', h('span.n', null, number(users.length + (member.more || 0)))),
		h('ul.references', null, users.map(name => h('li', null, h('i.point', { '--color': 'var(--shared)' }), h('span.mono.name', null,
			linkTo(model.byName.get(name), name)))), member.more ? h('li', null, h('span.note', null, `and ${count(member.more, 'function')} more`)) : null));
}

/* The member that was picked, above the drawing */
function memberBox(member, model) {
	return h('div.picked', null, h('p.prototype.mono', null, `${member.type} `, h('b', null, memberName(member)), member.bits ? ` : ${member.bits}` : ''),
		h('p.reason', { '--color': `var(--use-${useOf(member)})` }, `${member.class}: ${memberReason(member)}.`),
		facts(['Offset', `${number(member.offset)} (${hex(member.offset)})`], ['Size', count(member.size || 0, 'byte')],
			['Cache line', number(Math.floor(member.offset / CACHE_LINE))]),
		usersOf(member, model));
}

function memberTable(struct, pick) {
	return h('table.members', null, h('thead', null, h('tr', null, ['Offset', 'Size', 'Member', 'Use'].map((text, i) =>
		h('th', { class: i < 2 ? 'numeric' : null }, text)))),
	h('tbody', null, struct.members.map(member => h('tr', { 'data-member': memberName(member), class: useOf(member), onclick: () => pick(member) },
		h('td.numeric', null, number(member.offset)), h('td.numeric', null, member.bits ? `${member.bits} b` : number(member.size)),
		h('td.mono', null, h('button.link', null, memberName(member)), h('span.type', null, ' ', member.type)),
		h('td', null, h('span.use', null, { shared: member.outside ? member.outside.join(', ') : 'outside', inside: 'inside', idle: '–' }[useOf(member)]))))));
}

function structDetail(struct, member, model) {
	const box = h('div', { 'aria-live': 'polite' });
	const drawing = h('div.drawing');
	const table = memberTable(struct, pick);

	function mark(name) {
		for (const element of [...drawing.querySelectorAll('[data-member]'), ...table.querySelectorAll('[data-member]')])
			element.classList.toggle('picked', element.dataset.member === name);
	}
	function pick(chosen) {
		box.replaceChildren(memberBox(chosen, model));
		mark(memberName(chosen));
		replaceLink(`member/${struct.name}.${memberName(chosen)}`);
	}
	new ResizeObserver(() => {
		const width = drawing.clientWidth;

		if (width && width !== drawing.drawn) {
			drawing.drawn = width;
			drawing.replaceChildren(drawLayout(struct, { width: width - 48, pick }));
			mark(member && memberName(member));
		}
	}).observe(drawing);
	if (member)
		box.replaceChildren(memberBox(member, model));
	mark(member && memberName(member));
	return [
		title({ name: `struct ${struct.name}` }, badge(struct.class)),
		facts(['Source', h('span.mono', null, struct.file)], ['Size', `${count(struct.size, 'byte')}, ${count(Math.ceil(struct.size / CACHE_LINE), 'cache line')}`],
			['Members', `${number(struct.nrMembers)}: ${number(struct.nrShared)} used outside, ${number(struct.nrInside)} used inside`],
			struct.holes ? ['Holes', count(struct.holes, 'byte')] : null),
		box, h('section', null, h('h3', null, 'Layout'), legend(), drawing), h('section', null, h('h3', null, 'Members'), table),
	];
}
