// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a vmlinux (System V gABI, chapters 4 and 5).
 *
 * Headers are read as copies through gelf; section bytes point into the mapped
 * file.  Offsets, sizes, names and links are checked here, once.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/image.h"
#include "elfkit/memory.h"

struct image_file {
	int fd;
	Elf *elf;
};

static struct err *open_elf(const char *path, struct image_file *file)
{
	struct stat st;

	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return err_new("%s", strerror(errno));
	if (fstat(file->fd, &st) < 0)
		return err_new("%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_new("not a regular file");
	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_new("libelf: %s", elf_errmsg(-1));
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF)
		return err_new("not an ELF file: the uncompressed vmlinux of the debug package is wanted");
	return NULL;
}

static struct err *check_header(struct image *image, size_t *ret_shnum, size_t *ret_shstrndx)
{
	Elf *elf = image->file->elf;
	GElf_Ehdr ehdr;

	if (!gelf_getehdr(elf, &ehdr))
		return err_new("ELF header: %s", elf_errmsg(-1));
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB)
		return err_new("not a 64-bit little-endian ELF file");
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return err_new("not a linked kernel image (e_type %u)", ehdr.e_type);
	image->machine = ehdr.e_machine;
	if (elf_getshdrnum(elf, ret_shnum) < 0 || elf_getshdrstrndx(elf, ret_shstrndx) < 0 ||
	    *ret_shnum < 2 || *ret_shstrndx >= *ret_shnum)
		return err_new("no section headers: the file is truncated or stripped of them");
	return NULL;
}

static struct err *read_section(struct image *image, size_t i, size_t shstrndx, size_t file_size)
{
	struct image_section *s = &image->sections[i];
	Elf_Scn *scn = elf_getscn(image->file->elf, i);
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return err_new("section header %zu: %s", i, elf_errmsg(-1));
	s->name = elf_strptr(image->file->elf, shstrndx, shdr.sh_name);
	if (!s->name)
		return err_new("section header %zu: name is out of bounds", i);
	if (strnlen(s->name, NAME_SIZE_MAX) == NAME_SIZE_MAX)
		return err_new("section header %zu: name is longer than a kernel's can be", i);
	s->addr = shdr.sh_addr;
	s->size = shdr.sh_size;
	s->flags = shdr.sh_flags;
	s->type = shdr.sh_type;
	s->info = shdr.sh_info;
	if (s->addr + s->size < s->addr)
		return err_new("section %s: size 0x%lx runs past the end of the address space",
			       s->name, (unsigned long)s->size);
	if (shdr.sh_type == SHT_NOBITS || shdr.sh_type == SHT_NULL || !shdr.sh_size)
		return NULL;
	if (shdr.sh_offset > file_size || shdr.sh_size > file_size - shdr.sh_offset)
		return err_new("section %s: lies at 0x%lx-0x%lx but the file ends at 0x%zx: truncated?",
			       s->name, (unsigned long)shdr.sh_offset,
			       (unsigned long)(shdr.sh_offset + shdr.sh_size), file_size);
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size != shdr.sh_size)
		return err_new("section %s: %s", s->name, elf_errmsg(-1));
	s->data = data->d_buf;
	return NULL;
}

static struct err *read_symtab(struct image *image)
{
	for (size_t i = 1; i < image->nr_sections; i++) {
		Elf_Scn *scn = elf_getscn(image->file->elf, i);
		const struct image_section *str;
		Elf_Data *data;
		GElf_Shdr shdr;

		if (image->sections[i].type != SHT_SYMTAB)
			continue;
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_link >= image->nr_sections)
			return err_new(".symtab: bad string table index");
		str = &image->sections[shdr.sh_link];
		if (!str->data || str->data[str->size - 1])
			return err_new(".strtab: not a string table");
		data = elf_getdata(scn, NULL);
		if (!data || data->d_size % sizeof(Elf64_Sym))
			return err_new(".symtab: damaged");
		image->symtab = data->d_buf;
		image->nr_symtab = data->d_size / sizeof(Elf64_Sym);
		image->strtab = (const char *)str->data;
		for (size_t k = 0; k < image->nr_symtab; k++) {
			if (image->symtab[k].st_name >= str->size)
				return err_new(".symtab: symbol %zu: name is out of bounds", k);
			if (strnlen(image->strtab + image->symtab[k].st_name, NAME_SIZE_MAX) == NAME_SIZE_MAX)
				return err_new(".symtab: symbol %zu: name is longer than a kernel's can be", k);
		}
		return NULL;
	}
	return err_new("no symbol table: use the vmlinux of the kernel's debug package, not a stripped one");
}

/* gABI "Note Section": namesz, descsz, type, then name and desc, each padded to 4 bytes. */
static void read_build_id(struct image *image, const struct image_section *s)
{
	for (uint64_t off = 0; s->size - off >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr note;
		uint64_t left = s->size - off - sizeof(note);
		uint64_t name_size, desc_size;

		memcpy(&note, s->data + off, sizeof(note));
		name_size = ((uint64_t)note.n_namesz + 3) & ~3ULL;
		desc_size = ((uint64_t)note.n_descsz + 3) & ~3ULL;
		if (name_size > left || desc_size > left - name_size)
			return;
		off += sizeof(note);
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(s->data + off, "GNU", 4) && note.n_descsz <= sizeof(image->build_id)) {
			memcpy(image->build_id, s->data + off + name_size, note.n_descsz);
			image->build_id_len = note.n_descsz;
		}
		off += name_size + desc_size;
	}
}

static struct err *read_image(struct image *image)
{
	size_t shnum, shstrndx, file_size = 0;
	struct err *err;

	err = open_elf(image->path, image->file);
	if (err)
		return err;
	err = check_header(image, &shnum, &shstrndx);
	if (err)
		return err;
	if (!elf_rawfile(image->file->elf, &file_size))
		return err_new("%s", elf_errmsg(-1));
	image->file_size = file_size;
	image->sections = xcalloc(shnum, sizeof(*image->sections));
	image->nr_sections = shnum;
	image->sections[0].name = "";
	for (size_t i = 1; i < shnum; i++) {
		err = read_section(image, i, shstrndx, file_size);
		if (err)
			return err;
		if (image->sections[i].type == SHT_NOTE && image->sections[i].data)
			read_build_id(image, &image->sections[i]);
	}
	return read_symtab(image);
}

struct err *image_open(const char *path, struct image **ret)
{
	struct image *image = xcalloc(1, sizeof(*image));
	struct err *err;

	image->path = xstrdup(path);
	image->file = xcalloc(1, sizeof(*image->file));
	image->file->fd = -1;
	memory_count_file(path);
	err = read_image(image);
	if (err) {
		image_free(image);
		return err_in(err, path);
	}
	*ret = image;
	return NULL;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	elf_end(image->file->elf);
	if (image->file->fd >= 0)
		close(image->file->fd);
	free(image->file);
	free(image->sections);
	free(image->path);
	free(image);
}

const struct image_section *image_section_at(const struct image *image, uint64_t addr)
{
	for (size_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *s = &image->sections[i];

		if ((s->flags & SHF_ALLOC) && addr >= s->addr && addr - s->addr < s->size)
			return s;
	}
	return NULL;
}

const struct image_section *image_section_named(const struct image *image, const char *name)
{
	for (size_t i = 1; i < image->nr_sections; i++)
		if (!strcmp(image->sections[i].name, name))
			return &image->sections[i];
	return NULL;
}

const uint8_t *image_bytes(const struct image *image, uint64_t addr, uint64_t len)
{
	const struct image_section *s = image_section_at(image, addr);

	if (!s || !s->data || len > s->size - (addr - s->addr))
		return NULL;
	return s->data + (addr - s->addr);
}
