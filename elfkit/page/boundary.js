/* The lists of the page of one kernel. */

function name(item, words) {
	return [h('i.point', { '--color': `var(--${item.class})` }), h('span.mono', null, marked(item.name, words))];
}

function source(item) {
	return item.file ? shortFile(item.file) + (item.line ? ':' + item.line : '') : undefined;
}

const callersOutside = f => [...new Set(f.from.filter(reference => ['other', 'init'].includes(reference.node.is) &&
	reference.kinds & (CALL | JUMP)).map(reference => reference.node.file || 'code without a unit'))];

function functionList(model) {
	return new List({
		name: 'functions', title: 'Functions', items: model.functions, nothing: 'The report has no functions.',
		placeholder: 'Search functions, signatures, reasons',
		columns: [
			{ title: 'Function', min: 190, grow: 2.2, value: f => f.name, cell: name },
			{ title: 'Class', min: 92, value: f => CLASSES.indexOf(f.class), cell: f => f.class, drop: 4 },
			{ title: 'Source', min: 110, grow: 1, value: source, mono: true, drop: 6 },
			{ title: 'Bytes', min: 72, numeric: true, value: f => f.size, help: 'Sort by bytes of code' },
			{ title: 'Outside', min: 66, numeric: true, value: f => f.nrOutside, help: 'Sort by callers and holders of its address outside' },
			{ title: 'Inside', min: 60, numeric: true, value: f => f.nrCallers, help: 'Sort by functions inside that refer to it', drop: 2 },
			{ title: 'Why', min: 200, grow: 3, value: f => f.because, drop: 7 },
		],
		facets: [
			{ key: 'class', title: 'Class', values: f => [f.class], order: CLASSES },
			{ key: 'file', title: 'Source file', all: 'All files', values: f => [f.file || ''], label: file => shortFile(file) || '(no file)' },
			{ key: 'from', title: 'Called from', all: 'Any caller', values: callersOutside },
			{
				key: 'is', title: 'Property', all: 'Any property', values: f => [f.exported ? 'exported' : '', f.sleeps ? 'a task can sleep in it' : '',
					f.modifiable ? 'modifiable' : 'not modifiable', f.entry === 'bare' ? 'bare entry' : ''].filter(value => value),
			},
		],
		detail: f => functionDetail(f, model),
	});
}

function objectList(model) {
	return new List({
		name: 'objects', title: 'Variables', items: model.objects, nothing: 'The report has no variables.',
		placeholder: 'Search variables, types, reasons',
		columns: [
			{ title: 'Variable', min: 190, grow: 2.2, value: object => object.name, cell: name },
			{ title: 'Class', min: 80, value: object => object.class, drop: 4 },
			{ title: 'Kind', min: 84, value: object => object.kind, drop: 5 },
			{ title: 'Type', min: 120, grow: 1.4, value: object => object.type, mono: true, drop: 7 },
			{ title: 'Source', min: 110, grow: 1, value: source, mono: true, drop: 9 },
			{ title: 'Bytes', min: 72, numeric: true, value: object => object.size },
			{ title: 'Users', min: 64, numeric: true, value: object => object.nrUsers },
			{ title: 'Why', min: 160, grow: 2, value: object => object.because, drop: 8 },
		],
		facets: [
			{ key: 'class', title: 'Class', values: object => [object.class], order: ['shared', 'private'] },
			{ key: 'kind', title: 'Kind', all: 'All kinds', values: object => [object.kind] },
			{ key: 'file', title: 'Source file', all: 'All files', values: object => [object.file || ''], label: shortFile },
		],
		detail: object => objectDetail(object, model),
	});
}

const noStructs = 'This page was made without structs.';

function structList(model) {
	return new List({
		name: 'structs', title: 'Structs', items: model.structs || [], nothing: noStructs, placeholder: 'Search structs',
		columns: [
			{ title: 'Struct', min: 160, grow: 2, value: struct => struct.name, cell: name },
			{ title: 'Bytes', min: 84, numeric: true, value: struct => struct.size },
			{ title: 'Members', min: 84, numeric: true, value: struct => struct.nrMembers },
			{ title: 'Shared', min: 76, numeric: true, value: struct => struct.nrShared, help: 'Sort by members that outside code uses' },
			{ title: 'Inside', min: 76, numeric: true, value: struct => struct.nrInside, help: 'Sort by members that the scheduler uses', drop: 5 },
			{ title: 'Holes', min: 70, numeric: true, value: struct => struct.holes, help: 'Sort by bytes that no member has', drop: 6 },
			{ title: 'Source', min: 120, grow: 1.5, value: struct => struct.file, mono: true, drop: 7 },
		],
		facets: [{ key: 'class', title: 'Class', values: struct => [struct.class], order: ['shared', 'private'] }],
		detail: struct => structDetail(struct, null, model),
	});
}

function memberList(model) {
	return new List({
		name: 'members', title: 'Members', items: model.members || [], nothing: noStructs, placeholder: 'Search members, types, users',
		columns: [
			{ title: 'Member', min: 190, grow: 2, value: member => member.name, cell: name },
			{ title: 'Type', min: 120, grow: 1.4, value: member => member.type, mono: true, drop: 6 },
			{ title: 'Offset', min: 80, numeric: true, value: member => member.offset },
			{ title: 'Bytes', min: 72, numeric: true, value: member => member.size },
			{ title: 'Users', min: 64, numeric: true, value: member => member.nrUsers, help: 'Sort by functions outside that use it' },
			{ title: 'Why', min: 180, grow: 2.4, value: member => member.because, drop: 7 },
		],
		facets: [
			{ key: 'class', title: 'Class', values: member => [member.class], order: ['shared', 'private'] },
			{ key: 'struct', title: 'Struct', all: 'All structs', values: member => [member.of.struct.name] },
			{
				key: 'use', title: 'Use', all: 'Any use', values: member => [...(member.outside || []).map(word => `${HOW[word] || word} outside`),
					member.inside ? 'used inside' : 'not used inside'],
			},
		],
		detail: member => structDetail(member.of.struct, member.of, model),
	});
}

/* { title, note, tabs: [{ name, title, n, view(), list }], listOf: kind of link -> list, byLink } */
function boundaryPage() {
	const model = readBoundary();
	const lists = [functionList(model), objectList(model), structList(model), memberList(model)];
	const { kernel } = model.report;
	let first = null;

	return {
		title: `Boundary of ${kernel.release}`, kernels: [kernel], byLink: model.byLink,
		tabs: [{ name: 'overview', title: 'Overview', view: () => first = first || overview(model) },
			...lists.map(list => ({ name: list.name, title: list.title, n: list.items.length, list, view: () => list.view() }))],
		listOf: { function: lists[0], object: lists[1], struct: lists[2], member: lists[3] },
	};
}
