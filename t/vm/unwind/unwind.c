// SPDX-License-Identifier: GPL-2.0
/*
 * Stack traces with the instruction pointer in the adapter, at each of its instructions: a kprobe there
 * unwinds from its registers. One line for each, when it is unloaded.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

#include <asm/unwind.h>

#define MAX_PROBES 48
#define MAX_DEPTH 24

static int offsets[MAX_PROBES];
static int nr_offsets;
module_param_array(offsets, int, &nr_offsets, 0444);

static struct probe {
	struct kprobe kprobe;
	unsigned long trace[MAX_DEPTH];
	unsigned int depth;
	bool error;
	atomic_t hits;
} probes[MAX_PROBES];

/* Down to the task's first frame: the unwinder has an error if it stops before. */
static void unwind(struct probe *p, const struct pt_regs *regs)
{
	struct pt_regs here = *regs;
	struct unwind_state state;

	here.ip = (unsigned long)p->kprobe.addr;	/* int3 has moved it */
	for (unwind_start(&state, current, &here, NULL); !unwind_done(&state); unwind_next_frame(&state)) {
		unsigned long addr = unwind_get_return_address(&state);

		if (addr && p->depth < MAX_DEPTH)
			p->trace[p->depth++] = addr;
	}
	p->error = unwind_error(&state);
}

static int hit(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct probe *p = container_of(kprobe, struct probe, kprobe);

	if (atomic_inc_return(&p->hits) == 1)
		unwind(p, regs);
	return 0;
}
NOKPROBE_SYMBOL(hit);

static void forget(int n)
{
	while (n--)
		unregister_kprobe(&probes[n].kprobe);
}

static int __init begin(void)
{
	int i, err;

	for (i = 0; i < nr_offsets; i++) {
		probes[i].kprobe.symbol_name = "elfkit_adapter";
		probes[i].kprobe.offset = offsets[i];
		probes[i].kprobe.pre_handler = hit;
		err = register_kprobe(&probes[i].kprobe);
		if (err) {
			pr_err("unwind: +0x%x: %d\n", offsets[i], err);
			forget(i);
			return err;
		}
	}
	return 0;
}

static void __exit end(void)
{
	int i, k;

	forget(nr_offsets);
	for (i = 0; i < nr_offsets; i++) {
		pr_info("unwind: +0x%x, %d hits, %s:", offsets[i], atomic_read(&probes[i].hits),
			probes[i].error ? "error" : "to the end");
		for (k = 0; k < probes[i].depth; k++)
			pr_cont(" %ps", (void *)probes[i].trace[k]);
		pr_cont("\n");
	}
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test: unwinds through a stack-switch adapter");
