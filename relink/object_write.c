// SPDX-License-Identifier: GPL-2.0
/*
 * Writing an object: sections that are left, their relocations, then symbol and
 * string tables.  Local symbols come before global ones (gABI, "Symbol Table").
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relink/object.h"

struct strings {
	char *data;
	size_t size, cap;
};

struct writer {
	const struct object *object;
	Elf *elf;
	uint32_t *dst_section;	/* ELF index of each section; 0: not written */
	uint32_t *dst_symbol;	/* index of each symbol; 0: not written */
	bool *used;		/* symbols that relocations refer to */
	Elf64_Sym *symtab;
	uint32_t nr_symtab, first_global;
	struct strings strtab, shstrtab;
	uint32_t symtab_index;	/* ELF index of .symtab */
	Elf64_Rela **relas;	/* kept until the file is written */
};

static uint32_t add_string(struct strings *s, const char *string)
{
	size_t len = strlen(string) + 1, at = s->size;

	if (!*string && s->size)
		return 0;
	while (s->size + len > s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4096;
		s->data = xreallocarray(s->data, s->cap, 1);
	}
	memcpy(s->data + at, string, len);
	s->size += len;
	return at;
}

/* Sections of contents travel; the tables of the object that was read are made anew. */
static bool is_written(const struct object_section *s)
{
	if (s->removed)
		return false;
	switch (s->type) {
	case SHT_NULL: case SHT_SYMTAB: case SHT_STRTAB: case SHT_RELA: case SHT_GROUP:
	case SHT_SYMTAB_SHNDX:
		return false;
	}
	return true;
}

static void find_used(struct writer *w)
{
	const struct object *o = w->object;

	w->used = xcalloc(o->nr_symbols, sizeof(bool));
	for (uint32_t i = 1; i < o->nr_sections; i++) {
		if (!is_written(&o->sections[i]))
			continue;
		for (uint32_t r = 0; r < o->sections[i].nr_relocs; r++)
			if (!o->sections[i].relocs[r].removed)
				w->used[o->sections[i].relocs[r].symbol] = true;
	}
}

static bool keeps_symbol(const struct writer *w, uint32_t i)
{
	const struct object_symbol *s = &w->object->symbols[i];

	if (!i || s->removed)
		return false;
	if (object_symbol_defined(s))
		return is_written(&w->object->sections[s->section]) && (s->type != STT_SECTION || w->used[i]);
	return s->type == STT_FILE || w->used[i];
}

static void add_symbols(struct writer *w)
{
	const struct object *o = w->object;

	w->dst_symbol = xcalloc(o->nr_symbols, sizeof(uint32_t));
	w->symtab = xcalloc(o->nr_symbols + 1, sizeof(Elf64_Sym));
	w->nr_symtab = 1;
	add_string(&w->strtab, "");
	for (int global = 0; global < 2; global++) {
		for (uint32_t i = 1; i < o->nr_symbols; i++) {
			const struct object_symbol *s = &o->symbols[i];

			if ((s->bind != STB_LOCAL) != global || !keeps_symbol(w, i))
				continue;
			w->symtab[w->nr_symtab] = (Elf64_Sym){
				.st_name = add_string(&w->strtab, s->name),
				.st_info = ELF64_ST_INFO(s->bind, s->type),
				.st_other = s->other,
				.st_shndx = object_symbol_defined(s) ? w->dst_section[s->section] : s->shndx,
				.st_value = s->value,
				.st_size = s->size,
			};
			w->dst_symbol[i] = w->nr_symtab++;
		}
		if (!global)
			w->first_global = w->nr_symtab;
	}
}

static struct err *add_section(struct writer *w, const char *name, const GElf_Shdr *header, void *data,
			       size_t size, Elf_Type type, uint32_t *index)
{
	Elf_Scn *scn = elf_newscn(w->elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	GElf_Shdr shdr;

	if (!d || !gelf_getshdr(scn, &shdr))
		return err_new("section %s: %s", name, elf_errmsg(-1));
	shdr = *header;
	shdr.sh_name = add_string(&w->shstrtab, name);
	d->d_buf = data;
	d->d_size = size;
	d->d_type = type;
	d->d_align = header->sh_addralign ? header->sh_addralign : 1;
	d->d_version = EV_CURRENT;
	if (!gelf_update_shdr(scn, &shdr))
		return err_new("section %s: %s", name, elf_errmsg(-1));
	if (index)
		*index = elf_ndxscn(scn);
	return NULL;
}

static struct err *add_contents(struct writer *w)
{
	const struct object *o = w->object;

	w->dst_section = xcalloc(o->nr_sections, sizeof(uint32_t));
	for (uint32_t i = 1; i < o->nr_sections; i++) {
		const struct object_section *s = &o->sections[i];
		GElf_Shdr shdr = {
			.sh_type = s->type,
			.sh_flags = s->flags & ~(uint64_t)(SHF_GROUP | SHF_LINK_ORDER | SHF_INFO_LINK),
			.sh_addralign = s->align,
			.sh_entsize = s->entsize,
			.sh_size = s->size,
		};
		struct err *err;

		if (!is_written(s))
			continue;
		err = add_section(w, s->name, &shdr, s->data, s->size, ELF_T_BYTE, &w->dst_section[i]);
		if (err)
			return err;
	}
	return NULL;
}

static int compare_rela(const void *a, const void *b)
{
	const Elf64_Rela *x = a, *y = b;

	return x->r_offset < y->r_offset ? -1 : x->r_offset > y->r_offset;
}

static struct err *add_relocs(struct writer *w)
{
	const struct object *o = w->object;

	w->relas = xcalloc(o->nr_sections, sizeof(*w->relas));
	for (uint32_t i = 1; i < o->nr_sections; i++) {
		const struct object_section *s = &o->sections[i];
		AUTO_FREE char *name = xasprintf(".rela%s", s->name);
		GElf_Shdr shdr = {
			.sh_type = SHT_RELA,
			.sh_flags = SHF_INFO_LINK,
			.sh_addralign = 8,
			.sh_entsize = sizeof(Elf64_Rela),
			.sh_link = w->symtab_index,
			.sh_info = w->dst_section[i],
		};
		uint32_t n = 0;
		struct err *err;

		if (!w->dst_section[i])
			continue;
		w->relas[i] = xcalloc(s->nr_relocs, sizeof(Elf64_Rela));
		for (uint32_t r = 0; r < s->nr_relocs; r++) {
			const struct object_reloc *src = &s->relocs[r];

			if (src->removed)
				continue;
			if (!w->dst_symbol[src->symbol])
				return err_new("section %s+0x%lx: relocation against %s, which does not travel",
					       s->name, (unsigned long)src->offset,
					       *o->symbols[src->symbol].name ? o->symbols[src->symbol].name :
					       o->sections[o->symbols[src->symbol].section].name);
			w->relas[i][n++] = (Elf64_Rela){
				.r_offset = src->offset,
				.r_info = ELF64_R_INFO((uint64_t)w->dst_symbol[src->symbol], src->type),
				.r_addend = src->addend,
			};
		}
		if (!n)
			continue;
		qsort(w->relas[i], n, sizeof(Elf64_Rela), compare_rela);
		err = add_section(w, name, &shdr, w->relas[i], n * sizeof(Elf64_Rela), ELF_T_RELA, NULL);
		if (err)
			return err;
	}
	return NULL;
}

static struct err *add_tables(struct writer *w)
{
	GElf_Shdr symtab = {
		.sh_type = SHT_SYMTAB,
		.sh_addralign = 8,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_info = w->first_global,
	};
	GElf_Shdr strings = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	struct err *err;

	/* .strtab comes right behind .symtab */
	symtab.sh_link = 2;
	for (uint32_t i = 1; i < w->object->nr_sections; i++)
		symtab.sh_link += w->dst_section[i] != 0;
	err = add_section(w, ".symtab", &symtab, w->symtab, w->nr_symtab * sizeof(Elf64_Sym), ELF_T_SYM,
			  &w->symtab_index);
	return err ?: add_section(w, ".strtab", &strings, w->strtab.data, w->strtab.size, ELF_T_BYTE, NULL);
}

/* The names of all sections are known only when .shstrtab itself has been added. */
static struct err *finish(struct writer *w, GElf_Ehdr *ehdr)
{
	GElf_Shdr strings = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	uint32_t index;
	Elf_Data *data;
	struct err *err;

	err = add_section(w, ".shstrtab", &strings, w->shstrtab.data, w->shstrtab.size, ELF_T_BYTE, &index);
	if (err)
		return err;
	data = elf_getdata(elf_getscn(w->elf, index), NULL);
	data->d_buf = w->shstrtab.data;
	data->d_size = w->shstrtab.size;
	ehdr->e_shstrndx = index;
	if (!gelf_update_ehdr(w->elf, ehdr) || elf_update(w->elf, ELF_C_WRITE) < 0)
		return err_new("%s", elf_errmsg(-1));
	return NULL;
}

static struct err *write_object(struct writer *w)
{
	GElf_Ehdr ehdr;
	struct err *err;

	if (!gelf_newehdr(w->elf, ELFCLASS64) || !gelf_getehdr(w->elf, &ehdr))
		return err_new("%s", elf_errmsg(-1));
	ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr.e_type = ET_REL;
	ehdr.e_machine = w->object->machine;
	ehdr.e_version = EV_CURRENT;
	if (!gelf_update_ehdr(w->elf, &ehdr))
		return err_new("%s", elf_errmsg(-1));
	add_string(&w->shstrtab, "");
	find_used(w);
	err = add_contents(w);
	if (err)
		return err;
	add_symbols(w);
	err = add_tables(w);
	err = err ?: add_relocs(w);
	return err ?: finish(w, &ehdr);
}

struct err *object_write(const struct object *object, const char *path)
{
	struct writer w = { .object = object };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct stat st;
	struct err *err;

	if (fd < 0)
		return err_new("%s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	w.elf = elf_begin(fd, ELF_C_WRITE, NULL);
	err = w.elf ? write_object(&w) : err_new("%s", elf_errmsg(-1));
	elf_end(w.elf);
	if (err && !fstat(fd, &st) && S_ISREG(st.st_mode))
		unlink(path);
	close(fd);
	for (uint32_t i = 0; w.relas && i < object->nr_sections; i++)
		free(w.relas[i]);
	free(w.relas);
	free(w.dst_section);
	free(w.dst_symbol);
	free(w.used);
	free(w.symtab);
	free(w.strtab.data);
	free(w.shstrtab.data);
	return err_in(err, path);
}
