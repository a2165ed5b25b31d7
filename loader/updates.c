// SPDX-License-Identifier: GPL-2.0
/*
 * Objects of the kernel that have new contents while the module is in.
 *
 * The module has both contents of each.  Only words in which they differ are
 * written, and only over what the other contents have there: what a struct
 * holds beside the words of an edit is not touched, and words that somebody
 * else has written refuse the switch, by the object's name.  A constant must
 * be as expected all over.  A setting, one number of the kernel's that is set
 * while the module is in, is no reason to refuse going back: it stays as set.
 *
 * Written in the stop, through a mapping of the same pages that lives for one
 * swap only, as text is.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "loader.h"

#define WORD	8

static void **mappings;		/* of each object's pages while a swap goes on */

static const struct elfkit_update *updates(void)
{
	return elfkit_ptr(const struct elfkit_update, elfkit_table.updates);
}

static notrace unsigned int word_size(const struct elfkit_update *update, u64 at)
{
	return min_t(u64, WORD, update->size - at);
}

static notrace bool same(u64 a, u64 b, u64 at, unsigned int len)
{
	return !memcmp(elfkit_ptr(const u8, a) + at, elfkit_ptr(const u8, b) + at, len);
}

/* The first offset at which an object is not what it should be, or its size. */
static notrace u64 first_difference(const struct elfkit_update *update, u64 want)
{
	u64 at;

	for (at = 0; at < update->size; at += WORD) {
		unsigned int len = word_size(update, at);

		if (!(update->flags & ELFKIT_UPDATE_CONSTANT) &&
		    same(update->old, update->now, at, len))
			continue;
		if (!same(update->addr, want, at, len))
			return at;
	}
	return update->size;
}

/* The first object that is not as it should be, or NULL.  With @replaced it has the new contents. */
static notrace const struct elfkit_update *find_foreign(bool replaced, u64 *at)
{
	const struct elfkit_update *update = updates();
	u64 i;

	for (i = 0; i < elfkit_table.nr_updates; i++, update++) {
		if (replaced && update->flags & ELFKIT_UPDATE_SETTING)
			continue;
		*at = first_difference(update, replaced ? update->now : update->old);
		if (*at < update->size)
			return update;
	}
	return NULL;
}

/* In the stop, before anything is written: whether nobody else has written. */
notrace bool elfkit_updates_ours(bool replaced)
{
	u64 at;

	return !find_foreign(replaced, &at);
}

/* The same before the stop: 0, or -EADDRINUSE with a message that names the object. */
int elfkit_updates_verify(bool replaced)
{
	const struct elfkit_update *update;
	u64 at;

	update = find_foreign(replaced, &at);
	if (!update)
		return 0;
	pr_err("refused: %s is not as %s at +0x%llx: %*ph instead of %*ph; somebody has written to it\n",
	       elfkit_name(update->name), replaced ? "this module has made it" : "vmlinux has it",
	       at, (int)word_size(update, at), elfkit_ptr(const u8, update->addr) + at,
	       (int)word_size(update, at),
	       elfkit_ptr(const u8, replaced ? update->now : update->old) + at);
	return -EADDRINUSE;
}

static void *map_object(const struct elfkit_update *update)
{
	unsigned long first = update->addr & PAGE_MASK;
	unsigned int nr = (PAGE_ALIGN(update->addr + update->size) - first) / PAGE_SIZE, i;
	struct page **pages = elfkit_alloc(nr, sizeof(*pages));
	void *mapping = NULL;

	for (i = 0; pages && i < nr; i++)
		pages[i] = elfkit_text_page(first + i * PAGE_SIZE);
	if (pages)
		mapping = elfkit_map(pages, nr);
	elfkit_free(pages);
	return mapping;
}

/* Where an object is written: the mapping begins with its first page. */
static notrace u8 *alias(u64 i)
{
	return (u8 *)mappings[i] + (updates()[i].addr & ~PAGE_MASK);
}

int elfkit_updates_map(void)
{
	const struct elfkit_update *update = updates();
	u64 i;

	if (!elfkit_table.nr_updates)
		return 0;
	mappings = elfkit_alloc(elfkit_table.nr_updates, sizeof(*mappings));
	if (!mappings)
		return elfkit_short();
	for (i = 0; i < elfkit_table.nr_updates; i++, update++) {
		mappings[i] = map_object(update);
		if (!mappings[i]) {
			elfkit_updates_unmap();
			return elfkit_short();
		}
	}
	return 0;
}

void elfkit_updates_unmap(void)
{
	u64 i;

	for (i = 0; mappings && i < elfkit_table.nr_updates; i++)
		elfkit_unmap(mappings[i]);
	elfkit_free(mappings);
	mappings = NULL;
}

static notrace void write_word(u8 *at, const u8 *bytes, unsigned int len)
{
	u64 word;

	if (len == WORD && !((unsigned long)at & (WORD - 1))) {
		memcpy(&word, bytes, WORD);
		WRITE_ONCE(*(u64 *)at, word);
	} else {
		memcpy(at, bytes, len);
	}
}

/* In the stop, on one CPU.  Cannot fail; a word that has neither contents stays. */
notrace void elfkit_updates_write(bool replace)
{
	const struct elfkit_update *update = updates();
	u64 i, at;

	for (i = 0; i < elfkit_table.nr_updates; i++, update++)
		for (at = 0; at < update->size; at += WORD) {
			u64 from = replace ? update->old : update->now;
			u64 to = replace ? update->now : update->old;
			unsigned int len = word_size(update, at);

			if (!same(from, to, at, len) && same(update->addr, from, at, len))
				write_word(alias(i) + at, elfkit_ptr(const u8, to) + at, len);
		}
}

static u64 count_words(const struct elfkit_update *update)
{
	u64 at, words = 0;

	for (at = 0; at < update->size; at += WORD)
		words += !same(update->old, update->now, at, word_size(update, at));
	return words;
}

/* After the stop: says what has become of each object. */
void elfkit_updates_report(bool replaced)
{
	const struct elfkit_update *update = updates();
	u64 i, at, bytes = 0;

	if (!elfkit_table.nr_updates)
		return;
	for (i = 0; i < elfkit_table.nr_updates; i++, update++) {
		bytes += update->size;
		/* Who may write to another has perhaps done so since the stop. */
		WARN_ON_ONCE(update->flags & ELFKIT_UPDATE_CONSTANT &&
			     first_difference(update, replaced ? update->now : update->old) < update->size);
		if (replaced) {
			pr_info("%s has new contents: %llu of %llu words\n", elfkit_name(update->name),
				count_words(update), DIV_ROUND_UP_ULL(update->size, WORD));
			continue;
		}
		at = first_difference(update, update->old);
		if (at == update->size)
			continue;
		pr_notice("%s was set while the module was in, and stays as set\n",
			  elfkit_name(update->name));
		bytes -= update->size;
	}
	if (!replaced)
		pr_info("kernel objects as before: %llu updated, %llu bytes compared\n",
			elfkit_table.nr_updates, bytes);
}
