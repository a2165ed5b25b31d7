// SPDX-License-Identifier: GPL-2.0
/*
 * Is the running kernel the build that this module was made for?
 *
 * Most addresses in the table are an exported symbol plus a distance, which is
 * true in one build only.  So the distances between exported symbols, whose
 * addresses the module loader found by name, are compared first; only then is
 * an address that rests on such a distance dereferenced: the kernel's notes,
 * which hold its build-id.  A kernel release says less than either, since a
 * distribution may rebuild a kernel under the same one.  Last come the functions to be replaced:
 * this kernel may have been changed since it was booted.
 */
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "loader.h"

#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID	3
#endif

#define REMEDY	"relink it against the vmlinux of the running kernel"

static int check_landmarks(void)
{
	const struct elfkit_table *table = &elfkit_table;
	const struct elfkit_landmark *mark =
		elfkit_ptr(const struct elfkit_landmark, table->landmarks);
	u64 i;

	for (i = 0; i < table->nr_landmarks; i++, mark++) {
		s64 distance = (s64)(mark->addr - table->anchor);

		if (distance == mark->distance)
			continue;
		pr_err("refused: made for kernel %s, build-id %*phN, but this is another build of %s: %s is %lld bytes from the anchor, not %lld; %s\n",
		       elfkit_name(table->release), (int)table->build_id_len,
		       table->build_id, init_utsname()->release,
		       elfkit_name(mark->name), distance, mark->distance, REMEDY);
		return -ENOEXEC;
	}
	return 0;
}

/* ELF gABI, "Note Section": name and descriptor are padded to 4 bytes. */
static const u8 *find_build_id(const u8 *notes, u64 size, u32 *len)
{
	u64 at = 0;

	while (at + sizeof(struct elf64_note) <= size) {
		const struct elf64_note *note = (const void *)(notes + at);
		u64 name = at + sizeof(*note);
		u64 desc = name + ALIGN((u64)note->n_namesz, 4);
		u64 next = desc + ALIGN((u64)note->n_descsz, 4);

		if (desc > size || desc + note->n_descsz > size)
			break;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4)) {
			*len = note->n_descsz;
			return notes + desc;
		}
		at = next;
	}
	return NULL;
}

static int check_build_id(void)
{
	const struct elfkit_table *table = &elfkit_table;
	const u8 *id;
	u32 len = 0;

	id = find_build_id(elfkit_ptr(const u8, table->notes), table->notes_size, &len);
	if (id && len == table->build_id_len && !memcmp(id, table->build_id, len))
		return 0;

	pr_err("refused: made for kernel %s, build-id %*phN; running is %s, build-id %*phN; %s\n",
	       elfkit_name(table->release), (int)table->build_id_len, table->build_id,
	       init_utsname()->release, (int)min_t(u32, len, ELFKIT_BUILD_ID_MAX),
	       id ?: (const u8 *)"", REMEDY);
	return -ENOEXEC;
}

static int compare_bodies(const struct elfkit_table *from)
{
	struct mutex *text_mutex = elfkit_ptr(struct mutex, elfkit_table.text_mutex);
	struct elfkit_difference difference = { 0 };
	struct elfkit_text text = { 0 };
	int err;

	/* A place may be in the middle of being patched. */
	mutex_lock(text_mutex);
	err = elfkit_text_save(&text, from);
	mutex_unlock(text_mutex);
	err = err ?: elfkit_bodies_compare(text.saved, &difference);
	if (difference.name)
		elfkit_who_differs(&difference);
	elfkit_text_forget(&text);
	return err;
}

/* With the jumps of another elfkit module taken away, from which this one would take over. */
static int check_bodies(void)
{
	struct elfkit_peer *peer;
	int err = elfkit_bodies_check_table();

	err = err ?: elfkit_peer_find(&peer);
	if (err)
		return err;
	err = compare_bodies(peer ? peer->table : NULL);
	elfkit_peer_put(peer);
	return err;
}

/*
 * 0, or with a message that says what differs: -ENOEXEC another kernel, -EADDRINUSE this one with
 * somebody's changes.
 */
int elfkit_identity_check(void)
{
	const struct elfkit_table *table = &elfkit_table;
	int err;

	if (table->abi != ELFKIT_ABI) {
		pr_err("refused: the table has layout %u, the loader knows %u; use one version of elfkit for both\n",
		       table->abi, ELFKIT_ABI);
		return -ENOEXEC;
	}
	if (!table->nr_landmarks || !table->nr_sites || !table->build_id_len ||
	    table->build_id_len > ELFKIT_BUILD_ID_MAX) {
		pr_err("refused: the table names no %s\n",
		       !table->nr_sites ? "function to replace" :
		       "kernel it was made for");
		return -ENOEXEC;
	}

	err = check_landmarks();
	err = err ?: check_build_id();
	return err ?: check_bodies();
}
