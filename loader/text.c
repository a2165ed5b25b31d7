// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes at the patch sites, and those of the functions behind them.
 *
 * Text is written through a second, writable mapping of the same pages that
 * lives for one swap only; the kernel's own mapping stays read-only and CR0.WP
 * is not touched.  A jump is one 8-byte store inside one cache line, so that
 * an NMI, which a stopped machine still takes, executes the old instruction or
 * the new one.  Refuses a site whose running bytes are not the expected ones
 * and a target that a 32-bit displacement does not reach.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <asm/pgtable_types.h>

#include "loader.h"

#define LINE		64	/* x86-64 cache line; a larger one contains it */
#define JMP_REL32	0xe9
#define CALL_REL32	0xe8
#define INT3		0xcc

/* What the site holds while its function is replaced. */
static notrace void make_jump(const struct elfkit_site *site, u8 *jump)
{
	s32 rel = (s32)(site->target - (site->addr + ELFKIT_JUMP_SIZE));

	jump[0] = JMP_REL32;
	memcpy(jump + 1, &rel, sizeof(rel));
}

/* All later code relies on what is checked here. */
int elfkit_text_check_table(void)
{
	const struct elfkit_site *site = elfkit_sites();
	u64 i, end = 0;

	for (i = 0; i < elfkit_table.nr_sites; i++, site++) {
		s64 rel = (s64)(site->target - (site->addr + ELFKIT_JUMP_SIZE));

		if (site->addr < end || site->expect_len < ELFKIT_JUMP_SIZE ||
		    site->expect_len > ELFKIT_EXPECT_MAX) {
			pr_err("refused: the table's entry for %s is malformed\n",
			       elfkit_name(site->name));
			return -ENOEXEC;
		}
		if (rel != (s32)rel) {
			pr_err("refused: no jump reaches from %s to its new body, %lld bytes\n",
			       elfkit_name(site->name), rel);
			return -ERANGE;
		}
		end = site->addr + ELFKIT_JUMP_SIZE;
	}
	return 0;
}

static const char *suspect(u8 first)
{
	switch (first) {
	case CALL_REL32:
		return "ftrace, livepatch or BPF have probably put a call there";
	case INT3:
		return "a kprobe is probably there";
	case JMP_REL32:
		return "another elfkit module, kpatch or an optimised kprobe has probably put a jump there";
	default:
		return "ftrace, a kprobe, livepatch or another elfkit module may have changed it";
	}
}

/* ---- what is to be written ---- */

static void set_patch(struct elfkit_patch *patch, const struct elfkit_site *site, const u8 *before,
		      const u8 *after)
{
	patch->addr = site->addr;
	patch->name = elfkit_name(site->name);
	memcpy(patch->before, before, ELFKIT_JUMP_SIZE);
	memcpy(patch->after, after, ELFKIT_JUMP_SIZE);
}

/* A site of ours, and of the module that we take over from if @theirs is not NULL. */
static void plan_own(struct elfkit_patch *patch, const struct elfkit_site *site,
		     const struct elfkit_site *theirs, bool replace)
{
	u8 jump[ELFKIT_JUMP_SIZE], their_jump[ELFKIT_JUMP_SIZE];

	make_jump(site, jump);
	if (theirs)
		make_jump(theirs, their_jump);
	if (replace)
		set_patch(patch, site, theirs ? their_jump : site->expect, jump);
	else
		set_patch(patch, site, jump, site->expect);
}

/* A site that only the module has that we take over from: the kernel's own again. */
static void plan_theirs(struct elfkit_patch *patch, const struct elfkit_site *theirs)
{
	u8 jump[ELFKIT_JUMP_SIZE];

	make_jump(theirs, jump);
	set_patch(patch, theirs, jump, theirs->expect);
}

static int plan(struct elfkit_text *text, bool replace, const struct elfkit_table *from)
{
	const struct elfkit_site *own = elfkit_sites(), *own_end = own + elfkit_table.nr_sites;
	const struct elfkit_site *theirs = from ? elfkit_ptr(const struct elfkit_site, from->sites) : NULL;
	const struct elfkit_site *theirs_end = from ? theirs + from->nr_sites : NULL;

	text->nr_patches = 0;
	text->patches = elfkit_alloc(elfkit_table.nr_sites + (from ? from->nr_sites : 0),
				     sizeof(*text->patches));
	if (!text->patches)
		return elfkit_short();
	while (own < own_end || theirs < theirs_end) {
		struct elfkit_patch *patch = &text->patches[text->nr_patches++];

		if (theirs < theirs_end && (own == own_end || theirs->addr < own->addr)) {
			plan_theirs(patch, theirs++);
		} else if (theirs < theirs_end && theirs->addr == own->addr) {
			plan_own(patch, own++, theirs++, replace);
		} else {
			plan_own(patch, own++, NULL, replace);
		}
		if (text->nr_patches > 1 && patch->addr < patch[-1].addr + ELFKIT_JUMP_SIZE) {
			pr_err("refused: the jump of the other module at %s overlaps one at %s\n",
			       patch[-1].name, patch->name);
			return -EADDRINUSE;
		}
	}
	return 0;
}

/*
 * Does each site hold what it should, before writing or @after it?  Under text_mutex, or a site may be
 * in the middle of being patched.  0 or -EADDRINUSE, with a message that names the function.
 */
int elfkit_text_verify(const struct elfkit_text *text, bool after)
{
	u64 i;

	for (i = 0; i < text->nr_patches; i++) {
		const struct elfkit_patch *patch = &text->patches[i];
		const u8 *have = elfkit_ptr(const u8, patch->addr);
		const u8 *want = after ? patch->after : patch->before;

		if (!memcmp(have, want, ELFKIT_JUMP_SIZE))
			continue;
		pr_err("refused: %s has the bytes %*ph at its entry instead of %*ph: %s\n",
		       patch->name, ELFKIT_JUMP_SIZE, have, ELFKIT_JUMP_SIZE, want, suspect(have[0]));
		return -EADDRINUSE;
	}
	return 0;
}

/* The kprobe on this very byte that does not come through ftrace: it holds a copy of the instruction there. */
static bool copied(unsigned long addr)
{
	bool is = false;

#ifdef CONFIG_KPROBES
	struct kprobe *probe;

	preempt_disable();
	probe = get_kprobe((void *)addr);
	is = probe && !kprobe_ftrace(probe);
	preempt_enable();
#endif
	return is;
}

/*
 * A kprobe that is there but not armed leaves no trace in the text.  Armed later, it would run the instruction that it
 * has seen, and write its first byte.  0 or -EADDRINUSE, with a message.
 */
int elfkit_text_unprobed(const struct elfkit_text *text)
{
	unsigned int at;
	u64 i;

	for (i = 0; i < text->nr_patches; i++)
		for (at = 0; at < ELFKIT_JUMP_SIZE; at++) {
			const struct elfkit_patch *patch = &text->patches[i];

			if (!copied(patch->addr + at))
				continue;
			pr_err("refused: a kprobe is registered at %s+0x%x, though it is switched off; remove it\n",
			       patch->name, at);
			return -EADDRINUSE;
		}
	return 0;
}

/* ---- writing it ---- */

/*
 * The page behind an address in the kernel image, as the processor finds it: what is written through
 * another mapping of it is written there, and nowhere else.
 */
struct page *elfkit_text_page(unsigned long addr)
{
	return pfn_to_page(slow_virt_to_phys((void *)addr) >> PAGE_SHIFT);
}

/*
 * Map the pages of all sites.  Sites are sorted, so each page is new or the
 * last one listed, and the two pages of a jump that crosses a page boundary
 * become neighbours in the alias too.
 */
static int map(struct elfkit_text *text)
{
	u64 i, nr = text->nr_patches;
	struct elfkit_patch *patch = text->patches;
	unsigned long last = 0;
	struct page **pages;
	unsigned int used = 0;

	pages = elfkit_alloc(2 * nr, sizeof(*pages));
	if (!pages)
		return elfkit_short();
	for (i = 0; i < nr; i++) {
		unsigned long first = patch[i].addr & PAGE_MASK;
		unsigned long end = (patch[i].addr + ELFKIT_JUMP_SIZE - 1) & PAGE_MASK;
		unsigned long index;

		if (!used || first != last)
			pages[used++] = elfkit_text_page(first);
		index = used - 1;
		if (end != first)
			pages[used++] = elfkit_text_page(end);
		last = end;
		/* An offset until the mapping's address is known. */
		patch[i].at = (u8 *)(index * PAGE_SIZE + (patch[i].addr - first));
	}
	text->alias = elfkit_map(pages, used);
	elfkit_free(pages);
	return text->alias ? 0 : elfkit_short();
}

/*
 * What is to be written, to go in (@replace), perhaps where the module with table @from is, or to
 * go back; and where to write it.
 */
int elfkit_text_map(struct elfkit_text *text, bool replace, const struct elfkit_table *from)
{
	int err = plan(text, replace, from);
	u64 i;

	err = err ?: map(text);
	for (i = 0; !err && i < text->nr_patches; i++)
		text->patches[i].at = text->alias + (unsigned long)text->patches[i].at;
	if (err)
		elfkit_text_unmap(text);
	return err;
}

void elfkit_text_unmap(struct elfkit_text *text)
{
	elfkit_unmap(text->alias);
	elfkit_free(text->patches);
	text->alias = NULL;
	text->patches = NULL;
	text->nr_patches = 0;
}

static notrace void write_site(u8 *at, unsigned long addr, const u8 *bytes)
{
	unsigned long in_line = addr & (LINE - 1);
	unsigned long skip;
	u64 word;

	if (in_line + ELFKIT_JUMP_SIZE > LINE) {
		/*
		 * No single store does it.  All CPUs are stopped with interrupts
		 * off, so only an NMI that runs this very function within
		 * these few cycles could see half of it.  Function entries are
		 * aligned to 16 bytes, so this is for kernels built otherwise.
		 */
		memcpy(at, bytes, ELFKIT_JUMP_SIZE);
		return;
	}

	/* Near the end of the line the word begins before the site. */
	skip = in_line > LINE - sizeof(word) ? in_line - (LINE - sizeof(word)) : 0;
	memcpy(&word, at - skip, sizeof(word));
	memcpy((u8 *)&word + skip, bytes, ELFKIT_JUMP_SIZE);
	WRITE_ONCE(*(u64 *)(at - skip), word);
}

/* In the stop, on one CPU, under text_mutex: what is planned, or @undo it.  Cannot fail. */
notrace void elfkit_text_write(const struct elfkit_text *text, bool undo)
{
	u64 i;

	for (i = 0; i < text->nr_patches; i++) {
		const struct elfkit_patch *patch = &text->patches[i];

		write_site(patch->at, patch->addr, undo ? patch->before : patch->after);
	}
}

/* ---- the bodies ---- */

/* The copy as it would be without the jumps of the module with table @from. */
static void take_out_jumps(struct elfkit_text *text, const struct elfkit_table *from)
{
	const struct elfkit_range *range = elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	const struct elfkit_site *site = elfkit_ptr(const struct elfkit_site, from->sites);
	u64 i, k = 0, base = 0;

	for (i = 0; i < elfkit_table.nr_ranges; i++, range++) {
		for (; k < from->nr_sites && site->addr < range->end; k++, site++)
			if (site->addr >= range->start && site->addr + ELFKIT_JUMP_SIZE <= range->end)
				memcpy(text->saved + base + (site->addr - range->start), site->expect,
				       ELFKIT_JUMP_SIZE);
		base += range->end - range->start;
	}
}

/*
 * Keep a copy of all functions to be replaced as the kernel has them by itself, to compare with vmlinux
 * before and with the text after going back.
 */
int elfkit_text_save(struct elfkit_text *text, const struct elfkit_table *from)
{
	const struct elfkit_range *range =
		elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	u64 i, at = 0;

	elfkit_text_forget(text);
	text->nr_saved = elfkit_table.bodies_size;
	text->saved = elfkit_alloc(1, text->nr_saved);
	if (!text->saved)
		return elfkit_short();
	for (i = 0; i < elfkit_table.nr_ranges; i++) {
		memcpy(text->saved + at, elfkit_ptr(u8, range[i].start),
		       range[i].end - range[i].start);
		at += range[i].end - range[i].start;
	}
	if (from)
		take_out_jumps(text, from);
	return 0;
}

/*
 * After going back, with the sites verified: are the functions what they were,
 * byte for byte?  The kernel patches itself (jump labels, static calls,
 * kprobes), so a difference outside a site is a note and not our error.
 */
void elfkit_text_compare(const struct elfkit_text *text)
{
	const struct elfkit_range *range =
		elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	u64 i, j, at = 0, differ = 0, offset = 0;
	const char *first = NULL;

	for (i = 0; i < elfkit_table.nr_ranges; i++, range++) {
		const u8 *have = elfkit_ptr(const u8, range->start);
		u64 len = range->end - range->start;

		for (j = 0; j < len && have[j] == text->saved[at + j]; j++)
			;
		if (j < len && !differ++) {
			first = elfkit_name(range->name);
			offset = j;
		}
		at += len;
	}

	if (!differ)
		pr_info("kernel text identical: %llu functions, %llu bytes compared\n",
			elfkit_table.nr_sites, text->nr_saved);
	else
		pr_notice("kernel text: all %llu entries are as before; %llu of %llu bodies changed elsewhere meanwhile, first %s+0x%llx (jump labels, static calls and kprobes do that)\n",
			  elfkit_table.nr_sites, differ, elfkit_table.nr_ranges,
			  first, offset);
}

void elfkit_text_forget(struct elfkit_text *text)
{
	elfkit_free(text->saved);
	text->saved = NULL;
	text->nr_saved = 0;
}
