// SPDX-License-Identifier: GPL-2.0
/*
 * Are the functions to be replaced, all of them and every byte, those of vmlinux?
 *
 * A kernel rewrites its own text: for the processor it finds itself on at boot, and whenever a
 * static key or a static call changes.  The table lists these places as holes and what may be in
 * each; all other bytes must be equal.  A hole for which any code may be right still must not
 * begin with a breakpoint.  Compares only; who.c finds out who was it.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "loader.h"

#define CALL		0xe8
#define JUMP32		0xe9
#define JUMP8		0xeb
#define RETURN		0xc3
#define BREAKPOINT	0xcc
#define LOCK		0xf0
#define NO_LOCK		0x3e	/* a segment prefix that means nothing (arch/x86/kernel/alternative.c) */
#define MAX_PADDING	64	/* before a function, which a call may enter */

static const u8 nop2[] = { 0x66, 0x90 };
static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const u8 osp_nop4[] = { 0x66, 0x0f, 0x1f, 0x00 };
static const u8 nop4[] = { 0x0f, 0x1f, 0x40 };	/* the fourth byte is free */
/* What a static call becomes where its function is one of a few that one instruction can stand for */
static const u8 inlined[][5] = {
	{ 0x2e, 0x2e, 0x2e, 0x31, 0xc0 },	/* xor %eax,%eax: return 0 */
	{ 0x67, 0x48, 0x0f, 0xb9, 0x3a },	/* ud1 (%edx),%rdi: a warning, in 7.3 */
	{ 0x3e, 0x3e, 0xc6, 0x07, 0x00 },	/* movb $0,(%rdi): unlock, in 7.3 */
};
static const u8 bare_return[] = { RETURN, BREAKPOINT, BREAKPOINT, BREAKPOINT, BREAKPOINT };

static s32 read_s32(const u8 *at)
{
	s32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static bool is_jump_label(const u8 *have, unsigned int size)
{
	return !memcmp(have, size == 2 ? nop2 : nop5, size);
}

static bool is_static_call(const u8 *have)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inlined); i++)
		if (!memcmp(have, inlined[i], sizeof(inlined[i])))
			return true;
	return have[0] == CALL || have[0] == JUMP32 || have[0] == RETURN ||
	       (have[0] == 0x0f && (have[1] & 0xf0) == 0x80) ||	/* a conditional jump */
	       !memcmp(have, nop5, sizeof(nop5));
}

/* Calls are counted where return prediction is weak: in the padding before the function. */
static bool is_call(const u8 *have, const u8 *want)
{
	s64 before = (s64)read_s32(want + 1) - read_s32(have + 1);

	return have[0] == CALL && want[0] == CALL && before > 0 && before <= MAX_PADDING;
}

static bool is_return(u64 addr, const u8 *have, unsigned int size)
{
	bool in_module;

	if (size != sizeof(bare_return))
		return have[0] != BREAKPOINT;
	if (!memcmp(have, bare_return, size))
		return true;
	if (have[0] != JUMP32)
		return false;
	preempt_disable();
	in_module = __module_address(addr + size + read_s32(have + 1));
	preempt_enable();
	return !in_module;
}

static bool is_moved(const u8 *have, const u8 *want, unsigned int size, u64 distance)
{
	u64 a = 0, b = 0;

	memcpy(&a, have, size);
	memcpy(&b, want, size);
	b += distance;
	return !memcmp(&a, &b, size);
}

static bool fits(const struct elfkit_hole *hole, u64 addr, const u8 *have, const u8 *want)
{
	u64 moved = elfkit_table.anchor - elfkit_table.anchor_linked;

	if (!memcmp(have, want, hole->size))
		return true;
	switch (hole->kind) {
	case ELFKIT_HOLE_ANY:
		return have[0] != BREAKPOINT;
	case ELFKIT_HOLE_JUMP_LABEL:
		return is_jump_label(have, hole->size);
	case ELFKIT_HOLE_STATIC_CALL:
		return hole->size >= sizeof(nop5) && is_static_call(have);
	case ELFKIT_HOLE_CALL:
		return hole->size == sizeof(nop5) && is_call(have, want);
	case ELFKIT_HOLE_RETURN:
		return is_return(addr, have, hole->size);
	case ELFKIT_HOLE_ENDBR:
		return !memcmp(have, osp_nop4, sizeof(osp_nop4)) || !memcmp(have, nop4, sizeof(nop4));
	case ELFKIT_HOLE_LOCK:
		return have[0] == LOCK || have[0] == NO_LOCK;
	case ELFKIT_HOLE_ADDRESS:
		return hole->size <= sizeof(u64) && is_moved(have, want, hole->size, moved);
	case ELFKIT_HOLE_PERCPU:
		return hole->size <= sizeof(u64) && is_moved(have, want, hole->size, -moved);
	}
	return false;
}

static int differs(const struct elfkit_range *range, u64 offset, const u8 *have, const u8 *want,
		   u64 len, struct elfkit_difference *ret)
{
	ret->name = elfkit_name(range->name);
	ret->offset = offset;
	ret->addr = range->start + offset;
	ret->len = min_t(u64, len, sizeof(ret->have));
	memcpy(ret->have, have, ret->len);
	memcpy(ret->want, want, ret->len);
	return -EADDRINUSE;
}

/* Bytes outside of holes: the first that differs, and what follows it. */
static int compare_plain(const struct elfkit_range *range, u64 from, u64 to, const u8 *have,
			 const u8 *want, struct elfkit_difference *ret)
{
	if (!memcmp(have + from, want + from, to - from))
		return 0;
	while (have[from] == want[from])
		from++;
	return differs(range, from, have + from, want + from, min_t(u64, to - from, ELFKIT_JUMP_SIZE),
		       ret);
}

/* One range, whose bytes begin at @base of all bodies and are @have; *@next is its first hole. */
static int compare_range(const struct elfkit_range *range, u64 base, const u8 *have, u64 *next,
			 struct elfkit_difference *ret)
{
	const struct elfkit_hole *holes = elfkit_ptr(const struct elfkit_hole, elfkit_table.holes);
	const u8 *want = elfkit_ptr(const u8, elfkit_table.bodies) + base;
	u64 size = range->end - range->start, at = 0;
	int err;

	for (; *next < elfkit_table.nr_holes && holes[*next].at < base + size; ++*next) {
		const struct elfkit_hole *hole = &holes[*next];
		u64 start = hole->at - base;

		err = compare_plain(range, at, start, have, want, ret);
		if (err)
			return err;
		if (!fits(hole, range->start + start, have + start, want + start))
			return differs(range, start, have + start, want + start, hole->size, ret);
		at = start + hole->size;
	}
	return compare_plain(range, at, size, have, want, ret);
}

/* Nothing below may read beyond the table or a range. */
int elfkit_bodies_check_table(void)
{
	const struct elfkit_range *range = elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	const struct elfkit_hole *hole = elfkit_ptr(const struct elfkit_hole, elfkit_table.holes);
	u64 i, end = 0, size = 0, next = 0;

	for (i = 0; i < elfkit_table.nr_ranges; i++, range++) {
		size += range->end - range->start;
		for (; next < elfkit_table.nr_holes && hole->at < size; next++, hole++) {
			if (!hole->size || hole->at < end || hole->at + hole->size > size)
				goto malformed;
			end = hole->at + hole->size;
		}
	}
	if (size == elfkit_table.bodies_size && next == elfkit_table.nr_holes)
		return 0;
malformed:
	pr_err("refused: the table's list of bodies is malformed\n");
	return -ENOEXEC;
}

/*
 * 0, or -EADDRINUSE and the first difference in @have, a copy of all ranges that was made under
 * text_mutex.
 */
int elfkit_bodies_compare(const u8 *have, struct elfkit_difference *ret)
{
	const struct elfkit_range *range = elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	u64 i, base = 0, next = 0;
	int err;

	for (i = 0; i < elfkit_table.nr_ranges; i++, range++) {
		err = compare_range(range, base, have + base, &next, ret);
		if (err)
			return err;
		base += range->end - range->start;
	}
	return 0;
}
