/*
 * A struct as it lies in memory: cache lines from top to bottom, bytes from left to right. Members of a
 * union share their place, one under the other; lines that one member fills alone are left out.
 */

const CACHE_LINE = 64;

/* shared: outside code uses it. inside: only the scheduler. idle: neither was seen. */
function useOf(member) {
	return member.class === 'shared' ? 'shared' : member.inside ? 'inside' : 'idle';
}

/* Members and holes as { low, high, what } in bits, each on the first lane that is free. */
function piecesOf(struct) {
	const pieces = struct.members.filter(member => member.size > 0).map(member => {
		const low = member.offset * 8 + (member.bit || 0);

		return { low, high: low + (member.bits || member.size * 8), member };
	}).concat(holesOf(struct).map(hole => ({ low: hole.offset * 8, high: (hole.offset + hole.size) * 8 })));
	const ends = [];

	pieces.sort((a, b) => a.low - b.low || b.high - a.high);
	for (const piece of pieces) {
		let lane = ends.findIndex(end => end <= piece.low);

		if (lane < 0)
			lane = ends.length;
		/* behind a union the first lane is used again */
		ends[lane] = piece.high;
		piece.lane = lane;
	}
	return pieces;
}

function describe(piece) {
	const { member } = piece;

	if (!member)
		return `hole: ${count((piece.high - piece.low) / 8, 'byte')} at ${piece.low / 8}`;
	return `${member.type} ${memberName(member)}${member.bits ? ` : ${member.bits}` : ''}\n` +
		`offset ${member.offset}, ${count(member.size, 'byte')}\n${memberReason(member)}`;
}

/* One piece inside one row, which is [low, high) in bits. */
function block(piece, low, high, options) {
	const from = Math.max(piece.low, low), to = Math.min(piece.high, high);
	const share = bits => 100 * bits / (high - low) + '%';
	const width = (to - from) * options.width / (high - low), isWide = width > 26;
	const name = piece.member ? memberName(piece.member) : '';
	const classes = ['block', piece.member ? useOf(piece.member) : 'hole'];

	if (piece.low < low)
		classes.push('continued');
	if (width < 8)
		classes.push('thin');
	if (piece.member && options.changed?.has(name))
		classes.push('changed');
	return h(piece.member ? 'button.' + classes.join('.') : 'div.' + classes.join('.'), {
		left: share(from - low), width: share(to - from), '--lane': piece.lane, title: describe(piece), 'data-member': name || null,
		'aria-label': piece.member ? describe(piece) : null, tabindex: piece.member ? -1 : null,
		onclick: piece.member && options.pick ? () => options.pick(piece.member) : null,
	}, isWide && piece.low >= low ? name : '');
}

/* Whether a whole row is the inside of one piece: nothing is to be seen there. */
function isFilled(pieces, low, high) {
	return pieces.length === 1 && pieces[0].low < low && pieces[0].high >= high;
}

/* options: width in pixels, pick(member), changed: names to mark. */
function drawLayout(struct, options) {
	const bytes = options.width > 760 ? 64 : options.width > 300 ? 32 : 16;
	const pieces = piecesOf(struct);
	const rows = [];
	let skipped = 0, of = null;

	function flush() {
		if (skipped)
			rows.push(h('div.skipped', null, `⋮ ${number(skipped)} bytes more of ${of.member ? memberName(of.member) : 'the hole'}`));
		skipped = 0;
	}

	/* what lies further on cannot be in this row */
	for (let low = 0, first = 0; low < struct.size * 8; low += bytes * 8) {
		const high = Math.min(low + bytes * 8, struct.size * 8), full = low + bytes * 8;
		const here = [];

		while (first < pieces.length && pieces.slice(first, first + 1).every(piece => piece.high <= low))
			first++;
		for (let i = first; i < pieces.length && pieces[i].low < high; i++)
			if (pieces[i].high > low)
				here.push(pieces[i]);
		if (isFilled(here, low, high)) {
			if (of !== here[0])
				flush();
			of = here[0];
			skipped += (high - low) / 8;
			continue;
		}
		flush();
		const lanes = Math.max(1, ...here.map(piece => piece.lane + 1));

		rows.push(h('div.memory', { class: `memory${low % (CACHE_LINE * 8) ? '' : ' line'}` },
			h('span.offset', null, low / 8), h('div.bytes', { '--lanes': lanes, '--row': bytes },
				here.map(piece => block(piece, low, full, options)))));
	}
	flush();
	return h('div.layout', null, rows);
}

function legend() {
	return h('div.legend', null, [
		['shared', 'used outside'], ['inside', 'used inside only'], ['idle', 'no use seen'], ['hole', 'hole'],
	].map(([name, text]) => h('span', null, h(`i.block.${name}`), text)));
}
