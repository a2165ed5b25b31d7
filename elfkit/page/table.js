/*
 * A table of any number of rows: only those that are seen exist, so it is as quick with ten
 * thousand as with ten. Columns sort; arrows, page keys, Home and End move the selection.
 */

/* As in page.css */
const ROW_HEIGHT = 30, ROW_PADDING = 18, COLUMN_GAP = 14;

class Table {
	/*
	 * columns: { title, min, grow, value(item), cell(item, words), numeric, mono, help, drop, keepOrder }: min in
	 * pixels; where room is scarce, those with the largest drop go first. open(item) is told of a selection.
	 */
	constructor(label, columns, open) {
		this.columns = columns;
		this.open = open;
		this.rows = [];
		this.words = [];
		this.selected = null;
		this.sort = { column: columns[0], down: false, chosen: false };
		this.head = h('div.head', { role: 'row' });
		this.space = h('div.space');
		this.body = h('div.rows', { role: 'rowgroup', onscroll: () => this.draw() }, this.space);
		this.element = h('div.table', { role: 'grid', tabindex: 0, 'aria-label': label, onkeydown: event => this.onKey(event) },
			this.head, this.body, this.empty = h('p.empty', { hidden: true }));
		new ResizeObserver(() => this.fit()).observe(this.element);
	}

	/* Columns that there is room for */
	fit() {
		const scrollbar = this.body.offsetWidth - this.body.clientWidth;
		const width = this.element.clientWidth - scrollbar - 2 * ROW_PADDING;
		const needed = () => this.shown.reduce((sum, column) => sum + column.min + COLUMN_GAP, -COLUMN_GAP);

		this.shown = [...this.columns];
		for (const column of this.columns.filter(column => column.drop).sort((a, b) => b.drop - a.drop))
			if (needed() > width)
				this.shown.splice(this.shown.indexOf(column), 1);
		this.element.style.setProperty('--columns', this.shown.map(column =>
			column.grow ? `minmax(${column.min}px, ${column.grow}fr)` : `${column.min}px`).join(' '));
		this.head.style.marginRight = scrollbar + 'px';
		this.drawHead();
		if (this.pending)
			this.reveal(this.rows.indexOf(this.selected));
		this.pending = false;
		this.draw(true);
	}

	drawHead() {
		this.head.replaceChildren(...this.shown.map(column => {
			const isSorted = this.sort.column === column;

			return h(`div.cell${column.numeric ? '.numeric' : ''}`, {
				role: 'columnheader', 'aria-sort': isSorted ? this.sort.down ? 'descending' : 'ascending' : 'none',
			}, h('button', { title: column.help || `Sort by ${column.title.toLowerCase()}`, onclick: () => this.sortBy(column) },
				column.title, h('span.arrow', { 'aria-hidden': 'true' }, isSorted ? this.sort.down ? '▾' : '▴' : '')));
		}));
	}

	sortBy(column) {
		const again = this.sort.column === column;

		const down = again ? !this.sort.down : !!column.numeric;

		/* by name upwards is how it was at first */
		this.sort = { column, down, chosen: down || column !== this.columns[0] };
		this.drawHead();
		this.show(this.rows, this.words);
	}

	/* Where nothing else was asked for, names that begin with the word come before those that have it. */
	rank(item) {
		const name = item.name.toLowerCase();
		const at = this.words.length ? name.indexOf(this.words[0]) : 0;

		return at === 0 ? name.length === this.words[0]?.length ? 0 : 1 : at > 0 ? 2 : 3;
	}

	compare(a, b) {
		const { column, down, chosen } = this.sort;
		const byRank = chosen ? 0 : a.rank - b.rank;

		if (byRank)
			return byRank;
		if (a.value !== b.value) {
			/* what has no value stands at the end either way */
			if (a.value === undefined || b.value === undefined)
				return a.value === undefined ? 1 : -1;
			return (a.value < b.value ? -1 : 1) * (down ? -1 : 1);
		}
		return column.keepOrder ? a.index - b.index : a.item.name < b.item.name ? -1 : a.item.name > b.item.name ? 1 : 0;
	}

	show(items, words) {
		const { column } = this.sort;

		this.words = words;
		this.rows = items.map((item, index) => {
			const value = column.value(item);

			return { item, index, rank: this.rank(item), value: typeof value === 'string' ? value.toLowerCase() : value };
		}).sort((a, b) => this.compare(a, b)).map(row => row.item);
		this.element.setAttribute('aria-rowcount', this.rows.length);
		this.space.style.height = this.rows.length * ROW_HEIGHT + 'px';
		this.empty.hidden = this.rows.length > 0;
		this.draw(true);
	}

	/* Rows in sight and a few beyond */
	draw(all) {
		const first = Math.max(0, Math.floor(this.body.scrollTop / ROW_HEIGHT) - 8);
		const end = Math.min(this.rows.length, first + Math.ceil((this.body.clientHeight || 600) / ROW_HEIGHT) + 16);

		if (!this.shown || (!all && first === this.first && end === this.end))
			return;
		this.first = first;
		this.end = end;
		this.space.replaceChildren(...this.rows.slice(first, end).map((item, i) => this.row(item, first + i)));
		if (this.rows.includes(this.selected))
			this.element.setAttribute('aria-activedescendant', this.rowId(this.selected));
		else
			this.element.removeAttribute('aria-activedescendant');
	}

	amount(n) {
		return n === 0 ? h('span.note', null, '0') : number(n);
	}

	rowId(item) {
		return 'row-' + item.link;
	}

	row(item, index) {
		const cells = this.shown.map(column => {
			const content = column.cell ? column.cell(item, this.words) : column.numeric ? this.amount(column.value(item)) :
				marked(String(column.value(item) ?? ''), this.words);
			const title = column.numeric ? null : String(column.value(item) ?? '');

			return h(`div.cell${column.numeric ? '.numeric' : ''}${column.mono ? '.mono' : ''}`, { role: 'gridcell', title }, content);
		});
		const row = h('div.row', {
			role: 'row', id: this.rowId(item), 'aria-rowindex': index + 1, 'aria-selected': item === this.selected ? 'true' : 'false',
			onclick: () => this.select(item, true),
		}, cells);

		row.style.top = index * ROW_HEIGHT + 'px';
		return row;
	}

	select(item, byHand) {
		this.selected = item;
		if (item && !byHand) {
			this.reveal(this.rows.indexOf(item));
			/* what stands beside it may still take its place */
			this.pending = true;
		}
		this.draw(true);
		if (byHand)
			this.open(item);
	}

	reveal(index) {
		const top = index * ROW_HEIGHT, height = this.body.clientHeight;
		const above = this.body.scrollTop - top, below = top + ROW_HEIGHT - this.body.scrollTop - height;

		/* one step at the edge scrolls one row; what is far away comes to the middle */
		if (index >= 0 && height && (above > 0 || below > 0))
			this.body.scrollTop = above > ROW_HEIGHT || below > ROW_HEIGHT ? top - height / 2 : this.body.scrollTop + (above > 0 ? -above : below);
	}

	move(index) {
		const item = this.rows[Math.max(0, Math.min(this.rows.length - 1, index))];

		if (!item)
			return;
		this.reveal(this.rows.indexOf(item));
		this.select(item, true);
	}

	onKey(event) {
		const at = this.rows.indexOf(this.selected);
		const page = Math.max(1, Math.floor(this.body.clientHeight / ROW_HEIGHT) - 1);
		const moves = {
			ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.rows.length - 1,
			Enter: at,
		};

		if (event.target.closest('button') || !(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey)
			return;
		event.preventDefault();
		this.move(moves[event.key]);
	}
}
