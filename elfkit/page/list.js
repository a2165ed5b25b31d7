/* A searchable list: words, filters, the table, and beside it what is selected. */

class List {
	/*
	 * name: in links; title; items; columns; facets: { key, title, values(item) or value(item), order }, the first
	 * drawn as buttons and the others as menus; detail(item): elements. nothing: said of an empty list.
	 */
	constructor(options) {
		Object.assign(this, options);
		this.chosen = new Map(this.facets.map(facet => [facet.key, new Set()]));
		this.table = new Table(this.title, this.columns, item => this.show(item));
	}

	/* Built when it is first looked at */
	view() {
		if (this.element)
			return this.element;
		this.search = h('input.search', {
			type: 'search', placeholder: this.placeholder, 'aria-label': `Search ${this.title.toLowerCase()}`,
			autocomplete: 'off', spellcheck: 'false', oninput: () => this.update(true), onkeydown: event => this.onKey(event),
		});
		this.result = h('span.result', { role: 'status' });
		this.aside = h('aside.detail', { 'aria-label': 'Details', hidden: true, tabindex: -1 });
		this.element = h('section.list', { 'aria-label': this.title },
			h('div.tools', null, h('label.searchbox', null, this.search, h('span.state', null, this.result, h('kbd', { 'aria-hidden': 'true' }, '/'))),
				this.facets.map((facet, i) => i ? this.menu(facet) : this.chips(facet))),
			h('div.split', null, this.table.element, this.aside));
		this.update(false);
		return this.element;
	}

	valuesOf(facet) {
		const values = new Map();

		for (const item of this.items)
			for (const value of facet.values(item))
				values.set(value, (values.get(value) || 0) + 1);
		return (facet.order || [...values.keys()].sort()).filter(value => values.has(value)).map(value => [value, values.get(value)]);
	}

	chips(facet) {
		const chosen = this.chosen.get(facet.key);

		return h('div.chips', { role: 'group', 'aria-label': facet.title }, this.valuesOf(facet).map(([value, n]) => {
			const chip = h('button.chip', {
				'--color': `var(--${value.replace(/ /g, '-')}, var(--muted))`, 'aria-pressed': 'false', 'data-value': value,
				onclick: () => {
					if (!chosen.delete(value))
						chosen.add(value);
					this.update(true);
				},
			}, facet.label ? facet.label(value) : value, h('span.n', null, number(n)));

			return chip;
		}));
	}

	menu(facet) {
		const chosen = this.chosen.get(facet.key);

		return h('select.menu', {
			'aria-label': facet.title, 'data-facet': facet.key,
			onchange: event => {
				chosen.clear();
				if (event.target.value)
					chosen.add(event.target.value);
				this.update(true);
			},
		}, h('option', { value: '' }, facet.all), this.valuesOf(facet).map(([value, n]) =>
			h('option', { value }, `${facet.label ? facet.label(value) : value} (${number(n)})`)));
	}

	/* Sets words and filters, as a link has them: "q=wake&class=insider&class=gone" */
	filter(query) {
		const parameters = new URLSearchParams(query);

		this.view();
		this.search.value = parameters.get('q') || '';
		for (const [key, chosen] of this.chosen) {
			chosen.clear();
			parameters.getAll(key).forEach(value => chosen.add(value));
		}
		this.update(false);
	}

	query() {
		const parameters = new URLSearchParams();

		if (this.search.value)
			parameters.set('q', this.search.value);
		for (const [key, chosen] of this.chosen)
			chosen.forEach(value => parameters.append(key, value));
		return parameters.toString();
	}

	matches(item, words) {
		return words.every(word => item.text.includes(word)) &&
			this.facets.every(facet => !this.chosen.get(facet.key).size ||
				facet.values(item).some(value => this.chosen.get(facet.key).has(value)));
	}

	update(byHand) {
		const words = this.search.value.toLowerCase().split(/\s+/).filter(word => word);
		const found = this.items.filter(item => this.matches(item, words));

		for (const chip of this.element.querySelectorAll('.chip'))
			chip.setAttribute('aria-pressed', this.chosen.get(this.facets[0].key).has(chip.dataset.value));
		for (const menu of this.element.querySelectorAll('select'))
			menu.value = [...this.chosen.get(menu.dataset.facet)][0] || '';
		this.result.textContent = found.length === this.items.length ? '' : `${number(found.length)} of ${number(this.items.length)}`;
		this.table.empty.replaceChildren(this.items.length ? 'Nothing matches. ' : this.nothing,
			this.items.length ? h('button.link', { onclick: () => this.clear() }, 'Show all') : '');
		if (byHand)
			this.table.body.scrollTop = 0;
		this.table.show(found, words);
		if (byHand && !this.current)
			replaceLink(`${this.name}${this.query() ? '?' + this.query() : ''}`);
	}

	clear() {
		this.filter('');
		this.search.focus();
	}

	/* Down from the words into the rows */
	onKey(event) {
		if (event.key === 'ArrowDown' || event.key === 'Enter') {
			event.preventDefault();
			this.table.element.focus();
			this.table.move(0);
		} else if (event.key === 'Escape' && this.search.value) {
			event.stopPropagation();
			this.search.value = '';
			this.update(true);
		}
	}

	/* A selection in the table is a place to come back to only when it is left by a link. */
	show(item) {
		replaceLink(item.link);
		this.present(item);
	}

	present(item) {
		this.view();
		this.current = item;
		this.table.select(item, false);
		this.aside.hidden = !item;
		this.element.classList.toggle('with-detail', !!item);
		if (!item)
			return;
		this.aside.replaceChildren(h('button.close', { 'aria-label': 'Close', title: 'Close (Esc)', onclick: () => this.close() }, '×'),
			h('div.body', null, this.detail(item)));
		this.aside.scrollTop = 0;
	}

	close() {
		this.present(null);
		replaceLink(`${this.name}${this.query() ? '?' + this.query() : ''}`);
		this.table.element.focus();
	}
}
