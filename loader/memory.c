// SPDX-License-Identifier: GPL-2.0
/*
 * All memory that the loader asks for.
 *
 * It is counted, so that a module that goes says what it has forgotten; and a test can let any one
 * request fail, also those that the kernel makes on our behalf.  Outside the stop only.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "loader.h"

static unsigned int fail_memory;
module_param(fail_memory, uint, 0644);
MODULE_PARM_DESC(fail_memory, "for tests: which request for memory fails, counted from the next one (default 0: none)");

static atomic_t held;

/* Whether a test wants this request to fail.  It is 0 again then. */
bool elfkit_memory_fails(void)
{
	unsigned int left = READ_ONCE(fail_memory);

	if (left)
		WRITE_ONCE(fail_memory, left - 1);
	return left == 1;
}

static void *counted(void *memory)
{
	if (memory)
		atomic_inc(&held);
	return memory;
}

/* @nr times @size bytes, all 0, or NULL. */
void *elfkit_alloc(size_t nr, size_t size)
{
	return elfkit_memory_fails() ? NULL : counted(kvcalloc(nr, size, GFP_KERNEL | __GFP_NOWARN));
}

/* For whoever cannot go on without: -ENOMEM, and the line that says so. */
int elfkit_short(void)
{
	pr_err("refused: memory is short, nothing has changed\n");
	return -ENOMEM;
}

char *elfkit_asprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (!elfkit_memory_fails())
		text = counted(kvasprintf(GFP_KERNEL, format, args));
	va_end(args);
	return text;
}

void elfkit_free(const void *memory)
{
	if (memory)
		atomic_dec(&held);
	kvfree(memory);
}

/* A writable mapping of pages, one behind the other, or NULL. */
void *elfkit_map(struct page **pages, unsigned int nr)
{
	return elfkit_memory_fails() ? NULL : counted(vmap(pages, nr, VM_MAP, PAGE_KERNEL));
}

void elfkit_unmap(const void *mapping)
{
	if (!mapping)
		return;
	atomic_dec(&held);
	vunmap(mapping);
}

/* When the module goes. */
void elfkit_memory_check(void)
{
	if (atomic_read(&held))
		pr_err("%d pieces of memory were not freed, which is a bug of elfkit\n", atomic_read(&held));
}
