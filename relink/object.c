// SPDX-License-Identifier: GPL-2.0
/* Reading an ET_REL file into arrays. Writing it is object_write.c. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/image.h"
#include "elfkit/memory.h"
#include "relink/object.h"

/*
 * NULL, or what is wrong with a name: they are printed, a line each.  And each symbol gets a copy of its own: many
 * of a long one that they share would be out of all proportion to the file.
 */
static const char *bad_name(const char *name)
{
	if (strnlen(name, NAME_SIZE_MAX) == NAME_SIZE_MAX)
		return "name is longer than a kernel's can be";
	for (; *name; name++)
		if ((uint8_t)*name < 0x20 || *name == 0x7f)
			return "control characters in its name";
	return NULL;
}

/* What is written has room for it ahead of each section. The largest that kernels ask for is a stack's. */
#define ALIGN_MAX	(1U << 16)

static struct err *read_section(struct object *object, Elf_Scn *scn, uint32_t i, size_t shstrndx,
				size_t file_size, Elf *elf)
{
	struct object_section *s = &object->sections[i];
	const char *name;
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return err_new("section header %u: %s", i, elf_errmsg(-1));
	name = elf_strptr(elf, shstrndx, shdr.sh_name);
	if (!name)
		return err_new("section header %u: name is out of bounds", i);
	if (bad_name(name))
		return err_new("section header %u: %s", i, bad_name(name));
	s->name = xstrdup(name);
	s->type = shdr.sh_type;
	s->flags = shdr.sh_flags;
	s->align = shdr.sh_addralign;
	s->entsize = shdr.sh_entsize;
	s->size = shdr.sh_size;
	s->link = shdr.sh_link;
	s->info = shdr.sh_info;
	if ((s->align & (s->align - 1)) || s->align > ALIGN_MAX)
		return err_new("section %s: bad alignment", name);
	if ((s->flags & SHF_COMPRESSED) && (s->type != SHT_PROGBITS || (s->flags & SHF_ALLOC)))
		return err_new("section %s: compressed, and not debug information", name);
	if (s->flags & SHF_COMPRESSED)
		return NULL;	/* debug sections: libdw reads those, and so they do not travel */
	if (s->type == SHT_NOBITS || !s->size)
		return NULL;
	if (shdr.sh_offset > file_size || s->size > file_size - shdr.sh_offset)
		return err_new("section %s: lies beyond the end of the file: truncated?", name);
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size != s->size)
		return err_new("section %s: %s", name, elf_errmsg(-1));
	s->data = xcalloc(1, s->size);
	memcpy(s->data, data->d_buf, s->size);
	return NULL;
}

static struct err *read_symbol(struct object *object, const Elf64_Sym *sym, uint32_t i,
			       const struct object_section *strtab, uint32_t *group)
{
	struct object_symbol *s;
	const char *name;

	if (sym->st_name >= strtab->size)
		return err_new("symbol %u: name is out of bounds", i);
	name = (const char *)strtab->data + sym->st_name;
	if (bad_name(name))
		return err_new("symbol %u: %s", i, bad_name(name));
	if (sym->st_shndx == SHN_XINDEX)
		return err_new("symbol %u: extended section indices are not supported", i);
	if (sym->st_shndx < SHN_LORESERVE && sym->st_shndx >= object->nr_sections)
		return err_new("symbol %s: bad section index %u", name, sym->st_shndx);
	GROW(object->symbols, object->nr_symbols, object->cap_symbols);
	s = &object->symbols[object->nr_symbols++];
	*s = (struct object_symbol){
		.name = xstrdup(name),
		.value = sym->st_value,
		.size = sym->st_size,
		.type = ELF64_ST_TYPE(sym->st_info),
		.bind = ELF64_ST_BIND(sym->st_info),
		.other = sym->st_other,
		.shndx = sym->st_shndx,
	};
	if (sym->st_shndx && sym->st_shndx < SHN_LORESERVE) {
		s->shndx = SHNDX_SECTION;
		s->section = sym->st_shndx;
		if (s->value > object->sections[s->section].size)
			return err_new("symbol %s: lies outside of section %s", name,
				       object->sections[s->section].name);
		if (s->size > object->sections[s->section].size - s->value)
			return err_new("symbol %s: runs past the end of section %s", name,
				       object->sections[s->section].name);
	}
	if (s->type == STT_FILE)
		*group = *name ? ++object->nr_groups : 0;
	s->group = s->bind == STB_LOCAL ? *group : 0;
	return NULL;
}

static struct err *read_symbols(struct object *object)
{
	const struct object_section *symtab = NULL, *strtab;
	uint32_t group = 0;

	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (object->sections[i].type == SHT_SYMTAB)
			symtab = &object->sections[i];
	if (!symtab || !symtab->data || symtab->size % sizeof(Elf64_Sym))
		return err_new("no symbol table");
	if (symtab->link >= object->nr_sections)
		return err_new(".symtab: bad string table index");
	strtab = &object->sections[symtab->link];
	if (!strtab->data || strtab->data[strtab->size - 1])
		return err_new(".strtab: not a string table");
	for (uint32_t i = 0; i < symtab->size / sizeof(Elf64_Sym); i++) {
		Elf64_Sym sym;
		struct err *err;

		memcpy(&sym, symtab->data + i * sizeof(sym), sizeof(sym));
		err = read_symbol(object, &sym, i, strtab, &group);
		if (err)
			return err;
	}
	return NULL;
}

unsigned int object_reloc_width(uint32_t type)
{
	switch (type) {
	case R_X86_64_64: case R_X86_64_PC64:
		return 8;
	case R_X86_64_PC32: case R_X86_64_PLT32: case R_X86_64_32: case R_X86_64_32S:
		return 4;
	case R_X86_64_16: case R_X86_64_PC16:
		return 2;
	case R_X86_64_8: case R_X86_64_PC8:
		return 1;
	}
	return 0;
}

#define ADDEND_MAX	(INT64_C(1) << 62)

static struct err *read_relocs(struct object *object, const struct object_section *rela)
{
	struct object_section *target;

	if (!rela->info || rela->info >= object->nr_sections)
		return err_new("section %s: bad target section", rela->name);
	target = &object->sections[rela->info];
	/* what is compressed is libdw's alone */
	if (!(target->flags & SHF_ALLOC) && (strncmp(target->name, ".debug_", 7) || target->flags & SHF_COMPRESSED))
		return NULL;
	if (rela->size && (!rela->data || rela->size % sizeof(Elf64_Rela)))
		return err_new("section %s: damaged", rela->name);
	for (uint64_t i = 0; i < rela->size / sizeof(Elf64_Rela); i++) {
		Elf64_Rela r;
		unsigned int width;

		memcpy(&r, rela->data + i * sizeof(r), sizeof(r));
		width = object_reloc_width(ELF64_R_TYPE(r.r_info));
		if (ELF64_R_TYPE(r.r_info) == R_X86_64_NONE)
			continue;
		if (!width)
			return err_new("section %s+0x%lx: relocation type %lu is not supported", target->name,
				       (unsigned long)r.r_offset, (unsigned long)ELF64_R_TYPE(r.r_info));
		if (ELF64_R_SYM(r.r_info) >= object->nr_symbols)
			return err_new("section %s+0x%lx: relocation with bad symbol index", target->name,
				       (unsigned long)r.r_offset);
		if (!target->data || r.r_offset > target->size || width > target->size - r.r_offset)
			return err_new("section %s+0x%lx: relocation outside of the section", target->name,
				       (unsigned long)r.r_offset);
		/* so that a size or an offset can be added */
		if (r.r_addend > ADDEND_MAX || r.r_addend < -ADDEND_MAX)
			return err_new("section %s+0x%lx: relocation that leads nowhere", target->name,
				       (unsigned long)r.r_offset);
		object_add_reloc(object, rela->info, r.r_offset, ELF64_R_TYPE(r.r_info),
				 ELF64_R_SYM(r.r_info), r.r_addend);
	}
	return NULL;
}

static struct err *read_object(struct object *object, Elf *elf)
{
	size_t shnum, shstrndx, file_size = 0;
	GElf_Ehdr ehdr;
	struct err *err;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return err_new("not an ELF file");
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB)
		return err_new("not a 64-bit little-endian ELF file");
	if (ehdr.e_type != ET_REL)
		return err_new("not a relocatable object (e_type %u): give the .o files of the rebuilt scheduler",
			       ehdr.e_type);
	object->machine = ehdr.e_machine;
	if (elf_getshdrnum(elf, &shnum) < 0 || elf_getshdrstrndx(elf, &shstrndx) < 0 || shnum < 2 ||
	    shstrndx >= shnum || !elf_rawfile(elf, &file_size))
		return err_new("no section headers: truncated?");
	object->sections = xcalloc(shnum, sizeof(*object->sections));
	object->nr_sections = object->cap_sections = shnum;
	object->sections[0].name = xstrdup("");
	for (uint32_t i = 1; i < shnum; i++) {
		err = read_section(object, elf_getscn(elf, i), i, shstrndx, file_size, elf);
		if (err)
			return err;
	}
	err = read_symbols(object);
	for (uint32_t i = 1; i < shnum && !err; i++)
		if (object->sections[i].type == SHT_RELA)
			err = read_relocs(object, &object->sections[i]);
		else if (object->sections[i].type == SHT_REL)
			err = err_new("section %s: REL relocations are not supported", object->sections[i].name);
	return err;
}

struct err *object_read(const char *path, struct object **ret)
{
	struct object *object = xcalloc(1, sizeof(*object));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err *err;
	Elf *elf;

	object->path = xstrdup(path);
	memory_count_file(path);
	if (fd < 0) {
		err = err_new("%s", strerror(errno));
	} else {
		elf_version(EV_CURRENT);
		elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
		err = read_object(object, elf);
		elf_end(elf);
		close(fd);
	}
	if (err) {
		object_free(object);
		return err_in(err, path);
	}
	*ret = object;
	return NULL;
}

void object_free(struct object *object)
{
	if (!object)
		return;
	for (uint32_t i = 0; i < object->nr_sections; i++) {
		free(object->sections[i].name);
		free(object->sections[i].data);
		free(object->sections[i].relocs);
	}
	for (uint32_t i = 0; i < object->nr_symbols; i++)
		free(object->symbols[i].name);
	free(object->sections);
	free(object->symbols);
	free(object->path);
	free(object);
}

uint32_t object_add_section(struct object *object, const char *name, uint64_t flags, uint64_t align,
			    uint8_t *data, uint64_t size)
{
	GROW(object->sections, object->nr_sections, object->cap_sections);
	object->sections[object->nr_sections] = (struct object_section){
		.name = xstrdup(name),
		.type = SHT_PROGBITS,
		.flags = flags,
		.align = align,
		.data = data,
		.size = size,
	};
	return object->nr_sections++;
}

uint32_t object_add_symbol(struct object *object, const char *name, uint8_t type, uint8_t bind,
			   uint16_t shndx, uint32_t section, uint64_t value, uint64_t size)
{
	GROW(object->symbols, object->nr_symbols, object->cap_symbols);
	object->symbols[object->nr_symbols] = (struct object_symbol){
		.name = xstrdup(name),
		.type = type,
		.bind = bind,
		.shndx = shndx,
		.section = section,
		.value = value,
		.size = size,
	};
	return object->nr_symbols++;
}

struct object_reloc *object_add_reloc(struct object *object, uint32_t section, uint64_t offset,
				      uint32_t type, uint32_t symbol, int64_t addend)
{
	struct object_section *s = &object->sections[section];

	GROW(s->relocs, s->nr_relocs, s->cap_relocs);
	s->relocs[s->nr_relocs] = (struct object_reloc){
		.offset = offset, .type = type, .symbol = symbol, .addend = addend,
	};
	return &s->relocs[s->nr_relocs++];
}

uint32_t object_section_symbol(struct object *object, uint32_t section)
{
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		if (object->symbols[i].type == STT_SECTION && object->symbols[i].section == section)
			return i;
	return object_add_symbol(object, "", STT_SECTION, STB_LOCAL, SHNDX_SECTION, section, 0, 0);
}
