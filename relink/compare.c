// SPDX-License-Identifier: GPL-2.0
/*
 * Functions and data against vmlinux: bytes outside of references must be equal, and
 * each reference must lead to the counterpart of its target.
 */
#include <string.h>

#include "relink/compare.h"

struct comparison {
	const struct kernel *kernel;
	const struct object *object;
	const struct object_refs *refs;
	const struct match *match;
	uint64_t *where;	/* of the first difference, in what is being compared */
	bool sanitized;
	struct decoder *decoder;
};

/* What is being compared: contents of a section of the object. */
struct extent {
	uint32_t section;
	uint64_t offset, size;
	bool code;
};

/* What is in no file is zero (.bss), and as long as a header says. */
static bool kernel_has_zeros(const struct comparison *c, uint64_t addr, uint64_t len)
{
	const struct image_section *s = image_section_at(c->kernel->image, addr);

	return s && s->type == SHT_NOBITS && len <= s->size - (addr - s->addr);
}

/* The next number of a description; false at its end. */
static bool number(const char **at, const char *end, uint64_t *ret)
{
	const char *start = *at;

	for (*ret = 0; *at < end && **at >= '0' && **at <= '9'; ++*at)
		*ret = *ret * 10 + (**at - '0');
	return *at != start && *at < end && *(*at)++ == ' ';
}

/*
 * What gcc's address sanitizer says of a frame, in a string that the prologue refers to: how many variables, then of
 * each offset, size, the length of the rest, and NAME:LINE (asan.cc, asan_emit_stack_protection). The same but for lines?
 */
static bool same_frame(const char *a, const char *a_end, const char *b, const char *b_end)
{
	uint64_t n, m, from[3], there[3];

	if (!number(&a, a_end, &n) || !number(&b, b_end, &m) || !n || n != m)
		return false;
	while (n--) {
		for (uint32_t i = 0; i < 3; i++)
			if (!number(&a, a_end, &from[i]) || !number(&b, b_end, &there[i]))
				return false;
		if (from[0] != there[0] || from[1] != there[1] || from[2] > (uint64_t)(a_end - a) ||
		    there[2] > (uint64_t)(b_end - b) || strcspn(a, ": ") != strcspn(b, ": ") ||
		    strncmp(a, b, strcspn(a, ": ")))
			return false;
		a += from[2];
		b += there[2];
		if (n && (a == a_end || *a++ != ' ' || b == b_end || *b++ != ' '))
			return false;
	}
	return a == a_end && b == b_end;
}

/* The string of the kernel at @target, and where its zero is; NULL: none that ends. */
static const char *kernel_string(const struct comparison *c, uint64_t target, const char **end)
{
	const struct image_section *s = image_section_at(c->kernel->image, target);
	uint64_t left = s ? s->size - (target - s->addr) : 0;
	const uint8_t *string = s ? image_bytes(c->kernel->image, target, left) : NULL;

	*end = string ? memchr(string, '\0', left) : NULL;
	return *end ? (const char *)string : NULL;
}

/* Whether both are such descriptions, that of the kernel at @target. */
static bool is_same_frame(const struct comparison *c, const uint8_t *ours, uint64_t len, uint64_t target)
{
	const char *end, *there = kernel_string(c, target, &end);

	return c->sanitized && there && !ours[len - 1] &&
	       same_frame((const char *)ours, (const char *)ours + len - 1, there, end);
}

/* Behind the "./" that the name of a header begins with where the kernel is built in its source, and not elsewhere. */
static const char *behind_dot(const char *start, const char *at)
{
	return at[0] == '.' && at[1] == '/' && (at == start || at[-1] == ' ') ? at + 2 : at;
}

/* Whether the strings @ours and that of the kernel at @target are the same but for that: __FILE__ can be part of one. */
static bool is_same_text(const struct comparison *c, const char *ours, uint64_t target)
{
	const char *end, *there = kernel_string(c, target, &end), *a = ours, *b = there;

	if (!there)
		return false;
	for (;; a++, b++) {
		a = behind_dot(ours, a);
		b = behind_dot(there, b);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

/*
 * Contents without a counterpart are compared as contents: strings up to their end, merged
 * constants and named objects by their size.
 */
static bool same_contents(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	const struct object_section *s = &c->object->sections[ref->target_section];
	uint64_t at = ref->target + (ref->symbol == NO_REF ? 0 : c->object->symbols[ref->symbol].value);
	const uint8_t *there;
	uint64_t len = 0;

	if (!ref->target_section || !s->data || (s->flags & (SHF_WRITE | SHF_EXECINSTR)) || at >= s->size)
		return true;
	if (s->flags & SHF_STRINGS)
		len = strnlen((char *)s->data + at, s->size - at) + 1;
	else if (ref->symbol != NO_REF && !ref->target && !s->nr_relocs)
		len = c->object->symbols[ref->symbol].size;
	else if (ref->symbol == NO_REF && (s->flags & SHF_MERGE))
		len = s->entsize;
	else
		object_ref_string(c->object, ref, c->sanitized, &len);
	if (!len || len > s->size - at)
		return true;
	there = image_bytes(c->kernel->image, target, len);
	return (there && !memcmp(there, s->data + at, len)) || is_same_frame(c, s->data + at, len, target) ||
	       ((s->flags & SHF_STRINGS) && !s->data[at + len - 1] && is_same_text(c, (const char *)s->data + at, target));
}

/* Code that the kernel does not have: nothing there can lead to it. */
static bool is_new_code(const struct comparison *c, const struct object_ref *ref)
{
	const struct object_symbol *s = ref->symbol == NO_REF ? NULL : &c->object->symbols[ref->symbol];

	return s && (object_symbol_defined(s) ? s->type == STT_FUNC : s->shndx == SHN_UNDEF && s->bind != STB_WEAK);
}

/* The compiler numbers what is static in a function, and what it makes for itself: name.123. */
static bool same_stem(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return len == strcspn(b, ".") && !strncmp(a, b, len);
}

/* Whether data points at a new variable where vmlinux's points at one with another name. */
static bool is_other_variable(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	const struct object_symbol *s = ref->symbol == NO_REF ? NULL : &c->object->symbols[ref->symbol];
	const struct symbols *symbols = c->kernel->symbols;
	uint64_t addr = target - ref->target;
	bool any = false;

	if (!s || ref->kind != OBJECT_REF_POINTER || s->type != STT_OBJECT || !object_symbol_defined(s))
		return false;
	for (uint32_t i = symbols_lower_bound(symbols, addr); i < symbols->n; i++) {
		const struct symbol *theirs = &symbols->v[symbols->by_addr[i]];

		if (theirs->value != addr)
			break;
		if (same_stem(theirs->name, s->name))
			return false;
		any = true;
	}
	return any;
}

/*
 * Whether the reference, which has a symbol, may mean an object without contents, such as a lock's class without lockdep,
 * whose counterpart is at @target: it is where the next object begins, which may be another one in vmlinux.
 */
static bool is_empty_object(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	uint64_t at = c->object->symbols[ref->symbol].value + ref->target;

	for (uint32_t i = 1; i < c->object->nr_symbols; i++) {
		const struct object_symbol *s = &c->object->symbols[i];

		if (s->type == STT_OBJECT && !s->size && object_symbol_defined(s) && s->section == ref->target_section &&
		    s->value == at && c->match->symbol[i] != NO_ID &&
		    c->kernel->symbols->v[c->match->symbol[i]].value == target)
			return true;
	}
	return false;
}

static char *compare_ref(const struct comparison *c, const struct object_ref *ref, uint64_t target);

/*
 * An entry of a table that its code refers to, as x86's warnings in 7.3 do (struct bug_entry): its first reference
 * is to that code, those behind it up to the next entry must lead to the same. vmlinux has the entry at @target.
 */
static char *compare_entry(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	uint32_t r = c->refs->first[ref->target_section], end = c->refs->first[ref->target_section + 1];

	while (r < end && c->refs->v[r].offset < (uint64_t)ref->target)
		r++;
	for (r++; r < end; r++) {
		const struct object_ref *of = &c->refs->v[r];
		uint64_t field = target + (of->offset - ref->target);
		const uint8_t *theirs = image_bytes(c->kernel->image, field, of->width);
		char *difference;

		if (!theirs || (of->target_section && (c->object->sections[of->target_section].flags & SHF_EXECINSTR)))
			return NULL;
		difference = compare_ref(c, of, object_ref_target(of, theirs, field));
		if (difference)
			return difference;
	}
	return NULL;
}

/* NULL, or what is different about the reference. */
static char *compare_ref(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	AUTO_FREE char *place = NULL;
	uint32_t symbol;

	symbol = ref->symbol == NO_REF ? NO_ID : c->match->symbol[ref->symbol];
	bool new = symbol == NO_ID && (is_new_code(c, ref) || is_other_variable(c, ref, target));

	if (ref->symbol == NO_REF && ref->kind == OBJECT_REF_ADDRESS && ref->target_section &&
	    section_classify(&c->object->sections[ref->target_section]) == SECTION_TABLE)
		return compare_entry(c, ref, target);
	if (symbol == NO_ID && !new)
		return same_contents(c, ref, target) ? NULL : xstrdup("a string or a constant");
	if (symbol != NO_ID && (c->kernel->symbols->v[symbol].value + ref->target == target || is_empty_object(c, ref, target)))
		return NULL;
	place = funcs_place(c->kernel->funcs, target);
	if (symbol == NO_ID)
		return xasprintf("a reference to %s, which is new, instead of %s", c->object->symbols[ref->symbol].name,
				 place);
	return xasprintf("a reference to %s instead of %s", c->object->symbols[ref->symbol].name, place);
}

/* Whether the instruction with @ref puts its target into the register of a first argument. */
static bool is_first_argument(const struct comparison *c, const struct object_ref *ref)
{
	const struct object_section *s = &c->object->sections[ref->section];
	struct insn_detail d;

	return decode_detail(c->decoder, s->data + ref->insn, s->size - ref->insn, ref->insn, &d) && d.op == OP_MOV &&
	       d.operands[0].kind == OPERAND_REG && d.operands[0].reg == INSN_REG_ARG1;
}

/* Whether the name of a source file becomes a first argument near @at. */
static bool has_file_near(const struct comparison *c, const struct extent *e, uint64_t at)
{
	const uint64_t near = 32;
	uint32_t r = c->refs->first[e->section], end = c->refs->first[e->section + 1];

	for (; r < end && c->refs->v[r].offset < e->offset + at + near; r++) {
		const struct object_ref *ref = &c->refs->v[r];
		const uint8_t *string;
		uint64_t len;

		if (ref->offset + near < e->offset + at || ref->kind != OBJECT_REF_ADDRESS)
			continue;
		string = object_ref_string(c->object, ref, c->sanitized, &len);
		len = string ? strlen((const char *)string) : 0;
		if (len > 2 && is_first_argument(c, ref) && (!memcmp(string + len - 2, ".c", 2) || !memcmp(string + len - 2, ".h", 2)))
			return true;
	}
	return false;
}

/*
 * Whether @at is in a line of the source that goes to a function beside the name of its file, as lockdep and
 * might_sleep() want: a constant in an instruction that both have. @end: behind it.
 */
static bool is_line(const struct comparison *c, const struct extent *e, const uint8_t *ours, const uint8_t *theirs,
		    uint64_t at, uint64_t *end)
{
	for (uint64_t back = 1; e->code && back <= 4 && back <= at; back++) {
		const uint64_t start = at - back;
		struct insn_detail a, b;
		struct insn insn;

		if (ours[start] != theirs[start] || !decode(c->decoder, ours + start, e->size - start, 0, &insn) ||
		    !decode_detail(c->decoder, ours + start, insn.size, 0, &a) ||
		    !decode_detail(c->decoder, theirs + start, insn.size, 0, &b))
			continue;
		if (a.op != OP_MOV || b.op != OP_MOV || a.operands[0].kind != OPERAND_REG ||
		    a.operands[0].reg != INSN_REG_ARG2 || b.operands[0].reg != INSN_REG_ARG2 ||
		    a.operands[0].size != 4 ||
		    a.operands[1].kind != OPERAND_IMM || b.operands[1].kind != OPERAND_IMM || insn.size != 5 ||
		    a.operands[1].value <= 0 || b.operands[1].value <= 0)
			continue;
		*end = start + insn.size;
		return has_file_near(c, e, at);
	}
	return false;
}

/* Whether the bytes from @at up to @end differ, which is noted. */
static bool bytes_differ(const struct comparison *c, const struct extent *e, const uint8_t *ours,
			 const uint8_t *theirs, uint64_t at, uint64_t end)
{
	for (*c->where = at; *c->where < end; ++*c->where) {
		uint64_t behind;

		if (ours[*c->where] == theirs[*c->where])
			continue;
		if (!is_line(c, e, ours, theirs, *c->where, &behind) || behind > end)
			return true;
		*c->where = behind - 1;
	}
	return false;
}

/* @size bytes of @object's @section at @offset against those of vmlinux at @addr. */
static char *compare_bytes(const struct comparison *c, uint32_t section, uint64_t offset, uint64_t addr,
			   uint64_t size)
{
	AUTO_FREE uint8_t *zeros = NULL;
	const uint8_t *theirs = image_bytes(c->kernel->image, addr, size);
	const uint8_t *ours = c->object->sections[section].data;
	uint32_t r = c->refs->first[section], end = c->refs->first[section + 1];
	const struct extent extent = { section, offset, size, section_classify(&c->object->sections[section]) == SECTION_CODE };
	uint64_t at = 0;

	if (!theirs && !kernel_has_zeros(c, addr, size))
		return xstrdup("it is not in vmlinux");
	if (!theirs && !ours)
		return NULL;
	/* one of the two is in a file, which bounds the size */
	if (!theirs)
		theirs = zeros = xcalloc(1, size);
	ours = ours ? ours + offset : (zeros = xcalloc(1, size));
	for (; r < end && c->refs->v[r].offset < offset; r++)
		;
	for (; r < end && c->refs->v[r].offset < offset + size; r++) {
		const struct object_ref *ref = &c->refs->v[r];
		uint64_t field = ref->offset - offset;
		char *difference;

		if (field + ref->width > size)
			return xstrdup("a reference across its end");
		if (memcmp(ours + at, theirs + at, field - at) && bytes_differ(c, &extent, ours, theirs, at, field))
			return xasprintf("its contents before +0x%lx", (unsigned long)field);
		difference = compare_ref(c, ref, object_ref_target(ref, theirs + field, addr + field));
		if (difference) {
			*c->where = field;
			return difference;
		}
		at = field + ref->width;
	}
	return bytes_differ(c, &extent, ours, theirs, at, size) ? xstrdup("its contents near the end") : NULL;
}

static char *compare_symbol(const struct comparison *c, uint32_t i)
{
	const struct object_symbol *s = &c->object->symbols[i];
	uint64_t addr, size;

	if (s->type == STT_FUNC) {
		const struct func *f = &c->kernel->funcs->v[c->match->func[i]];

		addr = f->low;
		size = f->high - f->low;
	} else {
		addr = c->kernel->symbols->v[c->match->symbol[i]].value;
		size = c->kernel->symbols->v[c->match->symbol[i]].size;
	}
	if (s->size != size) {
		free(compare_bytes(c, s->section, s->value, addr, s->size < size ? s->size : size));
		return xasprintf("its size, %lu instead of %lu bytes", (unsigned long)s->size, (unsigned long)size);
	}
	return compare_bytes(c, s->section, s->value, addr, size);
}

/* A function is changed where its .cold part is, which runs as a piece of it. */
static void carry_over_from_parts(const struct comparison *c, enum verdict *verdict, char **difference, uint64_t *where)
{
	uint32_t *body = xcalloc(c->kernel->funcs->n + 1, sizeof(*body));

	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		if (c->match->func[i] != NO_ID && object_symbol_defined(&c->object->symbols[i]))
			body[c->match->func[i]] = i;
	for (uint32_t i = 1; i < c->object->nr_symbols; i++) {
		uint32_t func = c->match->func[i], parent = func == NO_ID ? NO_ID : c->kernel->funcs->v[func].parent;
		uint32_t whole = parent == NO_ID ? 0 : body[parent];

		if (verdict[i] != VERDICT_CHANGED || !whole || verdict[whole] != VERDICT_SAME)
			continue;
		verdict[whole] = VERDICT_CHANGED;
		difference[whole] = xasprintf("in %s: %s", c->object->symbols[i].name, difference[i]);
		where[whole] = UINT64_MAX;
	}
	free(body);
}

void compare_symbols(const struct kernel *kernel, const struct object *object,
		     const struct object_refs *refs, const struct symbol_map *map,
		     const struct match *match, enum verdict **verdict, char ***difference,
		     uint64_t **where)
{
	struct comparison c = { kernel, object, refs, match, NULL, object_is_sanitized(object), NULL };

	/* that of the machine is known: references were read by it */
	err_free(decoder_open(object->machine, &c.decoder));
	*verdict = xcalloc(object->nr_symbols, sizeof(**verdict));
	*difference = xcalloc(object->nr_symbols, sizeof(**difference));
	*where = xcalloc(object->nr_symbols, sizeof(**where));
	for (uint32_t k = 0; k < map->n; k++) {
		uint32_t i = map->v[k];
		uint8_t type = object->symbols[i].type;

		if ((type == STT_FUNC && match->func[i] == NO_ID) || match->symbol[i] == NO_ID ||
		    (type != STT_FUNC && type != STT_OBJECT))
			continue;
		c.where = &(*where)[i];
		(*difference)[i] = compare_symbol(&c, i);
		(*verdict)[i] = (*difference)[i] ? VERDICT_CHANGED : VERDICT_SAME;
	}
	decoder_close(c.decoder);
	carry_over_from_parts(&c, *verdict, *difference, *where);
}
