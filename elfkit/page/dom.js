/* Elements, and numbers as people read them. */

/* h('a.link', { href: '#x', onclick: f }, 'text', element, ...): an element; null children are left out. */
function h(tag, attributes, ...children) {
	const [name, ...classes] = tag.split('.');
	const element = document.createElement(name || 'div');

	if (classes.length)
		element.className = classes.join(' ');
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (key.startsWith('on'))
			element.addEventListener(key.slice(2), value);
		else if (key.startsWith('--') || key === 'width' || key === 'left' || key === 'height')
			element.style.setProperty(key, value);
		else
			element.setAttribute(key, value === true ? '' : value);
	}
	element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
	return element;
}

const thousands = new Intl.NumberFormat('en-US');

function number(n) {
	return n === undefined || n === null ? '' : thousands.format(n);
}

/* "1 function", "12 functions" */
function count(n, one, many) {
	return `${number(n)} ${n === 1 ? one : many || one + 's'}`;
}

function hex(n) {
	return '0x' + n.toString(16);
}

/* Half of the names of a kernel's files say the same. */
function shortFile(file) {
	return (file || '').replace(/^kernel\/sched\//, '');
}

function place(item) {
	return item.file ? item.file + (item.line ? ':' + item.line : '') : '';
}

/* A point in the colour of a class, and the word. */
function badge(cls) {
	return h('span.badge', { '--color': `var(--${cls}, var(--muted))` }, cls);
}

/* The text with what was searched for marked. */
function marked(text, words) {
	const parts = [];
	const lower = text.toLowerCase();
	let at = 0;

	for (;;) {
		let from = -1, length = 0;

		for (const word of words) {
			const found = lower.indexOf(word, at);

			if (found >= 0 && (from < 0 || found < from || (found === from && word.length > length))) {
				from = found;
				length = word.length;
			}
		}
		if (from < 0)
			break;
		parts.push(text.slice(at, from), h('mark', null, text.slice(from, from + length)));
		at = from + length;
	}
	parts.push(text.slice(at));
	return parts;
}
