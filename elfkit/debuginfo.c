// SPDX-License-Identifier: GPL-2.0
/*
 * Walking the DIEs of chosen units (DWARF 5, sections 3.3 and 4.1).
 *
 * libdwfl opens an object because it also applies its relocations; it gives each
 * section an address of its own choice, which is turned back into section and
 * offset here.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/debuginfo.h"
#include "elfkit/debuginfo_file.h"
#include "elfkit/memory.h"
#include "elfkit/typeinfo_die.h"

#define UNITS_IN_MEMORY 512

/* A DIE of a source function and the id that it has been given. */
struct known_func {
	Dwarf_Off die;
	uint32_t id;
};

/* Where the walk is: what encloses the DIEs that are being read. */
struct walk {
	struct die_walk dies;
	struct debuginfo *info;
	struct debug_file *file;
	void *known;		/* tsearch(3) tree of struct known_func */
	const char *comp_dir;
	uint32_t unit;
	int depth;
	uint32_t cap_units, cap_funcs, cap_codes, cap_inlines, cap_vars, cap_calls;
};

void die_begin(struct die_walk *walk, Dwarf_Die *unit, const char *name)
{
	walk->unit = name;
	walk->last = dwarf_dieoffset(unit);
}

void die_damaged(struct die_walk *walk, Dwarf_Die *die, const char *what)
{
	if (!walk->err)
		walk->err = err_new("unit %s: .debug_info+0x%lx: %s", walk->unit,
				    (unsigned long)dwarf_dieoffset(die), what);
}

bool die_arrived(struct die_walk *walk, int result, Dwarf_Die *from, Dwarf_Die *die)
{
	if (result < 0)
		die_damaged(walk, from, dwarf_errmsg(-1));
	if (result)
		return false;
	if (dwarf_dieoffset(die) <= walk->last) {
		die_damaged(walk, from, "leads back to what has been read");
		return false;
	}
	walk->last = dwarf_dieoffset(die);
	return true;
}

const char *die_file(struct die_walk *walk, Dwarf_Die *die)
{
	const char *file = dwarf_decl_file(die);
	Dwarf_Attribute attr;
	Dwarf_Half version;
	Dwarf_Word index;

	if (file || dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_file, &attr), &index))
		return file;
	if (index) {
		die_damaged(walk, die, "its file is not in the line table");
		return NULL;
	}
	/* DWARF 5, section 6.2.4.1: file 0 is the unit's own; before, 0 is none.  libdw knows the latter alone */
	return dwarf_cu_info(attr.cu, &version, NULL, NULL, NULL, NULL, NULL, NULL) || version < 5 ? NULL : walk->unit;
}

static int compare_known(const void *a, const void *b)
{
	const struct known_func *x = a, *y = b;

	return x->die < y->die ? -1 : x->die > y->die;
}

char *debuginfo_path(const char *path, const char *comp_dir)
{
	size_t dir_len = comp_dir ? strlen(comp_dir) : 0;
	char *out, *end;

	if (dir_len && !strncmp(path, comp_dir, dir_len) && path[dir_len] == '/')
		path += dir_len + 1;
	out = xcalloc(1, strlen(path) + 2);
	end = out;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !memcmp(path, "..", 2) && end > out &&
		    !(end - out >= 2 && !memcmp(end - 2, "..", 2))) {
			while (end > out && end[-1] != '/')
				end--;
			if (end > out)
				end--;
			*end = '\0';
		} else if (len && !(len == 1 && *path == '.')) {
			if (end > out)
				*end++ = '/';
			memcpy(end, path, len);
			end += len;
			*end = '\0';
		} else if (!len && end == out) {
			*end++ = '/';	/* keeps an absolute path absolute */
		}
		path += len;
		path += *path == '/';
	}
	return out;
}

struct debug_range debuginfo_place(const struct debug_file *file, Dwarf_Addr low, Dwarf_Addr high)
{
	struct debug_range r = { .low = low, .high = high };
	Dwarf_Addr offset = low, bias;

	if (file->relocatable) {
		Elf_Scn *scn = dwfl_module_address_section(file->module, &offset, &bias);

		if (scn) {
			r.section = elf_ndxscn(scn);
			r.low = offset;
			r.high = high - low + offset;
		}
	}
	return r;
}

/* Follows abstract origins and specifications to the DIE that stands for the source function. */
static void source_die(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die next;
	int hops = 0;

	while ((dwarf_attr(die, DW_AT_abstract_origin, &attr) ||
		dwarf_attr(die, DW_AT_specification, &attr)) &&
	       dwarf_formref_die(&attr, &next)) {
		if (++hops > DIE_CHAIN_MAX) {
			die_damaged(&w->dies, die, "its abstract origin leads in a circle");
			return;
		}
		*die = next;
	}
}

static uint32_t func_of(struct walk *w, Dwarf_Die die)
{
	struct known_func key, *known, **node;
	struct debug_func *f;
	const char *file;
	int line = 0;

	source_die(w, &die);
	key.die = dwarf_dieoffset(&die);
	node = tfind(&key, &w->known, compare_known);
	if (node)
		return (*node)->id;

	GROW(w->info->funcs, w->info->nr_funcs, w->cap_funcs);
	f = &w->info->funcs[w->info->nr_funcs];
	file = die_file(&w->dies, &die);
	dwarf_decl_line(&die, &line);
	*f = (struct debug_func){
		.name = dwarf_diename(&die) ?: "",
		.file = debuginfo_path(file ?: "", w->comp_dir),
		.line = line,
		.unit = w->unit,
		.external = dwarf_hasattr(&die, DW_AT_external),
		.die = key.die,
	};
	known = xcalloc(1, sizeof(*known));
	*known = (struct known_func){ .die = key.die, .id = w->info->nr_funcs };
	tsearch(known, &w->known, compare_known);
	return w->info->nr_funcs++;
}

static void add_var(struct walk *w, Dwarf_Die *die, uint32_t func)
{
	Dwarf_Attribute attr;
	struct debug_range where;
	Dwarf_Op *ops;
	size_t nr_ops;
	int line = 0;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attr) ||
	    dwarf_getlocation(&attr, &ops, &nr_ops) || nr_ops < 1 || ops[0].atom != DW_OP_addr ||
	    nr_ops > 1)
		return;
	where = debuginfo_place(w->file, ops[0].number, ops[0].number);
	dwarf_decl_line(die, &line);
	GROW(w->info->vars, w->info->nr_vars, w->cap_vars);
	w->info->vars[w->info->nr_vars++] = (struct debug_var){
		.name = dwarf_diename(die) ?: "",
		.file = debuginfo_path(die_file(&w->dies, die) ?: "", w->comp_dir),
		.func = func,
		.line = line,
		.unit = w->unit,
		.section = where.section,
		.addr = where.low,
		.die = dwarf_dieoffset(die),
	};
}

static void add_inline(struct walk *w, uint32_t callee, uint32_t host)
{
	GROW(w->info->inlines, w->info->nr_inlines, w->cap_inlines);
	w->info->inlines[w->info->nr_inlines++] = (struct debug_inline){ callee, host };
}

/* DWARF 5, section 3.4.1 */
static void add_call(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;
	Dwarf_Addr end;
	const char *name;

	if (w->file->relocatable || !dwarf_attr(die, DW_AT_call_origin, &attr) ||
	    !dwarf_formref_die(&attr, &origin) || !dwarf_attr(die, DW_AT_call_return_pc, &attr) ||
	    dwarf_formaddr(&attr, &end))
		return;
	/* __builtin_memcpy is linked as memcpy */
	name = dwarf_formstring(dwarf_attr(&origin, DW_AT_linkage_name, &attr)) ?: dwarf_diename(&origin);
	if (!name)
		return;
	GROW(w->info->calls, w->info->nr_calls, w->cap_calls);
	w->info->calls[w->info->nr_calls++] = (struct debug_call){ name, end };
}

/* Everything below a function: statics, calls, and what is inlined into @code (or UINT32_MAX). */
static void walk_body(struct walk *w, Dwarf_Die *parent, uint32_t func, uint32_t code)
{
	Dwarf_Die die;
	int result;

	if (w->depth > DIE_DEPTH_MAX) {
		die_damaged(&w->dies, parent, "nested too deeply");
		return;
	}
	w->depth++;
	for (result = dwarf_child(parent, &die); die_arrived(&w->dies, result, parent, &die);
	     result = dwarf_siblingof(&die, &die)) {
		uint32_t inner = func;

		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
			add_var(w, &die, func);
			continue;
		case DW_TAG_inlined_subroutine:
			inner = func_of(w, die);
			if (code != UINT32_MAX)
				add_inline(w, inner, code);
			break;
		case DW_TAG_lexical_block:
			break;
		case DW_TAG_call_site:
			add_call(w, &die);
			continue;
		default:
			continue;
		}
		walk_body(w, &die, inner, code);
	}
	w->depth--;
}

/*
 * The code of a concrete function: the range that holds the entry comes first.  gcc
 * writes no entry for a function with a cold part: it is the start of the first range
 * (DWARF 5, section 2.18).
 */
static uint32_t add_code(struct walk *w, Dwarf_Die *die, uint32_t func)
{
	struct debug_code code = { .func = func };
	Dwarf_Addr base, low, high, entry;
	uint32_t cap = 0;
	ptrdiff_t off = 0;

	if (dwarf_entrypc(die, &entry))
		entry = UINT64_MAX;	/* in no range: the first one stays first */
	while ((off = dwarf_ranges(die, off, &base, &low, &high)) > 0) {
		if (low >= high)
			continue;
		GROW(code.ranges, code.nr_ranges, cap);
		code.ranges[code.nr_ranges++] = debuginfo_place(w->file, low, high);
		if (entry >= low && entry < high) {
			struct debug_range first = code.ranges[code.nr_ranges - 1];

			code.ranges[code.nr_ranges - 1] = code.ranges[0];
			code.ranges[0] = first;
		}
	}
	if (off < 0)
		die_damaged(&w->dies, die, dwarf_errmsg(-1));
	if (!code.nr_ranges)
		return UINT32_MAX;
	w->info->funcs[func].has_code = true;
	GROW(w->info->codes, w->info->nr_codes, w->cap_codes);
	w->info->codes[w->info->nr_codes] = code;
	return w->info->nr_codes++;
}

static void walk_unit(struct walk *w, Dwarf_Die *unit)
{
	Dwarf_Die die;
	int result;

	for (result = dwarf_child(unit, &die); die_arrived(&w->dies, result, unit, &die);
	     result = dwarf_siblingof(&die, &die)) {
		uint32_t func;

		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			if (dwarf_hasattr(&die, DW_AT_declaration))
				break;
			func = func_of(w, die);
			walk_body(w, &die, func, add_code(w, &die, func));
			break;
		case DW_TAG_variable:
			add_var(w, &die, UINT32_MAX);
			break;
		}
	}
}

static int compare_inlines(const void *a, const void *b)
{
	const struct debug_inline *x = a, *y = b;

	if (x->callee != y->callee)
		return x->callee < y->callee ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

static void unique_inlines(struct debuginfo *info)
{
	uint32_t n = 0;

	if (!info->nr_inlines)
		return;
	qsort(info->inlines, info->nr_inlines, sizeof(*info->inlines), compare_inlines);
	for (uint32_t i = 1; i < info->nr_inlines; i++)
		if (compare_inlines(&info->inlines[n], &info->inlines[i]))
			info->inlines[++n] = info->inlines[i];
	info->nr_inlines = n + 1;
}

/* No search for separate debug files: the file that was named is the one that counts. */
static int find_no_debuginfo(Dwfl_Module *mod __attribute__((unused)),
			     void **data __attribute__((unused)),
			     const char *name __attribute__((unused)),
			     Dwarf_Addr base __attribute__((unused)),
			     const char *file __attribute__((unused)),
			     const char *link __attribute__((unused)),
			     GElf_Word crc __attribute__((unused)),
			     char **path __attribute__((unused)))
{
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_debuginfo = find_no_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* libdwfl applies the relocations of an object. */
static struct err *open_object(const char *path, struct debug_file *file)
{
	GElf_Addr bias;

	file->dwfl = dwfl_begin(&callbacks);
	if (!file->dwfl)
		return err_new("libdwfl: %s", dwfl_errmsg(-1));
	file->module = dwfl_report_offline(file->dwfl, path, path, -1);
	dwfl_report_end(file->dwfl, NULL, NULL);
	if (!file->module || !dwfl_module_getelf(file->module, &bias))
		return err_new("%s", dwfl_errmsg(-1));
	file->dwarf = dwfl_module_getdwarf(file->module, &bias);
	return NULL;
}

bool elf_has_compressed(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && (shdr.sh_flags & SHF_COMPRESSED))
			return true;
	return false;
}

static struct err *open_dwarf(const char *path, struct debug_file *file)
{
	struct err *err = mapping_open(path, &file->mapping);
	GElf_Ehdr ehdr;

	if (err)
		return err;
	elf_version(EV_CURRENT);
	file->elf = elf_memory(file->mapping.base, file->mapping.size);
	if (!file->elf || !gelf_getehdr(file->elf, &ehdr))
		return err_new("not an ELF file: %s", elf_errmsg(-1));
	file->relocatable = ehdr.e_type == ET_REL;
	file->mapping.written = elf_has_compressed(file->elf);
	if (file->relocatable)
		err = open_object(path, file);
	else
		file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (file->dwarf)
		dwarf_new_oom_handler(file->dwarf, memory_exhausted);
	if (!err && !file->dwarf)
		return err_new("no DWARF: use the vmlinux of the kernel's debug package, and objects built with -g");
	return err;
}

static void close_dwarf(struct debug_file *file)
{
	if (file->dwfl)
		dwfl_end(file->dwfl);
	else if (file->dwarf)
		dwarf_end(file->dwarf);
	if (file->elf)
		elf_end(file->elf);
	mapping_close(&file->mapping);
}

static struct err *read_units(struct walk *w, bool (*want)(const char *unit, void *arg), void *arg)
{
	uint32_t nr_units = 0;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	int result;

	while (!(result = dwarf_get_units(w->file->dwarf, cu, &cu, NULL, &type, &die, NULL))) {
		const char *unit_name = dwarf_diename(&die);
		Dwarf_Attribute attr;
		char *name;

		debuginfo_forget(w->info, nr_units++);
		if (type != DW_UT_compile || !unit_name)
			continue;
		w->comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
		name = debuginfo_path(unit_name, w->comp_dir);
		if (!want(name, arg)) {
			free(name);
			continue;
		}
		GROW(w->info->units, w->info->nr_units, w->cap_units);
		w->unit = w->info->nr_units++;
		w->info->units[w->unit] = name;
		die_begin(&w->dies, &die, name);
		walk_unit(w, &die);
	}
	if (result < 0 && !w->dies.err)
		return err_new(".debug_info: units: %s", dwarf_errmsg(-1));
	return w->dies.err;
}

struct err *debuginfo_open(const char *path, bool (*want)(const char *unit, void *arg), void *arg,
			   struct debuginfo **ret)
{
	struct debuginfo *info = xcalloc(1, sizeof(*info));
	struct walk w = { .info = info };
	struct err *err;

	info->file = w.file = xcalloc(1, sizeof(*info->file));
	err = open_dwarf(path, info->file);
	if (err) {
		debuginfo_free(info);
		return err_in(err, path);
	}
	err = read_units(&w, want, arg);
	tdestroy(w.known, free);
	if (err) {
		debuginfo_free(info);
		return err_in(err, path);
	}
	unique_inlines(info);
	*ret = info;
	return NULL;
}

static char *name_of_type(Dwarf_Die *die)
{
	Dwarf_Die type;

	return type_die(die, &type) ? type_name(type, 0) : xstrdup("void");
}

char *debuginfo_signature(const struct debuginfo *info, const struct debug_func *func)
{
	Dwarf_Die die, child;
	char *text = NULL;
	const char *comma = "";
	size_t len;
	FILE *f;

	if (!dwarf_offdie(info->file->dwarf, func->die, &die))
		return NULL;
	f = xmemstream(&text, &len);
	AUTO_FREE char *result = name_of_type(&die);
	fprintf(f, "%s (", result);
	for (bool more = !dwarf_child(&die, &child); more; more = !dwarf_siblingof(&child, &child)) {
		AUTO_FREE char *type = NULL;

		if (dwarf_tag(&child) == DW_TAG_formal_parameter)
			type = name_of_type(&child);
		else if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
			type = xstrdup("...");
		else
			continue;
		fprintf(f, "%s%s", comma, type);
		comma = ", ";
	}
	fprintf(f, "%s)", *comma ? "" : "void");
	fclose(f);
	return text;
}

char *debuginfo_var_type(const struct debuginfo *info, const struct debug_var *var)
{
	Dwarf_Die die;

	return dwarf_offdie(info->file->dwarf, var->die, &die) ? name_of_type(&die) : NULL;
}

void debuginfo_forget(const struct debuginfo *info, uint32_t nr)
{
	if (nr % UNITS_IN_MEMORY == 0)
		mapping_forget(&info->file->mapping);
}

void debuginfo_free(struct debuginfo *info)
{
	if (!info)
		return;
	for (uint32_t i = 0; i < info->nr_units; i++)
		free(info->units[i]);
	for (uint32_t i = 0; i < info->nr_funcs; i++)
		free(info->funcs[i].file);
	for (uint32_t i = 0; i < info->nr_codes; i++)
		free(info->codes[i].ranges);
	for (uint32_t i = 0; i < info->nr_vars; i++)
		free(info->vars[i].file);
	free(info->units);
	free(info->funcs);
	free(info->codes);
	free(info->inlines);
	free(info->vars);
	free(info->calls);
	close_dwarf(info->file);
	free(info->file);
	free(info);
}
