/* Which part of the page is seen: the link decides, and keys. */

let page = null, shown = null;

/* Without a step in the history */
function replaceLink(link) {
	history.replaceState(null, '', '#' + encodeLink(link));
}

function encodeLink(link) {
	return link.replace(/[^\w\-./~?&=+%:@]/g, encodeURIComponent);
}

function showTab(tab) {
	if (shown !== tab) {
		shown = tab;
		document.getElementById('main').replaceChildren(tab.view());
	}
	for (const link of document.querySelectorAll('#top nav a')) {
		if (link.dataset.tab === tab.name) {
			link.setAttribute('aria-current', 'page');
			link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
		} else {
			link.removeAttribute('aria-current');
		}
	}
}

/* "#function/NAME", "#functions?q=wake&class=insider", "#overview" */
function follow() {
	const link = decodeURI(location.hash.slice(1));
	const [path, query = ''] = link.split('?');
	const item = page.byLink.get(decodeURIComponent(path)), list = item && page.listOf[item.is];

	if (list) {
		showTab(page.tabs.find(tab => tab.list === list));
		list.present(item);
		return;
	}
	const tab = page.tabs.find(candidate => candidate.name === path) || page.tabs[0];

	showTab(tab);
	if (tab.list) {
		tab.list.present(null);
		tab.list.filter(query);
	}
}

function onKey(event) {
	const isTyping = event.target.matches('input, select, textarea');

	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key === '/' && !isTyping) {
		event.preventDefault();
		if (!shown.list) {
			history.pushState(null, '', '#' + page.tabs.find(tab => tab.list).name);
			follow();
		}
		shown.list.search.select();
	} else if (event.key === 'Escape' && shown.list?.current) {
		shown.list.close();
	} else if (!isTyping && page.tabs[event.key - 1]) {
		location.hash = page.tabs[event.key - 1].name;
	}
}

function drawTop() {
	const id = kernel => kernel.build_id && kernel.build_id !== 'none' ? ` · ${kernel.build_id.slice(0, 12)}` : '';

	document.title = page.title + ' – elfkit';
	document.getElementById('top').append(
		h('h1', null, h('span.tool', null, 'elfkit'), page.kernels.map((kernel, i) => [i ? h('span.arrow', null, '→') : null,
			h('span.release', { title: `${kernel.machine}, build-id ${kernel.build_id}` }, kernel.release,
				page.kernels.length > 1 ? null : h('small', null, `${kernel.machine}${id(kernel)}`))])),
		h('nav', { 'aria-label': 'Parts' }, page.tabs.map((tab, i) => h('a', { href: '#' + tab.name, 'data-tab': tab.name, title: `Key ${i + 1}` },
			tab.title, tab.n === undefined ? null : h('span.n', null, number(tab.n))))));
}

performance.mark('begin');
page = document.getElementById('diff') ? diffPage() : boundaryPage();
drawTop();
addEventListener('hashchange', follow);
addEventListener('keydown', onKey);
follow();
performance.mark('usable');
performance.measure('drawn', 'begin', 'usable');
