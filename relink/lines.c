// SPDX-License-Identifier: GPL-2.0
/* Line tables (DWARF 5, section 6.2) of the units that old and new code share. */
#include <dwarf.h>
#include <string.h>

#include "elfkit/debuginfo_file.h"
#include "relink/lines.h"

/* One row: code from @place on comes from there. */
struct row {
	uint32_t section;
	uint64_t place;
	uint32_t func;		/* index into debuginfo.funcs */
	uint32_t line;		/* counted from its declaration */
	uint32_t column;
};

struct rows {
	struct row *v;
	uint32_t n, cap;
};

/* Source functions by file and line. */
struct places {
	const struct debuginfo *info;
	uint32_t *v, n;
};

/* A function of the object that the kernel has, too. */
struct host {
	uint32_t symbol;
	bool changed, explained;
};

/* Positions in the source: open hash. */
struct positions {
	uint64_t *v;
	uint32_t n, cap;
};

struct search {
	const struct debuginfo *old, *now;
	const struct object *object;
	const uint64_t *where;
	struct host *hosts;	/* by section, then value */
	uint32_t nr_hosts;
	struct rows old_rows, rows;
	struct positions before, after;
	struct positions kept;	/* functions that unchanged code has copies of */
	struct positions gone;	/* functions with a position less */
	bool positions_only;
	struct lines_edited *edited;
};

static int compare_places(const void *a, const void *b, void *arg)
{
	const struct debug_func *funcs = arg, *x = &funcs[*(const uint32_t *)a], *y = &funcs[*(const uint32_t *)b];
	int c = strcmp(x->file, y->file);

	return c ? c : x->line < y->line ? -1 : x->line > y->line;
}

static void places_init(const struct debuginfo *info, struct places *ret)
{
	ret->info = info;
	ret->n = info->nr_funcs;
	ret->v = xcalloc(ret->n + 1, sizeof(*ret->v));
	for (uint32_t i = 0; i < ret->n; i++)
		ret->v[i] = i;
	qsort_r(ret->v, ret->n, sizeof(*ret->v), compare_places, info->funcs);
}

/* The function of @file that @line belongs to: the last that is declared before it. */
static uint32_t func_at_line(const struct places *p, const char *file, uint32_t line)
{
	uint32_t lo = 0, hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct debug_func *f = &p->info->funcs[p->v[mid]];
		int c = strcmp(f->file, file);

		if (c < 0 || (!c && f->line <= line))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && !strcmp(p->info->funcs[p->v[lo - 1]].file, file) ? p->v[lo - 1] : UINT32_MAX;
}

static bool has_unit(const struct debuginfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->nr_units; i++)
		if (!strcmp(info->units[i], name))
			return true;
	return false;
}

static void read_unit(const struct places *places, Dwarf_Die *unit, const char *comp_dir, struct rows *rows)
{
	const char *last = NULL;
	AUTO_FREE char *path = NULL;
	Dwarf_Lines *lines;
	size_t n;

	if (dwarf_getsrclines(unit, &lines, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		Dwarf_Line *row = dwarf_onesrcline(lines, i);
		const char *file = dwarf_linesrc(row, NULL, NULL);
		struct debug_range where;
		int line = 0, column = 0;
		Dwarf_Addr addr;
		uint32_t func;

		if (!file || dwarf_lineaddr(row, &addr) || dwarf_lineno(row, &line) || dwarf_linecol(row, &column) ||
		    line <= 0)
			continue;
		if (file != last) {
			free(path);
			path = debuginfo_path(file, comp_dir);
			last = file;
		}
		func = func_at_line(places, path, line);
		if (func == UINT32_MAX)
			continue;
		where = debuginfo_place(places->info->file, addr, addr);
		GROW(rows->v, rows->n, rows->cap);
		rows->v[rows->n++] = (struct row){
			where.section, where.low, func, line - places->info->funcs[func].line, column,
		};
	}
}

/* The rows of those units of @info that @other has, too. */
static void rows_read(const struct debuginfo *info, const struct debuginfo *other, struct rows *rows)
{
	struct places places;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	places_init(info, &places);
	while (!dwarf_get_units(info->file->dwarf, cu, &cu, NULL, &type, &die, NULL)) {
		const char *name = dwarf_diename(&die), *comp_dir;
		AUTO_FREE char *unit = NULL;
		Dwarf_Attribute attr;

		if (type != DW_UT_compile || !name)
			continue;
		comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
		unit = debuginfo_path(name, comp_dir);
		if (has_unit(info, unit) && has_unit(other, unit))
			read_unit(&places, &die, comp_dir, rows);
	}
	free(places.v);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

static uint64_t hash_string(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = mix(h, (uint8_t)*s);
	return h;
}

/* Of a position, never 0; @line UINT32_MAX: of the function as such. */
static uint64_t position(const struct debug_func *f, uint32_t line, uint32_t column)
{
	uint64_t h = hash_string(hash_string(1, f->name), f->file);

	return mix(mix(h, line), column) | 1;
}

static uint64_t position_of_func(const struct debug_func *f)
{
	return position(f, UINT32_MAX, 0);
}

static bool has_position(const struct positions *x, uint64_t p, uint32_t *ret)
{
	uint32_t i = p >> 8 & (x->cap - 1);

	while (x->v[i] && x->v[i] != p)
		i = (i + 1) & (x->cap - 1);
	if (ret)
		*ret = i;
	return x->v[i] == p;
}

static void add_position(struct positions *x, uint64_t p)
{
	uint32_t i;

	if (!has_position(x, p, &i)) {
		x->v[i] = p;
		x->n++;
	}
}

/* For up to @n of them. */
static void positions_init(struct positions *x, uint32_t n)
{
	*x = (struct positions){ .cap = 1024 };
	while (x->cap < 2 * n)
		x->cap *= 2;
	x->v = xcalloc(x->cap, sizeof(*x->v));
}

static void add_rows(struct positions *x, const struct debuginfo *info, const struct rows *rows)
{
	positions_init(x, rows->n + info->nr_funcs);
	for (uint32_t i = 0; i < info->nr_funcs; i++)
		add_position(x, position_of_func(&info->funcs[i]));
	for (uint32_t i = 0; i < rows->n; i++)
		add_position(x, position(&info->funcs[rows->v[i].func], rows->v[i].line, rows->v[i].column));
}

static int compare_hosts(const void *a, const void *b, void *arg)
{
	const struct object *o = arg;
	const struct object_symbol *x = &o->symbols[((const struct host *)a)->symbol];
	const struct object_symbol *y = &o->symbols[((const struct host *)b)->symbol];

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static void find_hosts(struct search *s, const struct match *match, const enum verdict *verdict)
{
	s->hosts = xcalloc(s->object->nr_symbols, sizeof(*s->hosts));
	for (uint32_t i = 1; i < s->object->nr_symbols; i++)
		if (s->object->symbols[i].type == STT_FUNC && match->func[i] != NO_ID)
			s->hosts[s->nr_hosts++] = (struct host){ i, verdict[i] == VERDICT_CHANGED, false };
	qsort_r(s->hosts, s->nr_hosts, sizeof(*s->hosts), compare_hosts, (void *)s->object);
}

static struct host *host_at(const struct search *s, const struct row *row)
{
	uint32_t lo = 0, hi = s->nr_hosts;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct object_symbol *sym = &s->object->symbols[s->hosts[mid].symbol];

		if (sym->section < row->section || (sym->section == row->section && sym->value <= row->place))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo) {
		const struct object_symbol *sym = &s->object->symbols[s->hosts[lo - 1].symbol];

		if (sym->section == row->section && row->place - sym->value < sym->size)
			return &s->hosts[lo - 1];
	}
	return NULL;
}

static bool is_own(const struct search *s, uint32_t func, const struct host *host)
{
	const char *name = s->now->funcs[func].name, *symbol = s->object->symbols[host->symbol].name;
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) && (!symbol[len] || symbol[len] == '.');
}

static void explain(struct search *s, uint32_t func, struct host *host)
{
	enum lines_cause *cause = &s->edited->cause[host->symbol];

	if (is_own(s, func, host))
		*cause = CAUSE_OWN;
	else if (*cause == CAUSE_UNKNOWN)
		*cause = CAUSE_COPY;
}

static void add_edit(struct search *s, uint32_t func, struct host *host)
{
	const struct debug_func *f = &s->now->funcs[func];

	host->explained = true;
	for (uint32_t i = 0; i < s->edited->n; i++)
		if (!strcmp(s->edited->v[i].name, f->name) && !strcmp(s->edited->v[i].file, f->file))
			return;
	GROW(s->edited->v, s->edited->n, s->edited->cap);
	s->edited->v[s->edited->n++] = (struct lines_edit){
		f->name, f->file, f->line, s->object->symbols[host->symbol].name,
	};
}

/* Rows of a unit come sorted by address, but for the ends of its sequences. */
static const struct row *row_covering(const struct rows *rows, uint32_t section, uint64_t place)
{
	const struct row *best = NULL;

	for (uint32_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		if (r->section == section && r->place <= place && (!best || r->place >= best->place))
			best = r;
	}
	return best;
}

static int compare_edits(const void *a, const void *b)
{
	const struct lines_edit *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->file, y->file);
}

/*
 * The compiler may emit code for a statement for the first time where nothing was edited.  Then no
 * position goes away, and mostly other copies are as they were.
 */
static void weigh_rows(struct search *s)
{
	positions_init(&s->kept, s->now->nr_funcs);
	for (uint32_t i = 0; i < s->rows.n; i++) {
		const struct host *host = host_at(s, &s->rows.v[i]);

		if (host && !host->changed)
			add_position(&s->kept, position_of_func(&s->now->funcs[s->rows.v[i].func]));
	}
	positions_init(&s->gone, s->old->nr_funcs);
	for (uint32_t i = 0; i < s->old_rows.n; i++) {
		const struct row *r = &s->old_rows.v[i];
		const struct debug_func *f = &s->old->funcs[r->func];

		if (!has_position(&s->after, position(f, r->line, r->column), NULL))
			add_position(&s->gone, position_of_func(f));
	}
}

static bool is_new_position(const struct search *s, const struct row *r)
{
	const struct debug_func *f = &s->now->funcs[r->func];

	return has_position(&s->before, position_of_func(f), NULL) &&
	       !has_position(&s->before, position(f, r->line, r->column), NULL);
}

static bool was_edited(const struct search *s, const struct row *r)
{
	uint64_t func = position_of_func(&s->now->funcs[r->func]);

	return has_position(&s->gone, func, NULL) || (!s->positions_only && !has_position(&s->kept, func, NULL));
}

static void find_edits(struct search *s)
{
	for (uint32_t i = 0; i < s->rows.n; i++) {
		struct host *host = host_at(s, &s->rows.v[i]);

		if (!host || !host->changed || !is_new_position(s, &s->rows.v[i]))
			continue;
		if (was_edited(s, &s->rows.v[i]))
			add_edit(s, s->rows.v[i].func, host);
		if (host->explained || is_own(s, s->rows.v[i].func, host))
			explain(s, s->rows.v[i].func, host);
	}
	for (uint32_t i = 0; i < s->nr_hosts && !s->positions_only; i++) {
		const struct host *host = &s->hosts[i];
		const struct object_symbol *sym = &s->object->symbols[host->symbol];
		const struct row *r;

		if (!host->changed || host->explained || s->where[host->symbol] == UINT64_MAX)
			continue;
		r = row_covering(&s->rows, sym->section, sym->value + s->where[host->symbol]);
		if (!r)
			continue;
		add_edit(s, r->func, &s->hosts[i]);
		s->edited->cause[host->symbol] = CAUSE_COPY;	/* or its own: it is a guess */
	}
}

void lines_find_edited(const struct debuginfo *old, const struct debuginfo *now, const struct object *object,
		       const struct match *match, const enum verdict *verdict, const uint64_t *where,
		       bool positions_only, struct lines_edited *ret)
{
	struct search s = {
		.old = old, .now = now, .object = object, .where = where, .positions_only = positions_only, .edited = ret,
	};
	bool any = false;

	memset(ret, 0, sizeof(*ret));
	ret->cause = xcalloc(object->nr_symbols, sizeof(*ret->cause));
	find_hosts(&s, match, verdict);
	for (uint32_t i = 0; i < s.nr_hosts; i++)
		any |= s.hosts[i].changed;
	if (any) {
		rows_read(old, now, &s.old_rows);
		rows_read(now, old, &s.rows);
		add_rows(&s.before, old, &s.old_rows);
		add_rows(&s.after, now, &s.rows);
		weigh_rows(&s);
		find_edits(&s);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_edits);
	free(s.old_rows.v);
	free(s.rows.v);
	free(s.before.v);
	free(s.after.v);
	free(s.kept.v);
	free(s.gone.v);
	free(s.hosts);
}

void lines_edited_release(struct lines_edited *edited)
{
	free(edited->v);
	free(edited->cause);
}

char *lines_place(const struct debuginfo *info, uint64_t addr)
{
	AUTO_FREE char *path = NULL;
	Dwarf_Attribute attr;
	const char *file;
	Dwarf_Line *row;
	Dwarf_Die unit;
	int line = 0;

	if (!dwarf_addrdie(info->file->dwarf, addr, &unit))
		return NULL;
	row = dwarf_getsrc_die(&unit, addr);
	file = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	if (!file || dwarf_lineno(row, &line))
		return NULL;
	path = debuginfo_path(file, dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attr)));
	return xasprintf("%s:%d", path, line);
}
