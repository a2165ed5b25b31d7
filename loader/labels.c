// SPDX-License-Identifier: GPL-2.0
/*
 * Registers the new code's jump labels and static calls with the kernel.
 *
 * Both are lists of entries that name a key of the kernel by its distance, and
 * registering writes to that key.  In a kernel of another build it would be
 * some other variable, so the kernel's module loader must not find these lists
 * before init: they are in sections that it does not know.  Here, with the
 * build known to be right, they become what the module loader would have made
 * of them (fields of struct module), and each subsystem is told of the module
 * through the very function by which it hears of all modules.  From then on
 * the kernel keeps them patched, and takes them out when the module goes or
 * when its init fails.
 */
#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/static_call_types.h>

#include "loader.h"

static int announce(u64 block, const char *what)
{
	struct notifier_block *nb = elfkit_ptr(struct notifier_block, block);
	int err;

	if (!nb) {
		pr_err("refused: this kernel has nobody to register %s with\n", what);
		return -ENOEXEC;
	}
	err = elfkit_memory_fails() ? -ENOMEM :
		notifier_to_errno(nb->notifier_call(nb, MODULE_STATE_COMING, THIS_MODULE));
	if (err)
		pr_err("refused: the module's %s could not be registered\n", what);
	return err;
}

static int register_jump_labels(struct module *module)
{
#ifdef CONFIG_JUMP_LABEL
	int err;

	if (!elfkit_table.jump_labels_size)
		return 0;
	module->jump_entries = elfkit_ptr(struct jump_entry, elfkit_table.jump_labels);
	module->num_jump_entries = elfkit_table.jump_labels_size / sizeof(struct jump_entry);
	err = announce(elfkit_table.jump_label_module_nb, "jump labels");
	/* The kernel has undone what it had begun: it must not do so twice. */
	if (err)
		module->num_jump_entries = 0;
	return err;
#else
	return elfkit_table.jump_labels_size ? announce(0, "jump labels") : 0;
#endif
}

static int register_static_calls(struct module *module)
{
#ifdef CONFIG_HAVE_STATIC_CALL_INLINE
	int err;

	if (!elfkit_table.static_calls_size)
		return 0;
	module->static_call_sites = elfkit_ptr(struct static_call_site,
					       elfkit_table.static_calls);
	module->num_static_call_sites =
		elfkit_table.static_calls_size / sizeof(struct static_call_site);
	err = announce(elfkit_table.static_call_module_nb, "static calls");
	if (err)
		module->num_static_call_sites = 0;
	return err;
#else
	return elfkit_table.static_calls_size ? announce(0, "static calls") : 0;
#endif
}

/*
 * In init, after elfkit_identity_check().  On an error the kernel, which takes
 * the module down then, undoes what was registered.
 */
int elfkit_labels_register(void)
{
	int err = register_jump_labels(THIS_MODULE);

	return err ?: register_static_calls(THIS_MODULE);
}
