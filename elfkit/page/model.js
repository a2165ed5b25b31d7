/* The documents of the page, with what follows from them: names as links, references by both ends. */

/* As in elfkit/graph.h */
const CALL = 1, JUMP = 2, ADDRESS = 4, DATA = 8, INLINE = 16, BEHIND = 32;

const CLASSES = ['interface', 'callback', 'insider', 'outsider', 'init', 'gone'];

function readDocument(name) {
	const element = document.getElementById(name);

	return element ? JSON.parse(element.textContent) : null;
}

/* The same place in every report: a name may repeat, so further ones have a number. */
function giveLinks(items, kind) {
	const seen = new Map();

	for (const item of items) {
		const n = (seen.get(item.name) || 0) + 1;

		seen.set(item.name, n);
		item.is = kind;
		item.link = `${kind}/${item.name}${n > 1 ? '~' + n : ''}`;
	}
}

function byLink(...lists) {
	return new Map(lists.flat().map(item => [item.link, item]));
}

/* What a search looks at: in lower case, the name first. */
function giveText(items, ...keys) {
	for (const item of items)
		item.text = keys.map(key => item[key] || '').join('\n').toLowerCase();
}

const HOW = { read: 'read', write: 'written', address: 'address taken' };

function memberReason(member) {
	if (member.outside) {
		const how = member.outside.map(word => HOW[word] || word).join(', ');
		const users = member.users.slice(0, 3).join(', ');
		const more = member.users.length - 3 + (member.more || 0);

		return `${how} outside by ${users}${more > 0 ? ` and ${number(more)} more` : ''}`;
	}
	return member.inside ? 'used inside; no use outside was found' : 'no use was found';
}

function memberName(member) {
	return member.name || '(anonymous)';
}

/* Members as items of their own, with their struct. */
function listMembers(structs) {
	const members = [];

	for (const struct of structs)
		for (const member of struct.members) {
			member.struct = struct;
			member.field = memberName(member);
			members.push({
				...member, name: `${struct.name}.${memberName(member)}`, file: struct.file,
				because: memberReason(member), nrUsers: (member.users || []).length + (member.more || 0), of: member,
			});
		}
	giveLinks(members, 'member');
	giveText(members, 'name', 'type', 'because');
	return members;
}

/* Bytes that no member has: holes between members, and padding at the end. */
function holesOf(struct) {
	const holes = [];
	let end = 0;

	for (const member of [...struct.members].sort((a, b) => a.offset - b.offset)) {
		if (member.offset > end)
			holes.push({ offset: end, size: member.offset - end });
		end = Math.max(end, member.offset + (member.size || 0));
	}
	if (struct.size > end)
		holes.push({ offset: end, size: struct.size - end });
	return holes;
}

function giveStructFacts(structs) {
	giveLinks(structs, 'struct');
	for (const struct of structs) {
		struct.nrMembers = struct.members.length;
		struct.nrShared = struct.members.filter(member => member.class === 'shared').length;
		struct.nrInside = struct.members.filter(member => member.inside).length;
		struct.holes = holesOf(struct).reduce((sum, hole) => sum + hole.size, 0);
	}
	giveText(structs, 'name', 'file');
}

/* Every function knows who refers to it, and to what it refers. */
function connect(functions, objects, graph) {
	const others = graph.others.map(([name, unit, kind]) => ({ is: ['other', 'data', 'init'][kind], name, file: unit }));
	const nodes = functions.concat(others);

	for (const node of nodes.concat(objects))
		Object.assign(node, { from: [], to: [], uses: [] });
	for (const [from, to, kinds, references] of graph.edges) {
		nodes[from].to.push({ node: nodes[to], kinds, references });
		nodes[to].from.push({ node: nodes[from], kinds, references });
	}
	for (const [from, to, references] of graph.uses) {
		nodes[from].uses.push({ node: objects[to], kinds: 0, references });
		objects[to].from.push({ node: nodes[from], kinds: 0, references });
	}
	return others;
}

/* Code inside the boundary: what the module replaces. */
function isInside(node) {
	return node.class === 'interface' || node.class === 'callback' || node.class === 'insider';
}

function comesFromOutside(reference) {
	return !(isInside(reference.node) || reference.node.class === 'gone') || (reference.kinds & BEHIND) !== 0;
}

/* It has run: what it uses may change. Its calls are counted among those from outside all the same. */
function isInit(reference) {
	return reference.node.is === 'init' || reference.node.class === 'init';
}

function readBoundary() {
	const report = readDocument('report');
	const graph = readDocument('graph');
	const model = { report, functions: report.functions, objects: report.objects, structs: report.structs || null };

	giveLinks(model.functions, 'function');
	giveLinks(model.objects, 'object');
	model.others = connect(model.functions, model.objects, graph);
	for (const f of model.functions) {
		f.nrOutside = f.from.filter(comesFromOutside).length;
		f.nrCallers = f.from.length - f.nrOutside;
	}
	for (const object of model.objects)
		object.nrUsers = object.from.length;
	giveText(model.functions, 'name', 'source', 'file', 'signature', 'because');
	giveText(model.objects, 'name', 'type', 'file', 'function', 'because');
	if (model.structs)
		giveStructFacts(model.structs);
	model.members = model.structs ? listMembers(model.structs) : null;
	model.byLink = byLink(model.functions, model.objects, model.structs || [], model.members || []);
	model.byName = new Map([...model.functions, ...model.objects].map(item => [item.name, item]).reverse());
	return model;
}
